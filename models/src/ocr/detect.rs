//! Where there is text: the detection network, and the rectangles drawn around what it marks.
//!
//! The network (Differentiable Binarization, Liao et al. 2020) gives each cell of a reduced image the
//! probability that it is in the core of a line of text. Connected cells are a region; a rectangle
//! along its longer axis is pushed outwards to where the text ends, as far as cores were shrunk in
//! training.

use std::path::Path;

use ort::session::Session;
use ort::value::Tensor;

use super::geometry::{Region, Vector};
use super::image::{Levels, Scale, Window};
use super::session;
use crate::ModelsError;
use crate::embedding::Runtime;

/// Most cells of the reduced image. A page in A4 proportions is 1,430 high, 120 dpi.
const CELLS: f32 = 1_440_000.0;
/// Longest side of the reduced image (cells).
const MAX_SIDE: f32 = 4096.0;
/// The sides of the network's input are multiples of it (cells).
const MULTIPLE: usize = 32;
/// Added around the image, whose edge colours it continues: text that touches an edge is not found
/// otherwise (cells).
const MARGIN: f32 = 16.0;
/// Cells of a lower probability are not text.
const THRESHOLD: f32 = 0.3;
/// Regions of a lower mean probability are dropped.
const LEAST_SCORE: f32 = 0.5;
/// Regions that are thinner are dropped (cells).
const LEAST_SIDE: f32 = 3.0;
/// How far rectangles are pushed outwards: by area over circumference times this.
const UNCLIP: f32 = 1.6;
/// Most regions of one image; the largest ones are kept.
const MAX_REGIONS: usize = 1000;

/// As the network was trained.
const SCALE: Scale = Scale {
    mean: [0.485, 0.456, 0.406],
    deviation: [0.229, 0.224, 0.225],
};

/// The detection network.
pub(super) struct Detector {
    session: Session,
}

impl Detector {
    pub fn load(runtime: &Runtime, path: &Path, threads: usize) -> Result<Self, ModelsError> {
        let session = session::load(runtime, path, threads)?;
        Ok(Self { session })
    }

    /// Rectangles around all texts, in no order, in pixels of the image; `along` is the longer side,
    /// or horizontal where the sides are alike.
    pub fn regions(&mut self, levels: &mut Levels) -> Result<Vec<Region>, ModelsError> {
        let window = reduced(levels.image().width(), levels.image().height());
        let cells = levels.view(&window, &SCALE);
        let input = Tensor::from_array(([1, 3, window.height, window.width], cells))
            .map_err(session::failed)?;
        let outputs = self
            .session
            .run(ort::inputs![input])
            .map_err(session::failed)?;
        let (_, map) = outputs[0]
            .try_extract_tensor::<f32>()
            .map_err(session::failed)?;
        if map.len() != window.width * window.height {
            return Err(ModelsError::Inference(
                "the map of texts has another size than the image".to_owned(),
            ));
        }
        let pixels = window.right.x;
        let found = components(map, window.width).into_iter();
        Ok(found
            .map(|region| Region {
                centre: window.corner + region.centre * pixels,
                length: region.length * pixels,
                height: region.height * pixels,
                ..region
            })
            .collect())
    }
}

/// The whole image with a margin, in as many cells as the network gets to see. It is never enlarged.
fn reduced(width: usize, height: usize) -> Window {
    let (width, height) = (width as f32, height as f32);
    let pixels = (width * height / CELLS)
        .sqrt()
        .max(width.max(height) / MAX_SIDE)
        .max(1.0);
    let cells = |side: f32| {
        let wanted = (side / pixels + 2.0 * MARGIN).ceil() as usize;
        wanted.next_multiple_of(MULTIPLE)
    };
    Window {
        corner: Vector { x: 1.0, y: 1.0 } * (-MARGIN * pixels),
        right: Vector::RIGHT * pixels,
        down: Vector::DOWN * pixels,
        width: cells(width),
        height: cells(height),
    }
}

/// Rectangles around the connected regions of a map of probabilities, `width` cells in a row.
fn components(map: &[f32], width: usize) -> Vec<Region> {
    let is_none = |probability: &f32| *probability <= THRESHOLD || probability.is_nan();
    let mut seen: Vec<bool> = map.iter().map(is_none).collect();
    let mut regions = Vec::new();
    let mut cells = Vec::new();
    for start in 0..map.len() {
        if !seen[start] {
            flood(&mut seen, width, start, &mut cells);
            let sum: f32 = cells.iter().map(|cell| map[*cell]).sum();
            let region = around(&cells, width);
            let is_thin = region.length.min(region.height) < LEAST_SIDE;
            if !is_thin && sum / cells.len() as f32 >= LEAST_SCORE {
                regions.push(region);
            }
        }
    }
    if regions.len() > MAX_REGIONS {
        regions.sort_by(|a, b| (b.length * b.height).total_cmp(&(a.length * a.height)));
        regions.truncate(MAX_REGIONS);
    }
    for region in &mut regions {
        let half_round = region.length + region.height;
        *region = region.grown(region.length * region.height * UNCLIP / (2.0 * half_round));
    }
    regions
}

/// All cells connected with this one, diagonals included; they are marked as seen.
fn flood(seen: &mut [bool], width: usize, start: usize, cells: &mut Vec<usize>) {
    cells.clear();
    cells.push(start);
    seen[start] = true;
    let mut next = 0;
    while let Some(cell) = cells.get(next).copied() {
        next += 1;
        let (x, y) = (cell % width, cell / width);
        for row in y.saturating_sub(1)..=y + 1 {
            for column in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                let neighbour = row * width + column;
                if seen.get(neighbour) == Some(&false) {
                    seen[neighbour] = true;
                    cells.push(neighbour);
                }
            }
        }
    }
}

