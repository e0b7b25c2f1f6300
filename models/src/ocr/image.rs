//! An image as pixels: decoded within limits, and seen through a window.
//!
//! Both networks look at an image through a `Window`, a rectangle anywhere on it and at any angle,
//! in as many pixels as they want. What is shrunk is averaged first, so small print survives.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

use super::geometry::Vector;
use super::tiff;
use crate::ModelsError;

/// Larger images are refused before anything is decoded (pixels): an A3 page at 600 dpi has 70
/// million.
pub const MAX_PIXELS: u64 = 100_000_000;
/// Larger images are halved when they have been decoded (pixels).
const KEPT_PIXELS: u64 = 40_000_000;
/// Longest side (pixels).
const MAX_SIDE: u32 = 1 << 16;
/// What a decoder may take for the pixels and for itself (bytes).
const MAX_BYTES: u64 = 512 << 20;

/// Grey or red, green and blue, eight bits each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    width: usize,
    height: usize,
    /// One or three.
    channels: usize,
    /// Row by row, without padding.
    pixels: Vec<u8>,
}

/// How many pages an image file has: TIFF files may have several, all others have one.
#[must_use]
pub fn page_count(bytes: &[u8]) -> usize {
    tiff::directories(bytes).len().max(1)
}

/// Decodes a page of an image file, counted from 0: otherwise as [`decode`].
///
/// # Errors
/// As [`decode`]; also a page that is not there.
pub fn decode_page(bytes: &[u8], page: usize) -> Result<Image, ModelsError> {
    match tiff::directories(bytes).get(page) {
        _ if page == 0 => decode(bytes),
        Some(start) => decode(&tiff::beginning_with(bytes, *start)),
        None => Err(ModelsError::Image(format!("it has no page {page}"))),
    }
}

/// Decodes a PNG, JPEG, TIFF, WebP, BMP or GIF, told apart by their first bytes: of several pages or
/// frames the first. What is transparent becomes white, and an orientation noted by a camera is
/// applied. An image of more than 40 million pixels comes out half as wide and high.
///
/// # Errors
/// [`ModelsError::Image`]: another format, a damaged file, or more than [`MAX_PIXELS`].
pub fn decode(bytes: &[u8]) -> Result<Image, ModelsError> {
    let failed = |error: image::ImageError| ModelsError::Image(error.to_string());
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| ModelsError::Image(error.to_string()))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let (width, height) = decoder.dimensions();
    check(u64::from(width), u64::from(height))?;
    if decoder.total_bytes() > MAX_BYTES {
        return Err(ModelsError::Image(format!(
            "its pixels take {} MiB",
            decoder.total_bytes() >> 20
        )));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(failed)?;
    decoded.apply_orientation(orientation);
    let mut image = flatten(decoded)?;
    if image.pixel_count() > KEPT_PIXELS {
        image = image.halved();
    }
    Ok(image)
}

/// Pixels over white, grey where they were grey.
fn flatten(decoded: DynamicImage) -> Result<Image, ModelsError> {
    let (width, height) = (decoded.width() as usize, decoded.height() as usize);
    if decoded.color().has_alpha() {
        let pixels = decoded.into_rgba8().into_raw();
        let over_white = pixels.as_chunks::<4>().0.iter().flat_map(|pixel| {
            let [red, green, blue, alpha] = pixel.map(u32::from);
            // At most 255, for it is a mean of two bytes.
            [red, green, blue].map(|value| ((value * alpha + 255 * (255 - alpha)) / 255) as u8)
        });
        Image::new(width, height, 3, over_white.collect())
    } else if decoded.color().has_color() {
        Image::new(width, height, 3, decoded.into_rgb8().into_raw())
    } else {
        Image::new(width, height, 1, decoded.into_luma8().into_raw())
    }
}

fn check(width: u64, height: u64) -> Result<(), ModelsError> {
    if width == 0 || height == 0 {
        return Err(ModelsError::Image("it has no pixels".to_owned()));
    }
    if width.max(height) > u64::from(MAX_SIDE) || width * height > MAX_PIXELS {
        return Err(ModelsError::Image(format!(
            "{width} × {height} pixels are too many"
        )));
    }
    Ok(())
}

