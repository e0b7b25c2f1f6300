//! Faults of files and of pdf-extract that are made good before a file is read.
//!
//! Owns nothing else; each repair names the fault, and goes when the fault does. Runs in the child
//! process.

use pdf_extract::{Document, Object, ObjectId};

/// More widths than characters there are: not a font but an attack.
const MAX_WIDTHS: i64 = 200_000;

/// The file with a catalog at its end that names no pages, for files whose own was lost, mostly because
/// they were never fully written. hayro then looks for pages among all objects that are left.
pub(super) fn add_catalog(bytes: &[u8]) -> Vec<u8> {
    const CATALOG: &[u8] =
        b"\nendstream endobj\n9999999 0 obj\n<< /Type /Catalog /Pages 9999998 0 R >>\n\
        endobj\ntrailer\n<< /Root 9999999 0 R /Size 10000000 >>\nstartxref\n0\n%%EOF\n";
    [bytes, CATALOG].concat()
}

/// Writes out the glyph widths of composite fonts one by one. pdf-extract 0.12.1 reads widths given
/// as a range (`first last width`) as nothing at all, and Chromium writes those of space and comma
/// that way: words then seem to overlap, and sentences fall apart.
pub(super) fn expand_width_ranges(document: &mut Document) {
    let mut arrays: Vec<ObjectId> = Vec::new();
    for object in document.objects.values_mut() {
        let Object::Dictionary(font) = object else {
            continue;
        };
        let is_composite = font
            .get(b"Subtype")
            .and_then(Object::as_name)
            .is_ok_and(|name| name.starts_with(b"CIDFontType"));
        if !is_composite {
            continue;
        }
        match font.get_mut(b"W") {
            Ok(Object::Array(widths)) => expand(widths),
            Ok(Object::Reference(id)) => arrays.push(*id),
            _ => {}
        }
    }
    for id in arrays {
        if let Some(Object::Array(widths)) = document.objects.get_mut(&id) {
            expand(widths);
        }
    }
}

/// Leaves widths that make no sense as they are.
fn expand(widths: &mut Vec<Object>) {
    let mut expanded = Vec::with_capacity(widths.len());
    let mut left = MAX_WIDTHS;
    let mut rest = widths.as_slice();
    loop {
        rest = match rest {
            [first, list @ Object::Array(_), rest @ ..] => {
                expanded.extend([first.clone(), list.clone()]);
                rest
            }
            [first, last, width, rest @ ..] => {
                let (Ok(from), Ok(to)) = (first.as_i64(), last.as_i64()) else {
                    return;
                };
                let count = to.saturating_sub(from).saturating_add(1);
                left -= count;
                let Some(count) = usize::try_from(count).ok().filter(|_| left > 0) else {
                    return;
                };
                expanded.extend([first.clone(), Object::Array(vec![width.clone(); count])]);
                rest
            }
            [] => break,
            _ => return,
        };
    }
    *widths = expanded;
}

#[cfg(test)]
mod tests {
    use super::expand;
    use pdf_extract::Object;

    #[track_caller]
    fn check(before: &[Object], after: &[Object]) {
        let mut widths = before.to_vec();
        expand(&mut widths);
        assert_eq!(widths, after);
    }

    #[test]
    fn ranges_become_lists() {
        check(
            &[
                3.into(),
                vec![250.into()].into(),
                15.into(),
                17.into(),
                333.into(),
            ],
            &[
                3.into(),
                vec![250.into()].into(),
                15.into(),
                vec![333.into(); 3].into(),
            ],
        );
    }

    #[test]
    fn nonsense_is_left_alone() {
        for widths in [
            vec![5.into(), 3.into(), 250.into()],
            vec![0.into(), i64::MAX.into(), 250.into()],
            vec![0.into(), 7.into()],
        ] {
            check(&widths, &widths);
        }
    }
}
