//! Pages that are pictures: which they are, and what is seen on them.
//!
//! A page is drawn as a person would see it, so that scans in strips, turned pages and letters without a
//! meaning are all read the same way.

use std::collections::{BTreeMap, BTreeSet};

use hayro::hayro_interpret::InterpreterSettings;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};
use hayro_syntax::Pdf;
use vade_models::ocr::Image;

use super::guarded;
use crate::extract::child::{Frame, PageRead, Picture};
use crate::extract::images::{ImageReader, Unread};

/// Pixels for each point: 200 to the inch.
const SCALE: f64 = 200.0 / 72.0;

/// Pixels of a drawn page: all, and on a side.
const MOST_PIXELS: f64 = 12e6;
const LONGEST_SIDE: f64 = 8000.0;

/// What the pages of a file turned out to be.
#[derive(Default)]
pub(super) struct Pages {
    pages: BTreeMap<u32, Picture>,
    blank: BTreeSet<u32>,
}

impl Pages {
    pub(super) fn note(&mut self, frame: &Frame) {
        if let Frame::Page(page) = frame {
            self.pages.insert(page.number, page.picture);
            if page.text.trim().is_empty() {
                self.blank.insert(page.number);
            } else {
                self.blank.remove(&page.number);
            }
        }
    }

    /// Pages that are pictures; where no page has any text, all of them.
    pub(super) fn to_look_at(&self) -> Vec<u32> {
        if self.blank.len() == self.pages.len() {
            return self.blank.iter().copied().collect();
        }
        let unread = self.pages.iter();
        let unread = unread.filter(|(_, picture)| **picture == Picture::Unread);
        unread.map(|(number, _)| *number).collect()
    }
}

/// A page as it looks.
pub(super) fn look(pdf: &Pdf, number: u32, images: &mut ImageReader) -> Frame {
    let drawn = guarded(|| draw(pdf, number)).flatten();
    let text = match drawn.and_then(|image| guarded(|| images.text(&image))) {
        Some(Err(unread @ Unread::Hindered(_))) => return Frame::Rejected(unread.into()),
        Some(Ok(text)) => Some(text),
        Some(Err(Unread::Failed(_))) | None => None,
    };
    Frame::Page(match text {
        Some(text) => PageRead {
            number,
            text,
            complete: true,
            picture: Picture::Read,
        },
        None => PageRead {
            number,
            ..PageRead::default()
        },
    })
}

fn draw(pdf: &Pdf, number: u32) -> Option<Image> {
    let page = pdf
        .pages()
        .get(usize::try_from(number).ok()?.checked_sub(1)?)?;
    let (width, height) = page.render_dimensions();
    let (width, height) = (f64::from(width), f64::from(height));
    if !(width >= 1.0 && height >= 1.0) {
        return None;
    }
    let scale = SCALE
        .min((MOST_PIXELS / (width * height)).sqrt())
        .min(LONGEST_SIDE / width.max(height));
    #[expect(clippy::cast_possible_truncation, reason = "a factor of a few")]
    let scale = scale as f32;
    let settings = PixmapSettings {
        x_scale: scale,
        y_scale: scale,
        bg_color: WHITE,
    };
    let drawn = render(
        page,
        &RenderCache::new(),
        &InterpreterSettings::default(),
        &RenderSettings::default(),
        &settings,
    );
    let pixels = drawn.data_as_u8_slice().as_chunks::<4>().0.iter();
    let pixels: Vec<u8> = pixels
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect();
    Image::new(drawn.width().into(), drawn.height().into(), 3, pixels).ok()
}