impl Image {
    /// Pixels that something else has decoded: `channels` is 1 for grey, 3 for red, green, blue.
    ///
    /// # Errors
    /// [`ModelsError::Image`]: no pixels, too many, or not as many as the size says.
    pub fn new(
        width: usize,
        height: usize,
        channels: usize,
        pixels: Vec<u8>,
    ) -> Result<Self, ModelsError> {
        check(width as u64, height as u64)?;
        if !matches!(channels, 1 | 3) || pixels.len() != width * height * channels {
            return Err(ModelsError::Image(format!(
                "{} bytes are not {width} × {height} pixels of {channels} channels",
                pixels.len()
            )));
        }
        Ok(Self {
            width,
            height,
            channels,
            pixels,
        })
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// 1 for grey, 3 for red, green and blue.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// A byte for each channel of each pixel, row by row.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    fn pixel_count(&self) -> u64 {
        (self.width * self.height) as u64
    }

    /// Half as wide and half as high, each pixel the mean of four.
    fn halved(&self) -> Self {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let mut pixels = Vec::with_capacity(width * height * self.channels);
        for y in 0..height {
            let [upper, lower] = [2 * y, (2 * y + 1).min(self.height - 1)].map(|y| self.row(y));
            for x in 0..width {
                let [left, right] =
                    [2 * x, (2 * x + 1).min(self.width - 1)].map(|x| x * self.channels);
                for channel in 0..self.channels {
                    let sum: u16 = [upper, lower]
                        .iter()
                        .flat_map(|row| [row[left + channel], row[right + channel]])
                        .map(u16::from)
                        .sum();
                    // The mean of four bytes is a byte.
                    pixels.push((sum / 4) as u8);
                }
            }
        }
        Self {
            width,
            height,
            channels: self.channels,
            pixels,
        }
    }

    fn row(&self, y: usize) -> &[u8] {
        let length = self.width * self.channels;
        &self.pixels[y * length..(y + 1) * length]
    }

    /// Blue, green and red at a point, between the pixels' centres by their distance. Outside is
    /// as the nearest edge.
    fn at(&self, point: Vector) -> [f32; 3] {
        let (left, right, to_right) = between(point.x, self.width);
        let (upper, lower, to_lower) = between(point.y, self.height);
        let (upper, lower) = (self.row(upper), self.row(lower));
        let mut colours = [0.0; 3];
        for (channel, colour) in colours.iter_mut().rev().enumerate() {
            let channel = channel.min(self.channels - 1);
            let value = |row: &[u8], x: usize| f32::from(row[x * self.channels + channel]);
            let mix = |row| value(row, left) * (1.0 - to_right) + value(row, right) * to_right;
            *colour = mix(upper) * (1.0 - to_lower) + mix(lower) * to_lower;
        }
        colours
    }
}

/// The pixels on both sides of a position along a side of this length, and how far it is from the
/// first to the second.
fn between(position: f32, length: usize) -> (usize, usize, f32) {
    let position = (position - 0.5).clamp(0.0, (length - 1) as f32);
    let first = position as usize;
    (first, (first + 1).min(length - 1), position.fract())
}

/// A rectangle on an image, as rows of cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Upper left corner (pixels of the image; a pixel's centre is at its index plus a half).
    pub corner: Vector,
    /// From a cell to the one on its right.
    pub right: Vector,
    /// From a cell to the one below it.
    pub down: Vector,
    /// Cells in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// How a network wants its colours: of each, in the order blue, green, red, the mean is taken away
/// and the rest divided by the deviation (both of a scale from 0 to 1).
pub(super) struct Scale {
    pub mean: [f32; 3],
    pub deviation: [f32; 3],
}

/// An image with its halves, halves of halves and so on, as far as they have been needed.
pub(super) struct Levels<'a> {
    image: &'a Image,
    halves: Vec<Image>,
}

impl<'a> Levels<'a> {
    pub fn new(image: &'a Image) -> Self {
        Self {
            image,
            halves: Vec::new(),
        }
    }

    /// The original.
    pub fn image(&self) -> &Image {
        self.image
    }

    /// What a window shows: all blues row by row, then all greens, then all reds.
    pub fn view(&mut self, window: &Window, scale: &Scale) -> Vec<f32> {
        let mut shrink = 1.0;
        let mut level = 0;
        while window.right.length().min(window.down.length()) >= 2.0 * shrink {
            shrink *= 2.0;
            level += 1;
        }
        let image = self.level(level);
        let area = window.width * window.height;
        let mut cells = vec![0.0; 3 * area];
        for row in 0..window.height {
            let start = window.corner + window.down * (row as f32 + 0.5);
            for column in 0..window.width {
                let point = start + window.right * (column as f32 + 0.5);
                let colours = image.at(point * (1.0 / shrink));
                for (channel, colour) in colours.iter().enumerate() {
                    cells[channel * area + row * window.width + column] =
                        (colour / 255.0 - scale.mean[channel]) / scale.deviation[channel];
                }
            }
        }
        cells
    }

