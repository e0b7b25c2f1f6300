//! Text in images, in the child process: image files, and whatever else has pixels to be read.
//!
//! Owns which program reads pixels, and how its lines become text. The networks are loaded at the first
//! image and kept for the next.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use vade_models::ModelsError;
use vade_models::embedding::Runtime;
use vade_models::ocr::{Image, Line, Reader, decode_page, page_count};

use super::child::{Ending, Frame, PageRead, Picture, killed_from_outside};
use super::{Extracted, Rejection, pdf};

/// Pages of one image file, at most; faxes have some.
const MAX_PAGES: usize = 500;

/// Lines further apart than this part of their height are of different paragraphs.
const PARAGRAPH: f64 = 0.9;

/// Of more languages than these, tesseract reads none well.
const MOST_LANGUAGES: usize = 4;

/// What reads text in images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ocr {
    /// Networks of the catalog.
    Networks {
        /// ONNX Runtime's shared library.
        runtime: PathBuf,
        /// The network that finds text.
        detection: PathBuf,
        /// The network that reads it.
        recognition: PathBuf,
        /// How many threads they use.
        threads: usize,
    },
    /// The program `tesseract`.
    Tesseract {
        /// Where it is.
        program: PathBuf,
    },
}

impl Ocr {
    /// Threads that it keeps busy.
    pub(super) fn threads(&self) -> u64 {
        match self {
            Self::Networks { threads, .. } => (*threads).max(1) as u64,
            // It starts a process, whose time is counted apart.
            Self::Tesseract { .. } => 4,
        }
    }
}

/// Reads images, one after the other.
pub(super) struct ImageReader {
    ocr: Ocr,
    loaded: Option<Loaded>,
}

/// Why an image was not read.
pub(super) enum Unread {
    /// It cannot be.
    Failed(String),
    /// What reads images could not, for a reason that is not in the image.
    Hindered(String),
}

impl From<Unread> for Rejection {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Failed(reason) => Self::Failed(reason),
            Unread::Hindered(reason) => Self::Hindered(reason),
        }
    }
}

enum Loaded {
    Networks(Box<Reader>),
    Tesseract { program: PathBuf, languages: String },
}

impl ImageReader {
    pub(super) fn new(ocr: Ocr) -> Self {
        Self { ocr, loaded: None }
    }

    pub(super) fn ocr(&self) -> &Ocr {
        &self.ocr
    }

    /// The text in an image, line by line, with blank lines between paragraphs.
    pub(super) fn text(&mut self, image: &Image) -> Result<String, Unread> {
        if self.loaded.is_none() {
            self.loaded = Some(load(&self.ocr).map_err(Unread::Hindered)?);
        }
        match self.loaded.as_mut() {
            Some(Loaded::Networks(reader)) => {
                let failed = |error: ModelsError| Unread::Failed(error.to_string());
                Ok(join(&reader.read(image).map_err(failed)?))
            }
            Some(Loaded::Tesseract { program, languages }) => tesseract(program, languages, image),
            None => Err(Unread::Hindered("nothing was loaded".to_owned())),
        }
    }
}

fn load(ocr: &Ocr) -> Result<Loaded, String> {
    match ocr {
        Ocr::Networks {
            runtime,
            detection,
            recognition,
            threads,
        } => {
            let load = || {
                let runtime = Runtime::load(runtime)?;
                Reader::load(&runtime, detection, recognition, *threads)
            };
            let reader = load().map_err(|error| error.to_string())?;
            Ok(Loaded::Networks(Box::new(reader)))
        }
        Ocr::Tesseract { program } => Ok(Loaded::Tesseract {
            program: program.clone(),
            languages: languages(program)?,
        }),
    }
}

