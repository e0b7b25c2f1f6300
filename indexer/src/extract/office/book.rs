//! E-books (.epub): chapters in reading order.
//!
//! Owns what of a book is text: not its covers, not its table of contents, and nothing of a book whose
//! chapters are encrypted. Chapters are web pages, which `html` renders.

use std::collections::{HashMap, HashSet};

use super::super::html;
use super::super::transcript::{Transcript, single_line};
use super::super::{Extracted, Limits, Rejection};
use super::damaged;
use super::package::{Package, resolve, sensible_title};
use super::xml::{Broken, Element, Node, Xml, decode};

/// Methods that hide fonts and nothing else.
const FONT_METHODS: &[&str] = &[
    "http://ns.adobe.com/pdf/enc#RC",
    "http://www.idpf.org/2008/embedding",
];

const MOST_AUTHORS: usize = 50;

/// Reads an e-book.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let mut package = Package::open(bytes, "e-book")?;
    let root = root_part(&mut package);
    let Some(text) = package.text(&root)? else {
        return Err(package.not_valid("it has no list of chapters"));
    };
    let mut book = Book::default();
    // What was read before damage still holds.
    let _ = book.read(&mut Xml::new(&text), &root);
    let chapters = book.chapters();
    if encrypted(&package.optional("META-INF/encryption.xml")).any_in(&chapters) {
        return Err(Rejection::skipped("protected by DRM"));
    }
    let names = book.contents(&mut package);
    let mut transcript = Transcript::new(limits);
    transcript.paragraph(&book.byline());
    let mut read = Ok(());
    let mut any = false;
    for part in chapters {
        if transcript.is_full() {
            break;
        }
        let name = names.get(&part).map(String::as_str);
        let chapter = write_chapter(&mut package, &part, name, &mut transcript);
        any |= chapter == Ok(true);
        read = read.and(chapter.map(drop));
    }
    if !any {
        return Err(match read {
            Ok(()) => Rejection::skipped("no text in it"),
            Err(broken) => package.not_valid(broken),
        });
    }
    let document = transcript.finish("epub", book.title, limits);
    damaged(document, read, &package)
}

/// The part that lists the others.
fn root_part(package: &mut Package<'_>) -> String {
    let container = package.optional("META-INF/container.xml");
    let mut xml = Xml::new(&container);
    while let Some(element) = xml.next_element() {
        if element.name() == "rootfile"
            && let Some(path) = element.attribute("full-path")
        {
            return plain_address(&path);
        }
    }
    package.part_ending(".opf").unwrap_or_default()
}

/// A file of the book.
struct Item {
    part: String,
    is_page: bool,
    /// It is the table of contents.
    is_contents: bool,
}

/// What the list of parts says about a book.
#[derive(Default)]
struct Book {
    title: Option<String>,
    authors: Vec<String>,
    items: HashMap<String, Item>,
    /// Ids of the parts in reading order.
    spine: Vec<String>,
    /// Parts that the book itself calls a cover or its contents.
    unread: HashSet<String>,
}