    fn level(&mut self, level: usize) -> &Image {
        while self.halves.len() < level {
            let half = self.halves.last().unwrap_or(self.image).halved();
            self.halves.push(half);
        }
        match level.checked_sub(1) {
            Some(index) => &self.halves[index],
            None => self.image,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image file of one grey, in a format.
    fn file(width: u32, height: u32, grey: u8, format: image::ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image::RgbImage::from_pixel(width, height, image::Rgb([grey; 3]))
            .write_to(&mut bytes, format)
            .expect("written");
        bytes.into_inner()
    }

    #[test]
    fn every_format_is_decoded() {
        use image::ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
        for format in [Bmp, Gif, Jpeg, Png, Tiff, WebP] {
            let decoded = decode(&file(5, 3, 90, format)).expect("decoded");
            assert_eq!((decoded.width(), decoded.height()), (5, 3), "{format:?}");
            let off = decoded.pixels[0].abs_diff(90);
            assert!(off < 4, "{format:?}: off by {off}");
        }
    }

    #[test]
    fn other_formats_have_one_page() {
        let png = file(5, 3, 90, image::ImageFormat::Png);
        assert_eq!(page_count(&png), 1);
        assert!(decode_page(&png, 0).is_ok());
        assert!(matches!(decode_page(&png, 1), Err(ModelsError::Image(_))));
    }

    #[test]
    fn transparent_pixels_are_white() {
        let clear = image::RgbaImage::from_pixel(1, 1, image::Rgba([0, 0, 0, 0]));
        let half = image::RgbaImage::from_pixel(1, 1, image::Rgba([0, 0, 0, 128]));
        assert_eq!(flatten(clear.into()).unwrap().pixels, [255; 3]);
        assert_eq!(flatten(half.into()).unwrap().pixels, [127; 3]);
    }

    #[test]
    fn what_is_no_image_or_cut_short_is_an_error() {
        let whole = file(64, 64, 90, image::ImageFormat::Png);
        for bytes in [&b""[..], b"%PDF-1.7", &whole[..whole.len() / 2]] {
            assert!(matches!(decode(bytes), Err(ModelsError::Image(_))));
        }
    }

    #[test]
    fn sizes_beyond_the_limit_are_refused_by_the_header_alone() {
        let mut bytes = file(8, 8, 90, image::ImageFormat::Bmp);
        for side in [20_000_u32, 200_000, 0x7fff_ffff] {
            bytes[18..22].copy_from_slice(&side.to_le_bytes());
            bytes[22..26].copy_from_slice(&side.to_le_bytes());
            assert!(matches!(decode(&bytes), Err(ModelsError::Image(_))));
        }
        assert!(Image::new(0, 5, 1, Vec::new()).is_err());
        assert!(Image::new(2, 2, 3, vec![0; 11]).is_err());
    }

    #[test]
    fn halves_are_means_and_keep_the_last_odd_column() {
        let image = Image::new(3, 2, 1, vec![0, 100, 7, 100, 200, 9]).expect("an image");
        let half = image.halved();
        assert_eq!((half.width(), half.height()), (2, 1));
        assert_eq!(half.pixels, [100, 8]);
    }

    #[test]
    fn a_window_turned_by_a_quarter_reads_columns() {
        let image = Image::new(2, 2, 1, vec![0, 51, 102, 255]).expect("an image");
        let scale = Scale {
            mean: [0.0; 3],
            deviation: [1.0; 3],
        };
        let view = |corner, right: Vector| {
            let window = Window {
                corner,
                right,
                down: right.clockwise(),
                width: 2,
                height: 2,
            };
            let cells = Levels::new(&image).view(&window, &scale);
            cells[..4]
                .iter()
                .map(|cell| (cell * 255.0).round())
                .collect::<Vec<f32>>()
        };
        let upright = view(Vector { x: 0.0, y: 0.0 }, Vector { x: 1.0, y: 0.0 });
        assert_eq!(upright, [0.0, 51.0, 102.0, 255.0]);
        let down = view(Vector { x: 2.0, y: 0.0 }, Vector { x: 0.0, y: 1.0 });
        assert_eq!(down, [51.0, 255.0, 0.0, 102.0]);
    }

    #[test]
    fn colours_come_as_blue_green_red() {
        let image = Image::new(1, 1, 3, vec![10, 20, 30]).expect("an image");
        let colours = image.at(Vector { x: 9.0, y: -9.0 });
        assert_eq!(colours.map(|colour| colour as u8), [30, 20, 10]);
    }
}
