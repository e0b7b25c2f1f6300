//! What a piece of text says: the recognition network, and its output made characters.
//!
//! The network reads a strip 48 pixels high from left to right and gives every eighth column the
//! probability of each character, or of none ("blank"). Decoding is greedy (Connectionist Temporal
//! Classification, Graves et al. 2006): the likeliest of each column, repeats and blanks left out.

use std::path::Path;

use ort::session::Session;
use ort::value::Tensor;

use super::geometry::Region;
use super::image::{Levels, Scale, Window};
use super::session;
use crate::ModelsError;
use crate::embedding::Runtime;

/// Height of a strip.
const HEIGHT: usize = 48;
/// Shorter texts are stretched to what the network can take.
const MIN_WIDTH: usize = 16;
/// Longer texts are squeezed: it bounds the memory that one strip takes.
const MAX_WIDTH: usize = 3200;

/// As the network was trained.
const SCALE: Scale = Scale {
    mean: [0.5; 3],
    deviation: [0.5; 3],
};

/// The recognition network and the characters it knows.
pub(super) struct Recogniser {
    session: Session,
    /// In the order of the output, which has the blank before them and the space after.
    characters: Vec<String>,
}

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    pub text: String,
    /// Mean probability of its characters; 0 without any.
    pub confidence: f32,
}

impl Recogniser {
    pub fn load(runtime: &Runtime, path: &Path, threads: usize) -> Result<Self, ModelsError> {
        let session = session::load(runtime, path, threads)?;
        let list = session
            .metadata()
            .ok()
            .and_then(|metadata| metadata.custom("character"));
        let list = list.ok_or_else(|| {
            ModelsError::Load(format!("{}: it lists no characters", path.display()))
        })?;
        let characters = list.lines().map(str::to_owned).collect();
        Ok(Self {
            session,
            characters,
        })
    }

    /// Reads the text of a region. One at a time: on a processor a batch takes longer for each.
    pub fn read(&mut self, levels: &mut Levels, region: Region) -> Result<Reading, ModelsError> {
        let window = window(region);
        let strip = levels.view(&window, &SCALE);
        let input = Tensor::from_array(([1, 3, window.height, window.width], strip))
            .map_err(session::failed)?;
        let outputs = self
            .session
            .run(ort::inputs![input])
            .map_err(session::failed)?;
        let (shape, scores) = outputs[0]
            .try_extract_tensor::<f32>()
            .map_err(session::failed)?;
        let classes = self.characters.len() + 2;
        if shape.last().copied() != i64::try_from(classes).ok() {
            return Err(ModelsError::Inference(format!(
                "the model knows {classes} characters and gives probabilities for {shape:?}"
            )));
        }
        Ok(decode(scores, &self.characters))
    }
}

/// The strip of a region.
fn window(region: Region) -> Window {
    let cell = region.height / HEIGHT as f32;
    let width = ((region.length / cell).ceil() as usize).clamp(MIN_WIDTH, MAX_WIDTH);
    Window {
        corner: region.corner(),
        right: region.along * (region.length / width as f32),
        down: region.along.clockwise() * cell,
        width,
        height: HEIGHT,
    }
}

/// The likeliest text of rows of probabilities: the blank, each character, the space.
fn decode(scores: &[f32], characters: &[String]) -> Reading {
    let mut text = String::new();
    let mut sum = 0.0;
    let mut count = 0_u16;
    let mut before = 0;
    for row in scores.chunks_exact(characters.len() + 2) {
        let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let Some((class, probability)) = best else {
            continue;
        };
        if class != before
            && let Some(index) = class.checked_sub(1)
        {
            text.push_str(characters.get(index).map_or(" ", String::as_str));
            sum += probability;
            count = count.saturating_add(1);
        }
        before = class;
    }
    let confidence = if count == 0 {
        0.0
    } else {
        sum / f32::from(count)
    };
    Reading { text, confidence }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows in which the class of each is likeliest, with this probability.
    fn rows(likeliest: &[(usize, f32)]) -> Vec<f32> {
        let row = |(class, probability): &(usize, f32)| {
            let mut row = [0.01; 5];
            row[*class] = *probability;
            row
        };
        likeliest.iter().flat_map(row).collect()
    }

    #[track_caller]
    fn check(likeliest: &[(usize, f32)], text: &str, confidence: f32) {
        let characters = ["a", "b", "é"].map(str::to_owned);
        let reading = decode(&rows(likeliest), &characters);
        assert_eq!(reading.text, text);
        assert!(
            (reading.confidence - confidence).abs() < 1e-6,
            "{reading:?}"
        );
    }

    #[test]
    fn repeats_are_one_character_unless_a_blank_is_between() {
        check(&[(1, 0.8), (1, 0.9), (2, 0.6)], "ab", 0.7);
        check(&[(1, 0.8), (0, 0.9), (1, 0.6)], "aa", 0.7);
        check(&[(0, 0.9), (3, 0.5), (0, 0.9)], "é", 0.5);
    }

    #[test]
    fn the_last_class_is_the_space() {
        check(&[(1, 0.5), (4, 0.5), (4, 0.5), (2, 0.5)], "a b", 0.5);
    }

    #[test]
    fn nothing_read_is_no_confidence() {
        check(&[(0, 0.9), (0, 0.9)], "", 0.0);
        check(&[], "", 0.0);
    }

    #[test]
    fn strips_keep_proportions_within_limits() {
        let region = |length| Region {
            centre: super::super::geometry::Vector { x: 0.0, y: 0.0 },
            along: super::super::geometry::Vector::RIGHT,
            length,
            height: 24.0,
        };
        let strip = window(region(200.0));
        assert_eq!((strip.width, strip.right.x, strip.down.y), (400, 0.5, 0.5));
        let squeezed = window(region(4800.0));
        assert_eq!((squeezed.width, squeezed.right.x), (MAX_WIDTH, 1.5));
        assert_eq!(window(region(0.0)).width, MIN_WIDTH);
    }
}
