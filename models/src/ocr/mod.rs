//! Text in images: where it is, what it says, and in which order it is read.
//!
//! Two networks of the PP-OCR family through ONNX Runtime. `image` decodes and shows parts of an
//! image (`tiff` finds its pages), `detect` finds pieces of text in it, `recognise` reads one, `order`
//! puts them in lines. Scans may be skewed, and lie on any side. It knows nothing of documents;
//! whoever reads files calls it, in a process that may be stopped: images come from strangers, and
//! one full of specks takes minutes.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "sizes are limited when an image is decoded, and positions within it are clamped"
)]

mod detect;
mod geometry;
mod image;
mod order;
mod recognise;
mod session;
#[cfg(test)]
mod tests;
mod tiff;

use std::path::Path;

pub use self::image::{Image, MAX_PIXELS, decode, decode_page, page_count};

use self::detect::Detector;
use self::geometry::{Region, Vector};
use self::image::Levels;
use self::order::Block;
use self::recognise::{Reading, Recogniser};
use crate::ModelsError;
use crate::embedding::Runtime;

/// Pieces read with less confidence are no text.
const LEAST_CONFIDENCE: f32 = 0.5;
/// A page read with less confidence on average may lie on its head.
const DOUBTFUL: f32 = 0.8;

/// A line of text in an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it says. Pieces apart from each other have a space between them.
    pub text: String,
    /// Mean probability of its characters, from 0.5 to 1.
    pub confidence: f32,
    /// Where it is.
    pub bounds: Bounds,
}

/// An upright rectangle in pixels of the [`Image`] (smaller than the file's, where decoding halved
/// it); right and bottom are just outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Distance from the left edge.
    pub left: u32,
    /// Distance from the top edge.
    pub top: u32,
    /// Distance of its right side from the left edge.
    pub right: u32,
    /// Distance of its lower side from the top edge.
    pub bottom: u32,
}

/// Reads text in images. It belongs to one thread.
pub struct Reader {
    detector: Detector,
    recogniser: Recogniser,
}

/// A piece of text that was found and read.
struct Piece {
    region: Region,
    reading: Reading,
}

impl Reader {
    /// Loads a detection model and a recognition model, whose characters are listed in its metadata.
    /// Both use this many threads.
    ///
    /// # Errors
    /// [`ModelsError::Load`]: files that cannot be read or that ONNX Runtime refuses.
    pub fn load(
        runtime: &Runtime,
        detection: &Path,
        recognition: &Path,
        threads: usize,
    ) -> Result<Self, ModelsError> {
        Ok(Self {
            detector: Detector::load(runtime, detection, threads)?,
            recogniser: Recogniser::load(runtime, recognition, threads)?,
        })
    }

    /// All lines in the order of reading, none if there is no text. Time grows with the text: a full
    /// page takes seconds.
    ///
    /// # Errors
    /// [`ModelsError::Inference`], where ONNX Runtime fails.
    pub fn read(&mut self, image: &Image) -> Result<Vec<Line>, ModelsError> {
        let mut levels = Levels::new(image);
        let regions = self.detector.regions(&mut levels)?;
        let direction = usual_direction(&regions);
        let mut pieces = self.pieces(&mut levels, &regions, direction)?;
        let mut right = skew(&regions, direction);
        if mean_confidence(&pieces) < DOUBTFUL {
            let turned = self.pieces(&mut levels, &regions, direction * -1.0)?;
            if mean_confidence(&turned) > mean_confidence(&pieces) {
                pieces = turned;
                right = right * -1.0;
            }
        }
        pieces.retain(|piece| piece.reading.confidence >= LEAST_CONFIDENCE);
        Ok(lines(&pieces, right, image))
    }

