//! What was written onto a PDF page or filled into its forms: fields, typed notes, comments.
//!
//! Owns where such a note is on the page and what it says; how that is drawn is `content`'s business, and where it is read
//! is `layout`'s.

use hayro_font::kurbo::{Affine, Rect};
use hayro_syntax::object::{self, Array, Dict, Name, Object, Stream, String as Bytes};

use super::content::form_matrix;
use crate::extract::html_text;
use crate::extract::transcript::single_line;

/// Fields lie within fields; honest ones a few levels deep.
const MAX_DEPTH: usize = 16;

/// Values that are chosen from a list.
const MAX_CHOSEN: usize = 100;

/// What a note adds to its page.
pub(super) enum Said {
    /// A value, with the name of its field where the page need not say it.
    Value { name: Option<String>, value: String },
    /// What somebody says of the page.
    Comment(String),
}

/// Where a note is on the page; `None` for those that are not shown or have no text of their own.
pub(super) fn place(note: &Dict<'_>) -> Option<Rect> {
    const HIDDEN: i32 = 1 << 1 | 1 << 5;
    let flags: i32 = note.get("F".as_bytes()).unwrap_or(0);
    if matches!(kind(note).as_str(), "Popup" | "Link") || flags & HIDDEN != 0 {
        return None;
    }
    let place = note.get::<object::Rect>("Rect".as_bytes())?;
    Some(Rect::new(place.x0, place.y0, place.x1, place.y1))
}

fn kind(note: &Dict<'_>) -> String {
    let kind = note.get::<Name<'_>>("Subtype".as_bytes());
    kind.map_or_else(String::new, |kind| kind.as_str().to_owned())
}

/// The matrix by which a form fills a place.
pub(super) fn fit(form: &Stream<'_>, place: Rect) -> Affine {
    let bounds = form.dict().get::<[f64; 4]>("BBox".as_bytes());
    let [x0, y0, x1, y1] = bounds.unwrap_or_default();
    let from = form_matrix(form).transform_rect_bbox(Rect::new(x0, y0, x1, y1));
    let scale = |to: f64, from: f64| if from > 0.0 { to / from } else { 1.0 };
    let stretch = Affine::scale_non_uniform(
        scale(place.width(), from.width()),
        scale(place.height(), from.height()),
    );
    Affine::translate(place.origin().to_vec2())
        * stretch
        * Affine::translate(-from.origin().to_vec2())
}

/// The form that shows a note as it is. Marks in boxes are told by what they mean instead.
pub(super) fn appearance<'a>(note: &Dict<'a>) -> Option<Stream<'a>> {
    if is_box(note) {
        return None;
    }
    let appearances = note.get::<Dict<'a>>("AP".as_bytes())?;
    match appearances.get::<Object<'a>>("N".as_bytes())? {
        Object::Stream(form) => Some(form),
        Object::Dict(states) => {
            let state = note.get::<Name<'_>>("AS".as_bytes())?;
            states.get::<Stream<'a>>(state.as_ref())
        }
        _ => None,
    }
}

/// What a note says, where its appearance draws this text.
pub(super) fn said(note: &Dict<'_>, drawn: String) -> Vec<Said> {
    let drawn = Some(drawn).filter(|text| !text.trim().is_empty());
    let value = |name: Option<String>, value: Option<String>| {
        let said = value.map(|value| Said::Value { name, value });
        said.into_iter().collect()
    };
    match kind(note).as_str() {
        "FreeText" => value(None, drawn.or_else(|| contents(note))),
        "Widget" => value(text(note, "TU"), drawn.or_else(|| field_value(note))),
        "Caret" | "Circle" | "FileAttachment" | "Highlight" | "Ink" | "Line" | "PolyLine"
        | "Polygon" | "Redact" | "Square" | "Squiggly" | "Stamp" | "StrikeOut" | "Text"
        | "Underline" => {
            // A stamp may be called as what is on it.
            let is_drawn = |text: &String| drawn.as_deref().map(single_line).as_ref() == Some(text);
            let comment = comment(note).filter(|(_, text)| !is_drawn(text));
            let comment = comment.map(|(by, text)| Said::Comment(format!("Comment{by}: {text}")));
            let mut said: Vec<Said> = value(None, drawn);
            said.extend(comment);
            said
        }
        _ => value(None, drawn),
    }
}

/// Who says something, as ` by` and a name, and what.
fn comment(note: &Dict<'_>) -> Option<(String, String)> {
    let contents = single_line(&contents(note)?);
    let by = text(note, "T").map(|author| single_line(&author));
    let by = by.filter(|author| !author.is_empty());
    let by = by.map_or_else(String::new, |author| format!(" by {author}"));
    (!contents.is_empty()).then_some((by, contents))
}

