//! Web pages: their readable text, title and headings.
//!
//! Owns the choice between the main article that readability finds and the whole page, and the
//! guards against pages built to be slow. Turning elements into text is `html_text`.

use dom_smoothie::Readability;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::html_text::{self, PageText};
use super::html_unseen::Hidden;
use super::text::{self, Decoded};
use super::{Extracted, Limits, Rejection, cut};

/// A page's tree takes many times its size in memory, in this process.
const MAX_PAGE_BYTES: usize = 16 * 1024 * 1024;

/// Readability scores every element again and again; beyond this the whole page is taken.
const MAX_READABILITY_BYTES: usize = 2 * 1024 * 1024;

/// The parser looks through all open elements at every tag, so depth is what makes it slow. Real
/// pages stay well below 200.
pub(super) const MAX_NESTING: usize = 1000;

/// An article shorter than this, or than a third of the page, is more likely a part of it.
const MIN_ARTICLE_BYTES: usize = 250;

/// Elements whose end tag may be left out: they do not pile up.
const SELF_CLOSING: &[&[u8]] = &[
    b"area", b"base", b"body", b"br", b"col", b"dd", b"dt", b"embed", b"head", b"hr", b"html",
    b"img", b"input", b"li", b"link", b"meta", b"option", b"p", b"param", b"source", b"tbody",
    b"td", b"tfoot", b"th", b"thead", b"tr", b"track", b"wbr",
];

/// Reads a web page.
pub(super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    if bytes.len() > MAX_PAGE_BYTES {
        return Err(Rejection::skipped("web page larger than 16 MB"));
    }
    let decoded = decode(bytes).ok_or_else(|| Rejection::skipped("binary file"))?;
    let html = decoded.text.as_ref();
    let page = render(html)?;
    let title = page.title.clone();
    let (content, extractor) = match article(html, &page) {
        Some(article) => (article, "html-article"),
        None => (page, "html-page"),
    };
    Ok(assemble(title, content, extractor, limits))
}

/// The text of a whole page.
pub(super) fn render(html: &str) -> Result<PageText, Rejection> {
    if html.len() > MAX_PAGE_BYTES {
        return Err(Rejection::skipped("web page larger than 16 MB"));
    }
    if nesting(html.as_bytes()) > MAX_NESTING {
        return Err(Rejection::failed(
            "not readable HTML: elements nested too deeply",
        ));
    }
    Ok(html_text::render(html))
}

fn assemble(
    title: Option<String>,
    content: PageText,
    extractor: &'static str,
    limits: &Limits,
) -> Extracted {
    let PageText {
        mut text,
        mut headings,
        ..
    } = content;
    let notice = cut(&mut text, limits.max_text_bytes);
    headings.retain(|heading| heading.start + heading.text.len() <= text.len());
    let first = headings.iter().min_by_key(|heading| heading.level);
    let title = title.or_else(|| first.map(|heading| heading.text.clone()));
    Extracted {
        title,
        body: 0..text.len(),
        text,
        headings,
        extractor: extractor.into(),
        notice,
        ..Extracted::default()
    }
}

/// The page's main article without menus and related links, where there clearly is one. A saved
/// reference page or a list is none, and leaving out half of it would hide it from search.
fn article(html: &str, page: &PageText) -> Option<PageText> {
    if html.len() > MAX_READABILITY_BYTES {
        return None;
    }
    let mut readability = Readability::from(html);
    if !readability.is_probably_readable() {
        return None;
    }
    // It takes away the classes by which these could be told later.
    for selector in Hidden::by(&readability.doc.select("style").text()).selectors() {
        readability.doc.select(selector).remove();
    }
    let article = readability.parse().ok()?;
    let rendered = html_text::render(&article.content);
    let enough = rendered.text.len() >= MIN_ARTICLE_BYTES.max(page.text.len() / 3);
    enough.then_some(rendered)
}

/// Decodes by byte order mark, then as UTF-8 if that fits, then by what the page says of itself.
/// Pages that say Latin-1 and are UTF-8 are common; the reverse does not happen by accident.
fn decode(bytes: &[u8]) -> Option<Decoded<'_>> {
    if Encoding::for_bom(bytes).is_none()
        && let Some(encoding) = declared_encoding(bytes)
        && (bytes.contains(&0x1b) || std::str::from_utf8(bytes).is_err())
        && let Some(decoded) = text::decode_as(encoding, bytes)
    {
        return Some(decoded);
    }
    text::decode(bytes)
}

