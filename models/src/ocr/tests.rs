//! A page with the real networks, and how pieces become lines.
//!
//! `page.png` was made with Chromium's `--screenshot` from a page of HTML: a heading in bold 24 px
//! Liberation Sans, a paragraph of 16 px Liberation Serif in two columns and one across them; then
//! reduced to 16 greys. Networks and runtime are looked for in the model directory
//! (`VADE_MODEL_DIR`).

use std::io::Cursor;
use std::path::PathBuf;

use ::image::{DynamicImage, ImageFormat};

use super::*;
use crate::catalog::{Catalog, Role};

const PAGE: &[u8] = include_bytes!("page.png");

const TEXT: [&str; 8] = [
    "Rules of the reading room",
    "The room is open to all who hold a ticket; a day",
    "ticket costs 3.50 and may be had at the desk. Maps",
    "and prints are brought twice a day, at 10:15 and at",
    "14:45. Bags are left in the lockers on the ground",
    "floor, and pens stay there with them. Whoever wants",
    "a copy asks for a form.",
    "Geöffnet täglich außer Sonntag; mañana, niños: ¿cuándo? Fermé à Noël.",
];

#[test]
#[ignore = "needs the OCR model"]
fn a_page_is_read_whichever_way_it_lies_and_a_blank_one_has_no_lines() {
    let mut reader = reader();
    let page = ::image::load_from_memory(PAGE).expect("the page");
    let sides = [
        page.clone(),
        page.rotate90(),
        page.rotate180(),
        page.rotate270(),
    ];
    for side in sides {
        let image = decode(&png(&side)).expect("decoded");
        let lines = reader.read(&image).expect("read");
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, TEXT, "{} × {}", side.width(), side.height());
        for line in lines {
            let Bounds {
                left,
                top,
                right,
                bottom,
            } = line.bounds;
            assert!(left < right && right <= side.width(), "{:?}", line.bounds);
            assert!(top < bottom && bottom <= side.height(), "{:?}", line.bounds);
            assert!(line.confidence > 0.9, "{line:?}");
        }
    }
    let heading = reader.read(&decode(PAGE).expect("decoded")).expect("read")[0].bounds;
    assert!(
        heading.left.abs_diff(28) < 8 && heading.bottom.abs_diff(50) < 8,
        "{heading:?}"
    );
    for (width, height) in [(1, 1), (3, 900), (640, 480)] {
        let blank = Image::new(width, height, 1, vec![255; width * height]).expect("an image");
        assert_eq!(reader.read(&blank).expect("read"), []);
    }
}

#[test]
fn pieces_of_a_line_are_joined_and_bounded_by_the_image() {
    let image = Image::new(100, 50, 1, vec![255; 5000]).expect("an image");
    let pieces = [
        piece("world", 60.0, 21.0, 0.9),
        piece(" hello ", 20.0, 20.0, 0.8),
        piece(" ", 50.0, 45.0, 0.9),
    ];
    let lines = lines(&pieces, Vector::RIGHT, &image);
    let [line] = lines.as_slice() else {
        panic!("one line: {lines:?}");
    };
    assert_eq!(line.text, "hello world");
    assert!((line.confidence - (0.9 * 5.0 + 0.8 * 7.0) / 12.0).abs() < 1e-6);
    let Bounds {
        left,
        top,
        right,
        bottom,
    } = line.bounds;
    assert_eq!((left, top, right, bottom), (0, 15, 85, 26));
}

#[test]
fn a_page_lies_as_most_of_its_long_pieces_do() {
    let across = piece("", 50.0, 20.0, 0.0).region;
    let down = Region {
        along: Vector::DOWN * -1.0,
        ..across
    };
    assert_eq!(usual_direction(&[across, across, down]), Vector::RIGHT);
    assert_eq!(usual_direction(&[across, down, down]), Vector::DOWN);
    assert_eq!(usual_direction(&[]), Vector::RIGHT);
}

#[test]
fn the_skew_of_a_page_is_that_of_its_long_pieces() {
    let slanting = Region {
        along: Vector { x: -0.96, y: -0.28 },
        ..piece("", 50.0, 20.0, 0.0).region
    };
    let square = Region {
        along: Vector::RIGHT,
        length: slanting.height,
        ..slanting
    };
    let right = skew(&[slanting, square, square], Vector::RIGHT);
    assert!(
        (right - Vector { x: 0.96, y: 0.28 }).length() < 1e-6,
        "{right:?}"
    );
    assert_eq!(skew(&[square], Vector::DOWN), Vector::DOWN);
}

fn reader() -> Reader {
    let named = std::env::var_os("VADE_MODEL_DIR").map(PathBuf::from);
    let paths = vade_config::Paths::resolve(None, named.as_deref()).expect("a model directory");
    let catalog = Catalog::builtin();
    let runtime = catalog.runtime().expect("a runtime");
    let library = paths.models.join(&runtime.id).join(&runtime.files[0].name);
    let runtime = Runtime::load(&library).expect("ONNX Runtime");
    let model = catalog
        .get_as("pp-ocrv6-small", Role::Ocr)
        .expect("an entry");
    let folder = paths.models.join(&model.id);
    Reader::load(
        &runtime,
        &folder.join("det.onnx"),
        &folder.join("rec.onnx"),
        2,
    )
    .expect("loads")
}

fn png(image: &DynamicImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("written");
    bytes.into_inner()
}

/// A piece 50 wide and 10 high around a point.
fn piece(text: &str, x: f32, y: f32, confidence: f32) -> Piece {
    Piece {
        region: Region {
            centre: Vector { x, y },
            along: Vector::RIGHT,
            length: 50.0,
            height: 10.0,
        },
        reading: Reading {
            text: text.to_owned(),
            confidence,
        },
    }
}
