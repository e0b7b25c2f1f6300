//! Office documents, e-books and drawings: packages of XML, single parts of it, and RTF.
//!
//! Owns what the readers here share beyond `package` (the archive), `xml` (its parts) and `flow` (the
//! text that comes of them).

pub(super) mod abiword;
pub(super) mod book;
mod calc;
mod drawing;
pub(super) mod fiction_book;
pub(super) mod flat;
mod flow;
mod grid;
mod margins;
mod number_code;
mod number_digits;
mod number_format;
mod number_fraction;
pub(super) mod opendocument;
mod opendocument_margins;
mod opendocument_styles;
mod package;
pub(super) mod rtf;
mod rtf_characters;
mod rtf_tokens;
mod sheet_comments;
pub(super) mod sheets;
mod slide_comments;
pub(super) mod slides;
pub(super) mod svg;
mod table;
pub(super) mod word;
mod word_lists;
mod word_margins;
mod word_notes;
mod word_styles;
mod workbook;
mod xls_formats;
mod xlsb_formats;
mod xml;

use super::{Extracted, Rejection};
pub(super) use flow::Piece;
use package::{Package, not_valid};
pub(super) use table::{CellProperties, Table};
use xml::{Broken, Xml, decode};

/// The document where all of it was `read`, or as much of it as there is, with a notice.
fn damaged(
    document: Result<Extracted, Rejection>,
    read: Result<(), Broken>,
    package: &Package<'_>,
) -> Result<Extracted, Rejection> {
    partly(document, read, |broken| package.not_valid(broken))
}

/// The same of a file that is no package, where `not_valid` says what it is if nothing could be read.
fn partly(
    document: Result<Extracted, Rejection>,
    read: Result<(), Broken>,
    not_valid: impl FnOnce(&Broken) -> Rejection,
) -> Result<Extracted, Rejection> {
    let Err(broken) = read else {
        return document;
    };
    let mut document = document.map_err(|_| not_valid(&broken))?;
    let notice = format!("only a part of it could be read: {broken}");
    document.notice.get_or_insert(notice);
    Ok(document)
}

/// The text of a file that is one part of XML, if it begins with such an element.
fn beginning_with(
    bytes: &[u8],
    what: &str,
    is_root: impl Fn(&str) -> bool,
) -> Result<String, Rejection> {
    let text = decode(bytes.to_vec());
    let root = Xml::new(&text).next_element();
    if root.is_none_or(|root| !is_root(root.name())) {
        return Err(not_valid(what, "it does not begin as one"));
    }
    Ok(text)
}