impl Book {
    fn read(&mut self, xml: &mut Xml<'_>, root: &str) -> Result<(), Broken> {
        while let Some(node) = xml.next()? {
            let Node::Open(element) = node else {
                continue;
            };
            match element.name() {
                "title" if xml.parent() == "metadata" => {
                    let title = xml.text()?;
                    self.title = self.title.take().or_else(|| sensible_title(&title));
                }
                "creator" => {
                    let author = single_line(&xml.text()?);
                    let is_new = !self.authors.contains(&author);
                    if !author.is_empty() && is_new && self.authors.len() < MOST_AUTHORS {
                        self.authors.push(author);
                    }
                }
                "item" => self.read_item(&element, root),
                "itemref" => self.spine.extend(element.attribute("idref")),
                "reference" => {
                    let kind = element.attribute("type").unwrap_or_default();
                    if matches!(kind.as_str(), "toc" | "cover") {
                        let address = element.attribute("href").unwrap_or_default();
                        self.unread.insert(part_at(root, &address));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn read_item(&mut self, element: &Element<'_>, root: &str) {
        let address = element.attribute("href").unwrap_or_default();
        let kind = element.attribute("media-type").unwrap_or_default();
        let properties = element.attribute("properties").unwrap_or_default();
        let is_page = kind.contains("html") || (kind.is_empty() && address.contains(".htm"));
        let item = Item {
            part: part_at(root, &address),
            is_page,
            is_contents: properties.split(' ').any(|property| property == "nav")
                || kind == "application/x-dtbncx+xml",
        };
        let id = element.attribute("id").unwrap_or_default();
        self.items.insert(id, item);
    }

    /// The parts to read, in order and each once.
    fn chapters(&self) -> Vec<String> {
        let mut known = HashSet::new();
        let items = self.spine.iter().filter_map(|id| self.items.get(id));
        let chapters = items.filter(|item| {
            item.is_page
                && !item.is_contents
                && !self.unread.contains(&item.part)
                && !is_cover(&item.part)
                && known.insert(item.part.clone())
        });
        chapters.map(|item| item.part.clone()).collect()
    }

    /// The names of chapters in the table of contents, by their parts.
    fn contents(&self, package: &mut Package<'_>) -> HashMap<String, String> {
        let mut names = HashMap::new();
        for item in self.items.values().filter(|item| item.is_contents) {
            let text = package.optional(&item.part);
            // Half of a table of contents still serves.
            let _ = read_contents(&mut Xml::new(&text), &item.part, &mut names);
        }
        names
    }

    fn byline(&self) -> String {
        let title = self.title.as_deref().unwrap_or_default();
        match self.authors.join(", ") {
            authors if authors.is_empty() => String::new(),
            authors => format!("{title} by {authors}").trim().to_owned(),
        }
    }
}

/// Reads a table of contents of either kind: links in a page, or points that have a label and an
/// address.
fn read_contents(
    xml: &mut Xml<'_>,
    part: &str,
    names: &mut HashMap<String, String>,
) -> Result<(), Broken> {
    let mut label = String::new();
    while let Some(node) = xml.next()? {
        let Node::Open(element) = node else {
            continue;
        };
        let (name, address) = match element.name() {
            "text" => {
                label = xml.text()?;
                continue;
            }
            "content" => (label.clone(), element.attribute("src")),
            "a" => (xml.text()?, element.attribute("href")),
            _ => continue,
        };
        let name = single_line(&name);
        if let Some(address) = address
            && !name.is_empty()
        {
            names.entry(part_at(part, &address)).or_insert(name);
        }
    }
    Ok(())
}

/// Writes a chapter down, below its name where it has no heading of its own, and says whether there is
/// text in it.
fn write_chapter(
    package: &mut Package<'_>,
    part: &str,
    name: Option<&str>,
    transcript: &mut Transcript,
) -> Result<bool, Broken> {
    let broken = |why: String| Broken(format!("{part}: {why}"));
    let bytes = package
        .bytes(part)
        .map_err(|error| broken(error.to_string()))?;
    let bytes = bytes.ok_or_else(|| broken("it is missing".to_owned()))?;
    let page = html::render(&close_empty_elements(&decode(bytes)));
    let page = page.map_err(|error| broken(error.to_string()))?;
    if page.text.trim().is_empty() {
        return Ok(false);
    }
    if page.headings.is_empty()
        && let Some(name) = name
    {
        transcript.heading(1, name);
    }
    transcript.embed(&page.text, page.headings);
    Ok(true)
}

/// Writes `<a/>` as `<a></a>`, which HTML takes for an element that was never closed.
fn close_empty_elements(page: &str) -> String {
    const VOID: &[&str] = &[
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param",
        "source", "track", "wbr",
    ];
    let mut closed = String::with_capacity(page.len());
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        closed.push_str(before);
        let end = tag_end(tag);
        let (tag, after) = tag.split_at(end);
        rest = after;
        let name = tag[1..]
            .split(|c: char| c.is_whitespace() || "/>".contains(c))
            .next();
        let name = name.filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()));
        let name = name.filter(|name| !VOID.contains(&name.to_lowercase().as_str()));
        match (tag.strip_suffix("/>"), name) {
            (Some(open), Some(name)) => {
                closed.push_str(&format!("{open}></{name}>"));
            }
            _ => closed.push_str(tag),
        }
    }
    closed.push_str(rest);
    closed
}

/// Where the tag or comment at the start of `text` ends.
fn tag_end(text: &str) -> usize {
    if text.starts_with("<!--") {
        return text.find("-->").map_or(text.len(), |end| end + 3);
    }
    let mut quote = None;
    for (index, byte) in text.bytes().enumerate() {
        match quote {
            None if byte == b'>' => return index + 1,
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            Some(open) if open == byte => quote = None,
            _ => {}
        }
    }
    text.len()
}

/// The parts of a book that are encrypted, without its fonts.
struct Encrypted(Vec<String>);

fn encrypted(text: &str) -> Encrypted {
    let mut parts = Vec::new();
    let mut is_font = false;
    let mut xml = Xml::new(text);
    while let Some(element) = xml.next_element() {
        match element.name() {
            "EncryptedData" => is_font = false,
            "EncryptionMethod" if xml.parent() == "EncryptedData" => {
                let method = element.attribute("Algorithm").unwrap_or_default();
                is_font = FONT_METHODS.contains(&method.as_str());
            }
            "CipherReference" if !is_font => {
                let address = element.attribute("URI").unwrap_or_default();
                parts.push(part_at("", &address));
            }
            _ => {}
        }
    }
    Encrypted(parts)
}

impl Encrypted {
    fn any_in(&self, chapters: &[String]) -> bool {
        let chapters: HashSet<&String> = chapters.iter().collect();
        self.0.iter().any(|part| chapters.contains(part))
    }
}

fn is_cover(part: &str) -> bool {
    let name = part.rsplit('/').next().unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default().to_lowercase();
    matches!(stem.as_str(), "cover" | "coverpage" | "nav" | "toc")
}

/// The part at an address in another part.
fn part_at(part: &str, address: &str) -> String {
    resolve(part, &plain_address(address))
}

/// An address with `%20` and the like as the characters they stand for.
fn plain_address(address: &str) -> String {
    let mut bytes = Vec::with_capacity(address.len());
    let mut rest = address.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| address.to_owned())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::package::tests::{bomb, outline, zipped};
    use super::*;

    fn read(bytes: &[u8]) -> Result<Extracted, Rejection> {
        extract(bytes, &Limits::new("unused".into()))
    }

    const CONTAINER: (&str, &str) = (
        "META-INF/container.xml",
        "<container><rootfiles><rootfile full-path='OEBPS/book.opf'/></rootfiles></container>",
    );

    const ROOT: (&str, &str) = (
        "OEBPS/book.opf",
        "<package><metadata><dc:title>The port</dc:title><dc:creator>Ada Novak</dc:creator></metadata>
        <manifest><item id='c' href='cover.xhtml' media-type='application/xhtml+xml'/>
        <item id='n' href='nav.xhtml' media-type='application/xhtml+xml' properties='nav'/>
        <item id='2' href='text/two.xhtml' media-type='application/xhtml+xml'/>
        <item id='1' href='text/chapter%20one.xhtml' media-type='application/xhtml+xml'/></manifest>
        <spine><itemref idref='c'/><itemref idref='n'/><itemref idref='1'/><itemref idref='2'/>
        <itemref idref='1'/></spine></package>",
    );

    const PAGES: [(&str, &str); 4] = [
        ("OEBPS/cover.xhtml", "<html><body>Cover</body></html>"),
        (
            "OEBPS/nav.xhtml",
            "<html><body><nav><a href='text/chapter%20one.xhtml'>One</a>
            <a href='text/two.xhtml#x'>Two</a></nav></body></html>",
        ),
        (
            "OEBPS/text/chapter one.xhtml",
            "<?xml version='1.0'?><html><head><title/><script src='x'/></head><body><h1>The piers</h1>
            <h2><a id='x'/>North</h2><p>Built<br/>in 1932&nbsp;&#8212; twice.</p></body></html>",
        ),
        ("OEBPS/text/two.xhtml", "<html><body><p>It closed.</p></body></html>"),
    ];

    fn book(more: &[(&str, &str)]) -> Vec<u8> {
        zipped(&[&[CONTAINER, ROOT], &PAGES[..], more].concat())
    }

    #[test]
    fn chapters_are_read_in_order() {
        let document = read(&book(&[])).expect("text");
        expect![[r#"
            The port by Ada Novak

            The piers

            North

            Built
            in 1932 — twice.

            Two

            It closed."#]]
        .assert_eq(&document.text);
        assert_eq!(document.extractor, "epub");
        assert_eq!(document.title.as_deref(), Some("The port"));
        let expected = [(1, "The piers"), (2, "North"), (1, "Two")];
        assert_eq!(outline(&document), expected);
    }

    fn encryption(method: &str, part: &str) -> String {
        format!(
            "<encryption><enc:EncryptedData><enc:EncryptionMethod Algorithm='{method}'/>
            <enc:CipherData><enc:CipherReference URI='{part}'/></enc:CipherData></enc:EncryptedData>
            </encryption>"
        )
    }

    #[test]
    fn protected_chapters_are_told_from_hidden_fonts() {
        let name = "META-INF/encryption.xml";
        let aes = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
        let chapters = encryption(aes, "OEBPS/text/chapter%20one.xhtml");
        let drm = Err(Rejection::skipped("protected by DRM"));
        assert_eq!(read(&book(&[(name, &chapters)])), drm);
        let fonts = encryption(FONT_METHODS[1], "OEBPS/text/two.xhtml");
        assert!(read(&book(&[(name, &fonts)])).is_ok());
        let font = encryption(aes, "OEBPS/font.otf");
        assert!(read(&book(&[(name, &font)])).is_ok());
    }

    #[test]
    fn what_is_missing_does_not_take_the_rest() {
        let [cover, nav, _, two] = PAGES;
        let document = read(&zipped(&[CONTAINER, ROOT, cover, nav, two])).expect("text");
        assert!(document.text.ends_with("It closed."));
        assert!(
            document
                .notice
                .expect("notice")
                .contains("chapter one.xhtml: it is missing")
        );
        let document = read(&zipped(&[&[ROOT], &PAGES[..]].concat())).expect("found by its name");
        assert!(document.text.ends_with("It closed."));
        assert!(matches!(
            read(&zipped(&[CONTAINER])),
            Err(Rejection::Failed(_))
        ));
        assert!(read(&zipped(&[CONTAINER, ROOT])).is_err());
    }

    #[test]
    fn hostile_books_do_no_harm() {
        let deep = "<div>".repeat(100_000);
        let [cover, nav, one, _] = PAGES;
        let two = ("OEBPS/text/two.xhtml", deep.as_str());
        let document = read(&zipped(&[CONTAINER, ROOT, cover, nav, one, two])).expect("text");
        assert!(document.notice.is_some());
        assert!(read(&bomb("META-INF/container.xml", 200)).is_err());
        let whole = book(&[]);
        for end in (0..whole.len()).step_by(13) {
            assert!(read(&whole[..end]).is_err(), "{end}");
        }
        for at in (0..whole.len()).step_by(3) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x55;
            let _ = read(&bytes);
        }
    }

    #[test]
    fn empty_elements_are_closed() {
        let page = "<a id=\"x/>\"/>b<br/><!-- <i/> --><p class='c' /><é/>< /><";
        let closed = "<a id=\"x/>\"></a>b<br/><!-- <i/> --><p class='c' ></p><é/>< /><";
        assert_eq!(close_empty_elements(page), closed);
    }

    #[test]
    fn addresses_are_decoded() {
        assert_eq!(plain_address("a%20b%C4%8D%zz%"), "a bč%zz%");
    }
}