/// What a note says, plain or with its letters set.
fn contents(note: &Dict<'_>) -> Option<String> {
    let plain = text(note, "Contents").filter(|text| !text.trim().is_empty());
    plain.or_else(|| {
        let rich = match note.get::<Object<'_>>("RC".as_bytes())? {
            Object::String(rich) => super::decode_text(rich.as_bytes()),
            Object::Stream(rich) => super::decode_text(&rich.decoded_data().ok()?),
            _ => return None,
        };
        Some(html_text::render(&rich).text)
    })
}

fn text(dict: &Dict<'_>, key: &str) -> Option<String> {
    let text = dict.get::<Bytes<'_>>(key.as_bytes())?;
    Some(lines_of(text.as_bytes()))
}

/// A text with its line ends, which its encoding does not know.
fn lines_of(bytes: &[u8]) -> String {
    let is_wide = bytes.starts_with(b"\xfe\xff") || bytes.starts_with(b"\xff\xfe");
    if is_wide {
        let text = super::decode_text(bytes);
        return text.replace("\r\n", "\n").replace('\r', "\n");
    }
    let lines = bytes.split(|byte| matches!(byte, b'\r' | b'\n'));
    let lines: Vec<String> = lines.map(super::decode_text).collect();
    lines.join("\n")
}

/// What a field, or one that it is part of, says under this key.
fn inherited<'a>(note: &Dict<'a>, key: &str) -> Option<Object<'a>> {
    let mut field = note.clone();
    for _ in 0..MAX_DEPTH {
        if let Some(found) = field.get::<Object<'a>>(key.as_bytes()) {
            return Some(found);
        }
        field = field.get::<Dict<'a>>("Parent".as_bytes())?;
    }
    None
}

fn field_kind(note: &Dict<'_>) -> (String, i32) {
    let kind = match inherited(note, "FT") {
        Some(Object::Name(kind)) => kind.as_str().to_owned(),
        _ => String::new(),
    };
    let flags = match inherited(note, "Ff") {
        #[expect(clippy::cast_possible_truncation, reason = "flags are small")]
        Some(Object::Number(flags)) => flags.as_f64() as i32,
        _ => 0,
    };
    (kind, flags)
}

/// Whether a note is a box to be ticked.
fn is_box(note: &Dict<'_>) -> bool {
    const PUSHED: i32 = 1 << 16;
    let (field, flags) = field_kind(note);
    kind(note) == "Widget" && field == "Btn" && flags & PUSHED == 0
}

/// What was filled into a field.
fn field_value(note: &Dict<'_>) -> Option<String> {
    const PASSWORD: i32 = 1 << 13;
    let (kind, flags) = field_kind(note);
    if is_box(note) {
        return Some(if is_ticked(note) { "[x]" } else { "[ ]" }.to_owned());
    }
    if kind == "Tx" && flags & PASSWORD != 0 {
        return None;
    }
    let value = match inherited(note, "V")? {
        Object::Array(chosen) => {
            let chosen = chosen.iter::<Bytes<'_>>().take(MAX_CHOSEN);
            let chosen = chosen.map(|value| option(note, &super::decode_text(value.as_bytes())));
            chosen.collect::<Vec<_>>().join(", ")
        }
        Object::String(value) if kind == "Ch" => {
            option(note, &super::decode_text(value.as_bytes()))
        }
        Object::String(value) => lines_of(value.as_bytes()),
        Object::Stream(value) => lines_of(&value.decoded_data().ok()?),
        _ => return None,
    };
    (!value.trim().is_empty()).then_some(value)
}

fn is_ticked(note: &Dict<'_>) -> bool {
    let state = note.get::<Name<'_>>("AS".as_bytes());
    let state = state.map(|state| state.as_str().to_owned());
    let value = || match inherited(note, "V") {
        Some(Object::Name(value)) => Some(value.as_str().to_owned()),
        _ => None,
    };
    state.or_else(value).is_some_and(|state| state != "Off")
}

/// How a list shows what was chosen from it.
fn option(note: &Dict<'_>, value: &str) -> String {
    let shown = || {
        let Some(Object::Array(options)) = inherited(note, "Opt") else {
            return None;
        };
        options
            .iter::<Array<'_>>()
            .take(MAX_CHOSEN)
            .find_map(|pair| {
                let mut texts = pair.iter::<Bytes<'_>>();
                let mut next = || Some(super::decode_text(texts.next()?.as_bytes()));
                let is_it = next()? == value;
                next().filter(|_| is_it)
            })
    };
    shown().unwrap_or_else(|| value.to_owned())
}

/// Where on the page what a comment is about is read: at the last line of what is marked, beside the middle of a sign.
pub(super) fn subject(note: &Dict<'_>, place: Rect) -> (f64, f64) {
    /// About where a line of text stands above its mark's lower edge (points).
    const ABOVE: f64 = 3.0;
    let marks = matches!(
        kind(note).as_str(),
        "Highlight" | "Squiggly" | "StrikeOut" | "Underline"
    );
    if marks {
        (place.x0, place.y0 + ABOVE.min(place.height() / 2.0))
    } else {
        (place.x0, place.center().y)
    }
}