/// Reads an image file's pages.
pub(super) fn read(
    bytes: &[u8],
    images: &mut ImageReader,
    send: &mut dyn FnMut(Frame) -> io::Result<()>,
) -> io::Result<()> {
    let pages = page_count(bytes).min(MAX_PAGES);
    send(Frame::Opened {
        pages: u32::try_from(pages).unwrap_or(u32::MAX),
        title: None,
    })?;
    for (page, number) in (0..pages).zip(1..) {
        let text = catch_unwind(AssertUnwindSafe(|| {
            let failed = |error: ModelsError| Unread::Failed(error.to_string());
            images.text(&decode_page(bytes, page).map_err(failed)?)
        }));
        match text.unwrap_or_else(|_| Err(Unread::Failed("the decoder crashed".to_owned()))) {
            Ok(text) => send(Frame::Page(PageRead {
                number,
                text,
                complete: true,
                picture: Picture::Read,
            }))?,
            Err(unread) if pages == 1 => return send(Frame::Rejected(unread.into())),
            Err(unread @ Unread::Hindered(_)) => return send(Frame::Rejected(unread.into())),
            Err(Unread::Failed(_)) => send(Frame::Page(PageRead {
                number,
                ..PageRead::default()
            }))?,
        }
    }
    Ok(())
}

/// Makes a document of an image file's frames. Its name says more than its first line.
pub(super) fn assemble(
    frames: Vec<Frame>,
    ending: &Ending,
    max_text_bytes: usize,
) -> Result<Extracted, Rejection> {
    let mut document = pdf::assemble("image", frames, ending, max_text_bytes)?;
    document.title = None;
    if document.pages.len() == 1 {
        document.pages.clear();
        document.notice = None;
    }
    Ok(document)
}

fn join(lines: &[Line]) -> String {
    let mut text = String::new();
    let mut before: Option<&Line> = None;
    for line in lines {
        if let Some(before) = before {
            text.push_str(if goes_on(before, line) { "\n" } else { "\n\n" });
        }
        text.push_str(&line.text);
        before = Some(line);
    }
    text
}

/// Whether a line stands close below another.
fn goes_on(before: &Line, line: &Line) -> bool {
    let height = f64::from((before.bounds.bottom - before.bounds.top).max(1));
    let gap = f64::from(line.bounds.top) - f64::from(before.bounds.bottom);
    (-height..PARAGRAPH * height).contains(&gap)
}

/// The languages that tesseract has, as it wants them.
fn languages(program: &Path) -> Result<String, String> {
    let output = Command::new(program)
        .arg("--list-langs")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let languages = listed.lines().skip(1).map(str::trim);
    let languages: Vec<&str> = languages
        .filter(|language| !matches!(*language, "" | "osd" | "equ"))
        .collect();
    Ok(match languages.as_slice() {
        [] => return Err(format!("{} has no languages", program.display())),
        all if all.len() <= MOST_LANGUAGES => all.join("+"),
        all if all.contains(&"eng") => "eng".to_owned(),
        all => all[..MOST_LANGUAGES].join("+"),
    })
}

fn tesseract(program: &Path, languages: &str, image: &Image) -> Result<String, Unread> {
    let failed = |error: io::Error| Unread::Hindered(format!("{}: {error}", program.display()));
    let mut child = Command::new(program)
        .args(["stdin", "stdout", "-l", languages])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // It reads everything before it writes anything. One that is gone does not; how it ended says why.
        let _ = stdin.write_all(&portable_map(image));
    }
    let output = child.wait_with_output().map_err(failed)?;
    if !output.status.success() {
        let reason = format!("{} failed: {}", program.display(), output.status);
        return Err(if killed_from_outside(output.status).is_some() {
            Unread::Hindered(reason)
        } else {
            Unread::Failed(reason)
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).replace('\u{c}', ""))
}

/// An image as PGM or PPM.
fn portable_map(image: &Image) -> Vec<u8> {
    let kind = if image.channels() == 1 { 5 } else { 6 };
    let header = format!("P{kind}\n{} {}\n255\n", image.width(), image.height());
    [header.as_bytes(), image.pixels()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vade_models::ocr::Bounds;

    fn line(text: &str, top: u32, bottom: u32) -> Line {
        Line {
            text: text.to_owned(),
            confidence: 1.0,
            bounds: Bounds {
                left: 0,
                top,
                right: 100,
                bottom,
            },
        }
    }

    #[test]
    fn space_between_lines_parts_paragraphs() {
        let lines = [
            line("Dear Anna,", 10, 30),
            line("the pier is", 60, 80),
            line("closed.", 84, 104),
            line("Second column", 10, 30),
        ];
        assert_eq!(
            join(&lines),
            "Dear Anna,\n\nthe pier is\nclosed.\n\nSecond column"
        );
    }
}