/// The rectangle around cells along their longer axis, if that stands out, else an upright one.
fn around(cells: &[usize], width: usize) -> Region {
    let centre_of = |cell: &usize| Vector {
        x: (cell % width) as f32 + 0.5,
        y: (cell / width) as f32 + 0.5,
    };
    let upright = enclose(cells.iter().map(centre_of), Vector::RIGHT);
    let tilted = enclose(
        cells.iter().map(centre_of),
        axis(cells.iter().map(centre_of)),
    );
    if tilted.is_long() { tilted } else { upright }
}

/// The direction in which points spread most: of length one, and to the right rather than the left.
fn axis(points: impl Iterator<Item = Vector> + Clone) -> Vector {
    let count = points.clone().count() as f32;
    let sum = points
        .clone()
        .fold(Vector { x: 0.0, y: 0.0 }, |sum, point| sum + point);
    let mean = sum * (1.0 / count);
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for point in points {
        let off = point - mean;
        xx += off.x * off.x;
        xy += off.x * off.y;
        yy += off.y * off.y;
    }
    let angle = 0.5 * f32::atan2(2.0 * xy, xx - yy);
    Vector {
        x: angle.cos(),
        y: angle.sin(),
    }
}

/// The smallest rectangle in a direction around cells with these centres.
fn enclose(centres: impl Iterator<Item = Vector>, along: Vector) -> Region {
    let across = along.clockwise();
    let mut least = Vector::RIGHT * f32::INFINITY + Vector::DOWN * f32::INFINITY;
    let mut most = least * -1.0;
    for centre in centres {
        let (x, y) = (centre.dot(along), centre.dot(across));
        least = Vector {
            x: least.x.min(x),
            y: least.y.min(y),
        };
        most = Vector {
            x: most.x.max(x),
            y: most.y.max(y),
        };
    }
    let middle = (least + most) * 0.5;
    Region {
        centre: along * middle.x + across * middle.y,
        along,
        length: most.x - least.x + 1.0,
        height: most.y - least.y + 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map from a drawing: `#` is text for certain, `+` just so, `.` is none.
    fn map(rows: &[&str]) -> Vec<f32> {
        let cells = rows.iter().flat_map(|row| row.chars());
        cells
            .map(|cell| match cell {
                '#' => 1.0,
                '+' => 0.4,
                _ => 0.0,
            })
            .collect()
    }

    /// Left, top, right and bottom, in tenths of a cell.
    fn bounds(region: Region) -> [i32; 4] {
        let (left, right) = region.reach(Vector::RIGHT);
        let (top, bottom) = region.reach(Vector::DOWN);
        [left, top, right, bottom].map(|edge| (edge * 10.0).round() as i32)
    }

    #[test]
    fn a_block_is_one_region_pushed_outwards() {
        let rows = ["......", ".####.", ".####.", ".####.", "......"];
        let found = components(&map(&rows), 6);
        // 4 × 3 cells: by 12 · 1.6 / 14 on each side.
        assert_eq!(found.len(), 1);
        assert_eq!(bounds(found[0]), [-4, -4, 64, 54]);
    }

    #[test]
    fn diagonal_neighbours_are_connected_and_gaps_are_not() {
        let joined = ["###...", "###...", "###...", "...###", "...###", "...###"];
        assert_eq!(components(&map(&joined), 6).len(), 1);
        // The last cell of a row and the first of the next are no neighbours either.
        let apart = ["###.###", "###.###", "###.###"];
        assert_eq!(components(&map(&apart), 7).len(), 2);
    }

    #[test]
    fn what_is_faint_or_thin_is_dropped() {
        let faint = ["++++", "++++", "++++"];
        assert_eq!(components(&map(&faint), 4), []);
        let thin = ["####", "####", "...."];
        assert_eq!(components(&map(&thin), 4), []);
        assert_eq!(components(&[f32::NAN; 16], 4), []);
    }

    #[test]
    fn a_slanting_line_has_a_slanting_rectangle() {
        let (width, height) = (200, 60);
        let mut map = vec![0.0; width * height];
        for x in 10..190 {
            for y in 0..6 {
                map[(20 + x / 10 + y) * width + x] = 0.9;
            }
        }
        let [found] = components(&map, width).try_into().expect("one region");
        let degrees = found.along.y.atan2(found.along.x).to_degrees();
        assert!((degrees - 5.7).abs() < 0.2, "{degrees}");
        assert!(found.height < 20.0, "{found:?}");
    }

    #[test]
    fn a_tall_region_lies_along_its_height() {
        let rows = ["###"; 12];
        let [found] = components(&map(&rows), 3).try_into().expect("one region");
        assert!(found.length > found.height && found.along.y.abs() > 0.99);
    }

    #[test]
    fn the_reduced_image_fits_the_network() {
        for (width, height) in [
            (1, 1),
            (2480, 3508),
            (60_000, 300),
            (1080, 8000),
            (9000, 9000),
        ] {
            let window = reduced(width, height);
            assert_eq!((window.width % MULTIPLE, window.height % MULTIPLE), (0, 0));
            assert!(window.width * window.height < 2_400_000, "{window:?}");
            let reach = (window.width as f32 * window.right.x) + window.corner.x;
            assert!(reach >= width as f32, "{window:?}");
        }
    }
}
