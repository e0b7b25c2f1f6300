//! One XML part as a stream of elements and texts.
//!
//! Owns what XML may do to its reader: nothing is expanded but characters, nesting ends somewhere, and
//! a part in any encoding is text in the end. Elements go by their names without prefix. It knows no
//! format; the readers of office documents and of EPUB call it.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::QName;

/// Honest documents stay below a hundred, tables in tables and text boxes included.
const DEEPEST: usize = 400;

/// Why a part could not be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Broken(pub(super) String);

/// What comes next in a part.
#[derive(Debug)]
pub(super) enum Node<'a> {
    Open(Element<'a>),
    /// White space between elements included.
    Text(Cow<'a, str>),
    /// The end of an element, whose name [`Xml::closed`] tells.
    Close,
}

/// The start of an element.
#[derive(Debug)]
pub(super) struct Element<'a> {
    start: BytesStart<'a>,
}

impl Element<'_> {
    /// The name without its prefix.
    pub(super) fn name(&self) -> &str {
        local(self.start.name())
    }

    /// The value of the attribute with this name, whatever its prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        self.find(|key| local(key) == name)
    }

    /// The value of the attribute with this name that has a prefix: `r:id` beside `id`.
    pub(super) fn prefixed(&self, name: &str) -> Option<String> {
        self.find(|key| local(key) == name && key.prefix().is_some())
    }

    /// The attribute as a number.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.attribute(name)?.trim().parse().ok()
    }

    fn find(&self, wanted: impl Fn(QName<'_>) -> bool) -> Option<String> {
        let mut attributes = self.start.attributes();
        // Looking for repeated names would make many attributes slow.
        attributes.with_checks(false);
        let found = attributes.flatten().find(|known| wanted(known.key))?;
        let value = quick_xml::escape::unescape(&found.value);
        Some(value.map_or_else(|_| found.value.to_string(), Cow::into_owned))
    }
}

/// Reads a part from its start to its end.
pub(super) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    /// Names of the open elements, one after another, and where each starts.
    names: String,
    starts: Vec<usize>,
    /// The element opened last has no end tag.
    empty: bool,
    /// The innermost element was closed by the last call.
    closed: bool,
    /// Of the elements `AlternateContent` around the current one: how deep, and whether one of the
    /// alternatives was taken.
    alternatives: Vec<(usize, bool)>,
}

