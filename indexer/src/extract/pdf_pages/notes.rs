//! What was written onto a PDF page or filled into its forms.
//!
//! Owns where such a note is and what it shows; how that is drawn is `content`'s business.

use hayro_font::kurbo::{Affine, Rect};
use hayro_syntax::object::{self, Dict, Name, Object, Stream};

use super::content::form_matrix;

/// Where a note is on the page; `None` for those that are not shown or have no text of their own.
pub(super) fn place(note: &Dict<'_>) -> Option<Rect> {
    const HIDDEN: i32 = 1 << 1 | 1 << 5;
    let flags: i32 = note.get("F".as_bytes()).unwrap_or(0);
    let kind = note.get::<Name<'_>>("Subtype".as_bytes());
    let is_link = kind.is_some_and(|kind| matches!(kind.as_str(), "Popup" | "Link"));
    if is_link || flags & HIDDEN != 0 {
        return None;
    }
    let place = note.get::<object::Rect>("Rect".as_bytes())?;
    Some(Rect::new(place.x0, place.y0, place.x1, place.y1))
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

/// The form that shows a note as it is.
pub(super) fn appearance<'a>(note: &Dict<'a>) -> Option<Stream<'a>> {
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

/// What was filled into a field, there or in the field that it is part of.
pub(super) fn field_value(note: &Dict<'_>) -> Option<String> {
    let parent = || note.get::<Dict<'_>>("Parent".as_bytes());
    match value(note).or_else(|| value(&parent()?))? {
        Object::String(text) => Some(super::decode_text(text.as_bytes())),
        _ => None,
    }
}

fn value<'a>(field: &Dict<'a>) -> Option<Object<'a>> {
    field.get("V".as_bytes())
}