    /// What the regions say on a page whose lines run in a direction.
    fn pieces(
        &mut self,
        levels: &mut Levels,
        regions: &[Region],
        direction: Vector,
    ) -> Result<Vec<Piece>, ModelsError> {
        let mut pieces = Vec::with_capacity(regions.len());
        for region in regions {
            let mut best = self.piece(levels, region.facing(direction))?;
            // A single tall letter, or text that runs down or up the page.
            if 2.0 * best.region.height > 3.0 * best.region.length {
                for turned in [direction.clockwise(), direction.clockwise() * -1.0] {
                    let piece = self.piece(levels, region.facing(turned))?;
                    if piece.reading.confidence > best.reading.confidence {
                        best = piece;
                    }
                }
            }
            pieces.push(best);
        }
        Ok(pieces)
    }

    fn piece(&mut self, levels: &mut Levels, region: Region) -> Result<Piece, ModelsError> {
        let reading = self.recogniser.read(levels, region)?;
        Ok(Piece { region, reading })
    }
}

/// Whether most of the text runs across the page or along it, by the shapes of its pieces: to the
/// right, or downwards. It may as well be the opposite.
fn usual_direction(regions: &[Region]) -> Vector {
    let long = regions.iter().filter(|region| region.is_long());
    let balance: f32 = long
        .map(|region| region.length * (region.along.x.abs() - region.along.y.abs()))
        .sum();
    if balance < 0.0 {
        Vector::DOWN
    } else {
        Vector::RIGHT
    }
}

/// The direction in which the lines run exactly: the mean of the long ones', near a given one.
fn skew(regions: &[Region], direction: Vector) -> Vector {
    let sum = regions
        .iter()
        .map(|region| region.facing(direction))
        .filter(|region| region.is_long())
        .fold(Vector { x: 0.0, y: 0.0 }, |sum, region| {
            sum + region.along * region.length
        });
    let length = sum.length();
    if length > 0.0 {
        sum * (1.0 / length)
    } else {
        direction
    }
}

/// Mean over all characters; 1 where there are none.
fn mean_confidence<'a>(pieces: impl IntoIterator<Item = &'a Piece>) -> f32 {
    let (mut sum, mut count) = (0.0, 0.0);
    for piece in pieces {
        let length = piece.reading.text.chars().count() as f32;
        sum += piece.reading.confidence * length;
        count += length;
    }
    if count > 0.0 { sum / count } else { 1.0 }
}

/// Pieces put together to lines, on a page whose lines run in a direction.
fn lines(pieces: &[Piece], right: Vector, image: &Image) -> Vec<Line> {
    let down = right.clockwise();
    let blocks: Vec<Block> = pieces
        .iter()
        .map(|piece| {
            let (left, right) = piece.region.reach(right);
            let (top, bottom) = piece.region.reach(down);
            Block {
                left,
                top,
                right,
                bottom,
            }
        })
        .collect();
    let in_order = order::lines(&blocks).into_iter();
    let lines = in_order.map(|line| {
        let parts: Vec<&Piece> = line.into_iter().map(|index| &pieces[index]).collect();
        join(&parts, image)
    });
    lines.filter(|line| !line.text.is_empty()).collect()
}

fn join(parts: &[&Piece], image: &Image) -> Line {
    let texts: Vec<&str> = parts
        .iter()
        .map(|piece| piece.reading.text.trim())
        .filter(|text| !text.is_empty())
        .collect();
    Line {
        text: texts.join(" "),
        confidence: mean_confidence(parts.iter().copied()),
        bounds: bounds(parts, image),
    }
}

/// The smallest upright rectangle around pieces, within the image.
fn bounds(parts: &[&Piece], image: &Image) -> Bounds {
    let reach = |direction: Vector, limit: usize| {
        let (least, most) = parts
            .iter()
            .map(|piece| piece.region.reach(direction))
            .fold((f32::INFINITY, f32::NEG_INFINITY), |all, one| {
                (all.0.min(one.0), all.1.max(one.1))
            });
        let limit = limit as f32;
        let start = least.floor().clamp(0.0, limit) as u32;
        (start, most.ceil().clamp(0.0, limit) as u32)
    };
    let (left, right) = reach(Vector::RIGHT, image.width());
    let (top, bottom) = reach(Vector::DOWN, image.height());
    Bounds {
        left,
        top,
        right,
        bottom,
    }
}