impl<'a> Xml<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().allow_dangling_amp = true;
        Self {
            reader,
            names: String::new(),
            starts: Vec::new(),
            empty: false,
            closed: false,
            alternatives: Vec::new(),
        }
    }

    /// The next node; `None` at the end. Of alternatives for old and new programs
    /// (`mc:AlternateContent`) the first is given and the others are not.
    pub(super) fn next(&mut self) -> Result<Option<Node<'a>>, Broken> {
        loop {
            if std::mem::take(&mut self.closed) {
                self.forget();
            }
            if std::mem::take(&mut self.empty) {
                return Ok(Some(self.close()));
            }
            let event = self.reader.read_event();
            match event.map_err(|error| Broken(error.to_string()))? {
                Event::Start(start) => {
                    if let Some(element) = self.open(start, false)? {
                        return Ok(Some(Node::Open(element)));
                    }
                }
                Event::Empty(start) => {
                    if let Some(element) = self.open(start, true)? {
                        return Ok(Some(Node::Open(element)));
                    }
                }
                Event::End(_) => return Ok(Some(self.close())),
                Event::Text(text) => return Ok(Some(Node::Text(text.xml10_content()))),
                Event::CData(text) => return Ok(Some(Node::Text(text.xml10_content()))),
                Event::GeneralRef(reference) => {
                    return Ok(Some(Node::Text(Cow::Owned(resolve(&reference)))));
                }
                Event::Eof if self.starts.is_empty() => return Ok(None),
                Event::Eof => return Err(Broken("it ends too early".to_owned())),
                _ => {}
            }
        }
    }

    /// The next element, wherever it is; none at the end, and where the part cannot be read on.
    pub(super) fn next_element(&mut self) -> Option<Element<'a>> {
        while let Ok(Some(node)) = self.next() {
            if let Node::Open(element) = node {
                return Some(element);
            }
        }
        None
    }

    /// The name of the element that [`Node::Close`] just ended.
    pub(super) fn closed(&self) -> &str {
        self.starts.last().map_or("", |start| &self.names[*start..])
    }

    /// The name of the element around the one just opened or closed.
    pub(super) fn parent(&self) -> &str {
        match self.starts.as_slice() {
            [.., parent, start] => &self.names[*parent..*start],
            _ => "",
        }
    }

    /// Passes over what is in the element just opened, and its end.
    pub(super) fn skip(&mut self) -> Result<(), Broken> {
        self.collect(&mut |_| {})
    }

    /// Passes over the rest of the element around the one just closed, and its end.
    pub(super) fn leave(&mut self) -> Result<(), Broken> {
        let depth = self.starts.len().saturating_sub(1);
        while let Some(node) = self.next()? {
            if matches!(node, Node::Close) && self.starts.len() <= depth {
                break;
            }
        }
        Ok(())
    }

    /// All text in the element just opened; its end is passed over.
    pub(super) fn text(&mut self) -> Result<String, Broken> {
        let mut text = String::new();
        self.collect(&mut |part| text.push_str(part))?;
        Ok(text)
    }

    fn collect(&mut self, add: &mut dyn FnMut(&str)) -> Result<(), Broken> {
        let depth = self.starts.len();
        while let Some(node) = self.next()? {
            match node {
                Node::Close if self.starts.len() <= depth => break,
                Node::Text(text) => add(&text),
                Node::Open(_) | Node::Close => {}
            }
        }
        Ok(())
    }

    /// Gives what `read` makes of each element directly or further within the one just opened, up to
    /// its end. `read` may take elements from the stream whole.
    pub(super) fn within(
        &mut self,
        mut read: impl FnMut(&mut Self, &Element<'a>) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let depth = self.starts.len();
        while let Some(node) = self.next()? {
            match node {
                Node::Close if self.starts.len() <= depth => break,
                Node::Open(element) => read(self, &element)?,
                Node::Text(_) | Node::Close => {}
            }
        }
        Ok(())
    }

    /// Notes the element; `None` for an alternative that is not wanted.
    fn open(&mut self, start: BytesStart<'a>, empty: bool) -> Result<Option<Element<'a>>, Broken> {
        if self.starts.len() >= DEEPEST {
            return Err(Broken("elements nested too deeply".to_owned()));
        }
        let name = local(start.name());
        self.starts.push(self.names.len());
        self.names.push_str(name);
        self.empty = empty;
        let depth = self.starts.len();
        if name == "AlternateContent" {
            self.alternatives.push((depth, false));
        } else if matches!(name, "Choice" | "Fallback")
            && let Some((around, taken)) = self.alternatives.last_mut()
            && *around + 1 == depth
            && std::mem::replace(taken, true)
        {
            self.skip()?;
            return Ok(None);
        }
        Ok(Some(Element { start }))
    }

    fn close(&mut self) -> Node<'a> {
        self.closed = true;
        Node::Close
    }

    /// Forgets the innermost element.
    fn forget(&mut self) {
        if self.alternatives.last().map(|last| last.0) == Some(self.starts.len()) {
            self.alternatives.pop();
        }
        if let Some(start) = self.starts.pop() {
            self.names.truncate(start);
        }
    }
}

/// One pass over a part: what a reader does with each thing in it.
pub(super) trait Pass {
    /// Nothing more is taken.
    fn is_full(&self) -> bool;

    /// An element begins.
    fn open(&mut self, xml: &mut Xml<'_>, element: &Element<'_>) -> Result<(), Broken>;

    /// The element of this name ends.
    fn close(&mut self, _name: &str) {}

    /// Text, white space between elements included.
    fn text(&mut self, _text: &str) {}

    /// Reads to the end, or until nothing more is taken.
    fn read(&mut self, xml: &mut Xml<'_>) -> Result<(), Broken> {
        while !self.is_full()
            && let Some(node) = xml.next()?
        {
            match node {
                Node::Open(element) => self.open(xml, &element)?,
                Node::Close => self.close(xml.closed()),
                Node::Text(text) => self.text(&text),
            }
        }
        Ok(())
    }
}

fn local(name: QName<'_>) -> &str {
    name.local_name().into_inner()
}

/// A character, or the reference itself where it names something else: nothing that a document
/// defines is ever expanded.
fn resolve(reference: &BytesRef<'_>) -> String {
    if reference.is_char_ref() {
        let character = reference.resolve_char_ref().ok().flatten();
        return character.map(String::from).unwrap_or_default();
    }
    let name: &str = reference;
    let known = quick_xml::escape::resolve_predefined_entity(name);
    known.map_or_else(|| format!("&{name};"), str::to_owned)
}

