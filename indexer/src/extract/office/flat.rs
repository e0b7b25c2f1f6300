//! `OpenDocument` files that are one part of XML instead of a package (.fodt, .fods, .fodp, .fodg).
//!
//! Owns which reader such a file is for, and the rejection of what is no such file. What the elements mean is known
//! by `opendocument` and `calc`.

use super::super::{Extracted, Limits, Rejection};
use super::opendocument;
use super::package::{element_text, not_valid, sensible_title};
use super::sheets;
use super::xml::{Xml, decode};

const WHAT: &str = "OpenDocument file";

/// Reads such a file.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let text = decode(bytes.to_vec());
    let root = Xml::new(&text).next_element();
    let Some(root) = root.filter(|root| root.name() == "document") else {
        return Err(not_valid(WHAT, "it does not begin as one"));
    };
    let kind = root.attribute("mimetype").unwrap_or_default();
    // The title stands before the body, in which pictures have titles too.
    let head = text.split("<office:body").next().unwrap_or_default();
    let title = element_text(head, "title")
        .as_deref()
        .and_then(sensible_title);
    if kind.contains("spreadsheet") {
        return sheets::extract_flat(&text, title, limits);
    }
    opendocument::extract_flat(&text, title, limits)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::package::tests::outline;
    use super::*;

    fn flat(kind: &str, body: &str) -> String {
        format!(
            "<?xml version='1.0' encoding='UTF-8'?><office:document office:mimetype='application/\
             vnd.oasis.opendocument.{kind}'><office:meta><dc:title>The port</dc:title></office:meta>
             <office:automatic-styles><style:style style:name='T1'><style:text-properties
             fo:font-weight='bold'/></style:style></office:automatic-styles><office:master-styles>
             <style:master-page><style:handout><text:p>&lt;date&gt;</text:p></style:handout>
             </style:master-page></office:master-styles><office:body>{body}</office:body></office:document>"
        )
    }

    fn read(kind: &str, body: &str) -> Extracted {
        let limits = Limits::new("unused".into());
        extract(flat(kind, body).as_bytes(), &limits).expect("text")
    }

    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "expectations are written in place"
    )]
    fn check(kind: &str, body: &str, expected: Expect) {
        expected.assert_eq(&read(kind, body).text);
    }

    #[test]
    fn a_text_is_read_without_its_pictures() {
        let body = "<office:text><text:h text:outline-level='1'>Piers</text:h><text:p>Built
            <draw:frame><draw:image><office:binary-data>iVBORw0KGgo=</office:binary-data></draw:image>
            <svg:title>Photo</svg:title></draw:frame>twice.</text:p></office:text>";
        let document = read("text", body);
        assert_eq!(document.text, "Piers\n\nBuilt twice.");
        assert_eq!(document.title.as_deref(), Some("The port"));
        assert_eq!(outline(&document), [(1, "Piers")]);
    }

    #[test]
    fn sheets_and_slides_are_read() {
        check(
            "spreadsheet",
            "<office:spreadsheet><table:table table:name='Ships'><table:table-row><table:table-cell
            office:value-type='string'><text:p>Ada</text:p></table:table-cell></table:table-row>
            </table:table></office:spreadsheet>",
            expect![[r#"
                Ships

                Ada"#]],
        );
        check(
            "presentation",
            "<office:presentation><draw:page><draw:frame presentation:class='title'><draw:text-box>
            <text:p>Tides</text:p></draw:text-box></draw:frame></draw:page></office:presentation>",
            expect!["Tides"],
        );
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        let limits = Limits::new("unused".into());
        for bytes in [
            &b"<html><p>x</p></html>"[..],
            b"text",
            b"",
            b"<office:document>",
        ] {
            assert!(extract(bytes, &limits).is_err());
        }
        let deep = flat("text", &"<text:p>".repeat(100_000));
        assert!(extract(deep.as_bytes(), &limits).is_err());
        let whole = flat(
            "text",
            "<office:text><text:p>One</text:p><text:p>Two</text:p></office:text>",
        );
        for end in 0..whole.len() {
            let _ = extract(&whole.as_bytes()[..end], &limits);
        }
        let cut = whole.find("Two").expect("there");
        let document = extract(&whole.as_bytes()[..cut], &limits).expect("text");
        assert!(
            document
                .notice
                .is_some_and(|notice| notice.starts_with("only a part"))
        );
    }
}