/// The label after `charset=` near the top of the page.
fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes[..bytes.len().min(4096)].to_ascii_lowercase();
    let position = head.windows(7).position(|window| window == b"charset")?;
    let after = head[position + 7..]
        .trim_ascii_start()
        .strip_prefix(b"=")?
        .trim_ascii_start();
    let after = after
        .strip_prefix(b"\"")
        .or_else(|| after.strip_prefix(b"'"))
        .unwrap_or(after);
    let end = after
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric() && !b"-_:.".contains(byte))
        .unwrap_or(after.len());
    let encoding = Encoding::for_label(&after[..end])?;
    // A page whose declaration can be read byte by byte is not UTF-16, whatever it declares.
    Some(if encoding == UTF_16LE || encoding == UTF_16BE {
        UTF_8
    } else {
        encoding
    })
}

/// How deeply elements nest at most, estimated without building the tree.
pub(super) fn nesting(html: &[u8]) -> usize {
    let (mut depth, mut deepest, mut position) = (0_usize, 0_usize, 0_usize);
    while let Some(offset) = html[position..].iter().position(|byte| *byte == b'<') {
        position += offset + 1;
        let closing = html.get(position) == Some(&b'/');
        let name = tag_name(&html[position + usize::from(closing)..]);
        if name.is_empty() || SELF_CLOSING.contains(&name.as_slice()) {
            continue;
        }
        if closing {
            depth = depth.saturating_sub(1);
            continue;
        }
        depth += 1;
        deepest = deepest.max(depth);
        // Comparisons in a script look like tags.
        if name == b"script" || name == b"style" {
            position = html[position..]
                .windows(2)
                .position(|window| window == b"</")
                .map_or(html.len(), |offset| position + offset);
        }
    }
    deepest
}

fn tag_name(after: &[u8]) -> Vec<u8> {
    let name = after
        .iter()
        .take(16)
        .take_while(|byte| byte.is_ascii_alphanumeric());
    if after.first().is_some_and(u8::is_ascii_alphabetic) {
        name.map(u8::to_ascii_lowercase).collect()
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Extracted, Limits};
    use super::nesting;

    fn read(html: impl AsRef<[u8]>) -> Extracted {
        super::extract(html.as_ref(), &Limits::new("unused".into())).expect("text")
    }

    #[test]
    fn menus_are_left_out_of_an_article() {
        let paragraph = "The harbour was rebuilt after the storm, with a longer pier, a new \
                         lighthouse, and a market hall that opens every morning at seven. ";
        let links = "<li><a href='x'>Related story with a long name</a></li>".repeat(10);
        let html = format!(
            "<title>The harbour</title><nav>Menu</nav><div class='sidebar'><ul>{links}</ul></div>\
             <article><h1>The harbour</h1><p>{p}</p><h2>The pier</h2><p>{p}</p><p>{p}</p></article>",
            p = paragraph.repeat(3)
        );
        let page = read(html);
        assert_eq!(page.extractor, "html-article");
        assert_eq!(page.title.as_deref(), Some("The harbour"));
        assert!(!page.text.contains("Related"), "{}", page.text);
        let pier = page
            .headings
            .iter()
            .find(|h| h.text == "The pier")
            .expect("heading kept");
        assert!(page.text[pier.start..].starts_with("The pier\n\n"));
    }

    #[test]
    fn a_page_without_an_article_is_taken_whole() {
        let page = read("<title>List</title><ul><li>Alpha</li><li>Beta</li></ul>");
        assert_eq!(page.extractor, "html-page");
        assert_eq!(page.text, "- Alpha\n- Beta");
        assert_eq!(page.title.as_deref(), Some("List"));
    }

    #[test]
    fn the_first_heading_serves_as_title() {
        assert_eq!(
            read("<h2>Minor</h2><h1>Major</h1>text").title.as_deref(),
            Some("Major")
        );
    }

    #[test]
    fn the_declared_encoding_is_used_unless_the_page_is_utf8() {
        let latin = b"<meta charset='iso-8859-2'><p>\xb1\xe6\xea ma kota</p>";
        assert_eq!(read(latin).text, "ąćę ma kota");
        let wrong = "<meta charset=\"iso-8859-1\"><p>ąćę</p>";
        assert_eq!(read(wrong).text, "ąćę");
        let header = b"<meta http-equiv=x content='text/html; charset=windows-1251'>\xcf\xf0\xe8";
        assert_eq!(read(header).text, "При");
    }

    #[test]
    fn nesting_ignores_scripts_and_optional_end_tags() {
        assert_eq!(nesting(b"<div><p>a<p>b<br><b>c</b></div>"), 2);
        assert_eq!(nesting(b"<script>if(a<b&&c<d){}</script><i>x"), 1);
        assert_eq!(nesting(&b"<div>".repeat(50)), 50);
        assert_eq!(nesting(b"a < b"), 0);
    }

    #[test]
    fn a_page_built_to_be_slow_is_refused() {
        let html = "<div>".repeat(200_000);
        let rejection = super::extract(html.as_bytes(), &Limits::new("unused".into()));
        assert!(rejection.is_err());
    }
}