/// A part's bytes as text: by byte order mark, by what its first line declares, or as UTF-8, in which
/// what does not fit is replaced.
pub(super) fn decode(bytes: Vec<u8>) -> String {
    let encoding = Encoding::for_bom(&bytes).map(|(encoding, _)| encoding);
    match encoding.or_else(|| declared(&bytes)) {
        Some(encoding) => encoding.decode(&bytes).0.into_owned(),
        None => String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

/// The encoding that the first line names, where it is not UTF-8 anyway.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [b'<', 0, ..] => return Some(UTF_16LE),
        [0, b'<', ..] => return Some(UTF_16BE),
        _ => {}
    }
    let head = &bytes[..bytes.len().min(200)];
    let head = String::from_utf8_lossy(head);
    let declaration = head.trim_start().strip_prefix("<?xml")?.split('>').next()?;
    let label = declaration.split("encoding").nth(1)?;
    let label = label.trim_start_matches([' ', '=', '"', '\'']);
    let label = label.split(['"', '\'']).next()?;
    let encoding = Encoding::for_label(label.as_bytes())?;
    // What can be read byte by byte is not UTF-16, whatever it says.
    (encoding.is_ascii_compatible() && encoding != encoding_rs::UTF_8).then_some(encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The part written down: `+name` and `-name` for elements.
    fn read(text: &str) -> String {
        let mut xml = Xml::new(text);
        let mut parts = Vec::new();
        loop {
            parts.push(match xml.next() {
                Ok(Some(Node::Open(element))) => format!("+{}", element.name()),
                Ok(Some(Node::Text(text))) => text.into_owned(),
                Ok(Some(Node::Close)) => format!("-{}", xml.closed()),
                Ok(None) => break,
                Err(error) => {
                    parts.push(format!("!{error}"));
                    break;
                }
            });
        }
        parts.join(" ")
    }

    #[test]
    fn elements_go_by_their_local_names() {
        assert_eq!(read("<w:p><w:r/>a</w:p>"), "+p +r -r a -p");
        let mut xml = Xml::new("<a id='1' r:id='two &amp; &x;' v='7'/>");
        let Ok(Some(Node::Open(element))) = xml.next() else {
            panic!("no element");
        };
        assert_eq!(element.attribute("id").as_deref(), Some("1"));
        assert_eq!(element.prefixed("id").as_deref(), Some("two &amp; &x;"));
        assert_eq!(element.number::<u8>("v"), Some(7));
        assert_eq!(element.prefixed("v"), None);
    }

    #[test]
    fn only_characters_are_expanded() {
        let bomb =
            "<!DOCTYPE a [<!ENTITY b \"lol\"><!ENTITY c \"&b;&b;&b;\">]><a>&c; &lt;&#65;&#0;</a>";
        assert_eq!(read(bomb), "+a &c;   < A  -a");
    }

    #[test]
    fn the_first_alternative_is_taken() {
        let text = "<x><mc:AlternateContent><mc:Choice><a>1</a></mc:Choice><mc:Choice/><mc:Fallback>\
                    <b>2</b></mc:Fallback></mc:AlternateContent><Fallback>3</Fallback></x>";
        assert_eq!(
            read(text),
            "+x +AlternateContent +Choice +a 1 -a -Choice -AlternateContent +Fallback 3 -Fallback -x"
        );
    }

    #[test]
    fn depth_and_damage_are_errors() {
        assert!(read(&"<a>".repeat(10_000)).ends_with("!elements nested too deeply"));
        assert!(read("<a><b>").ends_with("!it ends too early"));
        assert!(read("<a></b>").contains('!'));
        assert!(read("<a b=\"").contains('!'));
    }

    #[test]
    fn elements_are_passed_over_whole() {
        let mut xml = Xml::new("<a><b>1<c/><b>2</b></b><d>3</d></a>");
        let mut seen = String::new();
        xml.next().expect("a");
        xml.within(|xml, element| {
            seen.push_str(element.name());
            if element.name() == "b" {
                return xml.skip();
            }
            seen.push_str(&xml.text()?);
            Ok(())
        })
        .expect("read");
        assert_eq!(seen, "bd3");
        assert!(matches!(xml.next(), Ok(None)));
    }

    #[test]
    fn encodings_are_found_out() {
        let sixteen: Vec<u8> = "<a>č</a>"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(decode(sixteen.clone()), "<a>č</a>");
        let marked = [vec![0xff, 0xfe], sixteen].concat();
        assert_eq!(decode(marked), "<a>č</a>");
        let latin = b"<?xml version='1.0' encoding='iso-8859-2'?>\xe8".to_vec();
        assert!(decode(latin).ends_with('č'));
        assert_eq!(decode(b"<a>\xff</a>".to_vec()), "<a>\u{fffd}</a>");
        assert_eq!(decode(b"\xef\xbb\xbf<a/>".to_vec()), "<a/>");
    }
}
