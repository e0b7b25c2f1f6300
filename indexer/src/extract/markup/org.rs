//! Org mode notes: headings, tags and links, with offsets into the source.
//!
//! Owns what a line of Org means; nothing is rendered, so that a citation's span is a span in the
//! file. Keywords at the top, such as the title, are front matter.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::{
    Extracted, Heading, Limits, Rejection, push_once, text, transcript::single_line,
};
use super::lines;

/// Words before a heading's text that say how far the task is. Files can name their own.
const TASK_WORDS: &[&str] = &[
    "TODO",
    "DONE",
    "NEXT",
    "WAIT",
    "WAITING",
    "HOLD",
    "STARTED",
    "STRT",
    "SOMEDAY",
    "MAYBE",
    "PROJ",
    "IDEA",
    "CANCELED",
    "CANCELLED",
    "KILL",
    "DELEGATED",
];

/// Keywords about the file rather than of its text.
const METADATA: &[&str] = &[
    "archive",
    "author",
    "bind",
    "category",
    "columns",
    "constants",
    "creator",
    "date",
    "email",
    "filetags",
    "identifier",
    "language",
    "link",
    "macro",
    "options",
    "priorities",
    "property",
    "roam_alias",
    "roam_key",
    "roam_tags",
    "seq_todo",
    "setupfile",
    "startup",
    "tags",
    "title",
    "todo",
    "typ_todo",
];

/// Properties that programs write.
const TECHNICAL: &[&str] = &[
    "category",
    "created",
    "created_at",
    "custom_id",
    "id",
    "last_modified",
    "modified",
    "updated",
    "visibility",
];

/// A longer link is none.
const MAX_LINK_BYTES: usize = 1000;

/// Reads an Org file.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let mut note = text::extract(bytes, limits)?;
    note.extractor = Cow::Borrowed("org");
    let source = std::mem::take(&mut note.text);
    note.body.start = body_start(&source);
    Reader::new(&source, &mut note).run();
    note.take_title_from_heading();
    note.text = source;
    Ok(note)
}

/// Where the first line is that is neither a keyword about the file nor a technical property.
fn body_start(source: &str) -> usize {
    let mut drawer = None;
    let mut end = 0;
    for (start, line) in lines(source) {
        let line = line.trim();
        if let Some(drawer_start) = drawer {
            if line.eq_ignore_ascii_case(":end:") {
                (drawer, end) = (None, start + line.len());
            } else if !property(line).is_some_and(|(key, _)| is_technical(key)) {
                // What people write there, such as a person's address, is text.
                return if end > 0 { drawer_start } else { 0 };
            }
        } else if line.eq_ignore_ascii_case(":properties:") {
            drawer = Some(start);
        } else if line.starts_with("# -*-") || is_metadata(line) {
            end = start + line.len();
        } else if !line.is_empty() {
            return if end > 0 { start } else { 0 };
        }
    }
    // A drawer that is not closed is none.
    if drawer.is_none() && end > 0 {
        source.len()
    } else {
        0
    }
}

fn is_technical(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    TECHNICAL.contains(&key.as_str()) || key.starts_with("roam_")
}

fn is_metadata(line: &str) -> bool {
    keyword(line).is_some_and(|(key, _)| {
        let key = key.to_ascii_lowercase();
        METADATA.contains(&key.as_str())
            || ["html_", "hugo_", "latex_", "export_"]
                .iter()
                .any(|prefix| key.starts_with(prefix))
    })
}

/// One pass over the lines.
struct Reader<'a> {
    source: &'a str,
    note: &'a mut Extracted,
    task_words: Vec<String>,
    /// Where the last block of each name ends: one that does not end is not a block.
    block_ends: HashMap<String, usize>,
}

impl<'a> Reader<'a> {
    fn new(source: &'a str, note: &'a mut Extracted) -> Self {
        let ends = lines(source).filter_map(|(start, line)| {
            let name = block_name(line, "#+end_")?;
            Some((name, start))
        });
        Self {
            source,
            note,
            task_words: TASK_WORDS.iter().map(ToString::to_string).collect(),
            block_ends: ends.collect(),
        }
    }

    fn run(mut self) {
        let source = self.source;
        let mut block: Option<String> = None;
        for (start, line) in lines(source) {
            if let Some(name) = &block {
                if block_name(line, "#+end_").as_ref() == Some(name) {
                    block = None;
                }
                continue;
            }
            block = block_name(line, "#+begin_")
                .filter(|name| self.block_ends.get(name).is_some_and(|end| *end > start));
            if block.is_none() {
                self.read(start, line);
            }
        }
    }

    fn read(&mut self, start: usize, line: &str) {
        if let Some((level, rest)) = heading(line) {
            self.add_heading(start, level, rest);
        } else if let Some((key, value)) = keyword(line) {
            self.set(&key.to_ascii_lowercase(), value);
        } else if let Some((key, value)) = property(line) {
            self.set(&key.to_ascii_lowercase(), value);
        }
        for (target, _) in links(line) {
            push_once(&mut self.note.links, file_name(target));
        }
    }

    fn add_heading(&mut self, start: usize, level: u8, rest: &str) {
        let (rest, tags) = split_tags(rest.trim());
        for tag in tags {
            push_once(&mut self.note.tags, tag);
        }
        let text = heading_text(rest, &self.task_words);
        self.note.headings.push(Heading { start, level, text });
    }

    fn set(&mut self, key: &str, value: &str) {
        match key {
            // Several lines make one title.
            "title" => {
                let title = self.note.title.take().unwrap_or_default();
                let title = single_line(&format!("{title} {}", shown(value)));
                self.note.title = Some(title).filter(|title| !title.is_empty());
            }
            "filetags" | "roam_tags" => {
                for tag in value.split([':', ' ', ',', '"']) {
                    push_once(&mut self.note.tags, tag);
                }
            }
            "roam_aliases" | "roam_alias" => {
                for (index, part) in value.split('"').enumerate() {
                    // Every other part stands in quotation marks.
                    if index % 2 == 1 {
                        push_once(&mut self.note.aliases, part.trim());
                    } else {
                        part.split_whitespace()
                            .for_each(|alias| push_once(&mut self.note.aliases, alias));
                    }
                }
            }
            "todo" | "seq_todo" | "typ_todo" => {
                let words = value.split_whitespace().filter(|word| *word != "|");
                let words = words.map(|word| word.split('(').next().unwrap_or(word).to_owned());
                self.task_words.extend(words.take(100));
                self.task_words.truncate(200);
            }
            _ => {}
        }
    }
}

/// The level and the rest of a heading's line.
fn heading(line: &str) -> Option<(u8, &str)> {
    let rest = line.trim_start_matches('*');
    let stars = line.len() - rest.len();
    if stars == 0 || !rest.starts_with([' ', '\t']) {
        return None;
    }
    Some((u8::try_from(stars).unwrap_or(6).min(6), rest))
}

/// `#+KEY: value`
fn keyword(line: &str) -> Option<(&str, &str)> {
    pair(line.trim_start().strip_prefix("#+")?)
}

/// `:KEY: value`, in a drawer.
fn property(line: &str) -> Option<(&str, &str)> {
    pair(line.trim_start().strip_prefix(':')?)
}

fn pair(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    (!key.is_empty() && !key.contains(char::is_whitespace)).then_some((key, value.trim()))
}

/// The name in `#+begin_name` or `#+end_name`, in lower case.
fn block_name(line: &str, prefix: &str) -> Option<String> {
    let line = line.trim_start();
    let head = line.get(..prefix.len())?;
    if !head.eq_ignore_ascii_case(prefix) {
        return None;
    }
    let name = line[prefix.len()..].split_whitespace().next()?;
    Some(name.to_ascii_lowercase())
}

/// A heading's text without the tags at its end, and those.
fn split_tags(text: &str) -> (&str, Vec<&str>) {
    let start = text.rfind(char::is_whitespace).map_or(0, |space| space + 1);
    // The character before may be longer than a byte.
    let start = text.ceil_char_boundary(start);
    let tags = text[start..]
        .strip_prefix(':')
        .and_then(|rest| rest.strip_suffix(':'))
        .map(|tags| tags.split(':').collect::<Vec<_>>());
    match tags {
        Some(tags) if tags.iter().all(|tag| is_tag(tag)) => (text[..start].trim_end(), tags),
        _ => (text, Vec::new()),
    }
}

fn is_tag(tag: &str) -> bool {
    !tag.is_empty()
        && tag
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '@' | '#' | '%' | '-'))
}

/// A heading's text without task word, priority, progress and link markup.
fn heading_text(text: &str, task_words: &[String]) -> String {
    let mut rest = text;
    let first = rest.split_whitespace().next().unwrap_or_default();
    if task_words.iter().any(|word| word == first) {
        rest = rest[first.len()..].trim_start();
    }
    if rest.starts_with("[#")
        && let Some((priority, after)) = rest[2..].split_once(']')
        && (1..=2).contains(&priority.len())
    {
        rest = after.trim_start();
    }
    if let Some(after) = rest.strip_prefix("COMMENT ") {
        rest = after;
    }
    let text = without_emphasis(&shown(rest));
    let words: Vec<&str> = text
        .split_whitespace()
        .filter(|word| !is_progress(word))
        .collect();
    words.join(" ")
}

/// Text without the marks around `~code~`, `=verbatim=` and `*bold*`.
fn without_emphasis(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['~', '=', '*']) {
        let (before, marked) = rest.split_at(at);
        plain.push_str(before);
        let (mark, inner) = marked.split_at(1);
        let opens = plain.is_empty() || plain.ends_with([' ', '(', '"', '\'', '-']);
        let end = inner.find(mark).filter(|end| {
            let after = inner[end + 1..].chars().next();
            *end > 0 && after.is_none_or(|c| !c.is_alphanumeric())
        });
        let (kept, after) = if opens && let Some(end) = end {
            (&inner[..end], &inner[end + 1..])
        } else {
            (mark, inner)
        };
        plain.push_str(kept);
        rest = after;
    }
    plain.push_str(rest);
    plain
}

/// `[1/3]` or `[33%]`
fn is_progress(word: &str) -> bool {
    word.strip_prefix('[')
        .and_then(|word| word.strip_suffix(']'))
        .is_some_and(|inner| {
            inner.contains(['/', '%'])
                && inner
                    .bytes()
                    .all(|b| b.is_ascii_digit() || b == b'/' || b == b'%')
        })
}

/// `text` with its links as they are shown.
fn shown(text: &str) -> String {
    let mut out = String::new();
    let mut from = 0;
    for (target, link) in links(text) {
        out.push_str(&text[from..link.start]);
        out.push_str(link.shown.unwrap_or(target));
        from = link.end;
    }
    out.push_str(&text[from..]);
    out
}

struct Link<'a> {
    start: usize,
    end: usize,
    shown: Option<&'a str>,
}

/// The targets of `[[target]]` and `[[target][text]]`, with the whole links.
fn links(text: &str) -> impl Iterator<Item = (&str, Link<'_>)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        while let Some(offset) = text[from..].find("[[") {
            let start = from + offset;
            from = start + 2;
            if let Some((target, link)) = link_at(text, start) {
                from = link.end;
                return Some((target, link));
            }
        }
        None
    })
}

fn link_at(text: &str, start: usize) -> Option<(&str, Link<'_>)> {
    let inner = &text[start + 2..];
    let inner = &inner[..inner.floor_char_boundary(MAX_LINK_BYTES)];
    let close = inner.find(']')?;
    let (target, after) = (&inner[..close], &inner[close..]);
    let (shown, length) = if after.starts_with("]]") {
        (None, close + 2)
    } else {
        let shown = after.strip_prefix("][")?;
        let end = shown.find("]]")?;
        (Some(&shown[..end]), close + 2 + end + 2)
    };
    let end = start + 2 + length;
    Some((target, Link { start, end, shown }))
}

/// A link's target as the name of another document; empty for headings here and for the web.
fn file_name(target: &str) -> &str {
    let target = target.trim();
    let target = target
        .strip_prefix("file:")
        .or_else(|| target.strip_prefix("attachment:"))
        .or_else(|| target.strip_prefix("roam:"))
        .unwrap_or(target);
    let target = target.split("::").next().unwrap_or(target);
    let elsewhere = target.contains("://")
        || target.starts_with(['*', '#', '('])
        || ["mailto:", "doi:", "elisp:", "shell:"]
            .iter()
            .any(|scheme| target.starts_with(scheme));
    if elsewhere { "" } else { target }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{outline, read, survives};
    use super::extract;
    use expect_test::expect;

    const NOTE: &str = "\
#+TITLE: The harbour
#+FILETAGS: :work:pier:
#+TODO: BUILD(b) | BUILT(d)

An introduction with [[file:plan.org::*Goals][the plan]] and [[https://example.org][the web]].
* TODO [#A] Rebuild the [[id:12-ab][pier]] [1/3] :wood:storm_1932:
  :PROPERTIES:
  :ROAM_ALIASES: \"Old pier\" jetty
  :END:
** BUILT Foundation: *granite* =1*2= ~a b~ x=1
*not a heading* but bold
#+begin_src org
* In a block
[[not-a-link]]
#+END_SRC
******** Deep
* COMMENT Hidden
";

    #[test]
    fn headings_lose_what_is_not_their_text() {
        let note = read(extract, NOTE);
        expect![[r#"
            Some("The harbour")
            1 "Rebuild the pier" at "* TODO [#A] Rebuild the [[id:12-ab][pier]] [1/3] :wood:storm_1932:"
            2 "Foundation: granite 1*2 a b x=1" at "** BUILT Foundation: *granite* =1*2= ~a b~ x=1"
            6 "Deep" at "******** Deep"
            1 "Hidden" at "* COMMENT Hidden""#]]
        .assert_eq(&outline(&note));
        assert_eq!(note.tags, ["work", "pier", "wood", "storm_1932"]);
        assert_eq!(note.links, ["plan.org", "id:12-ab"]);
        assert_eq!(note.aliases, ["Old pier", "jetty"]);
        assert_eq!(note.text, NOTE);
        assert!(note.source_is_text);
        assert!(note.text[note.body.clone()].starts_with("An introduction"));
    }

    #[test]
    fn the_first_heading_serves_as_title() {
        assert_eq!(read(extract, "* One\n* Two").title.as_deref(), Some("One"));
        assert_eq!(read(extract, "text only").title, None);
        assert_eq!(
            read(extract, "#+title: A\n#+title: B\nx").title.as_deref(),
            Some("A B")
        );
    }

    #[test]
    fn what_is_not_closed_is_none() {
        let note = read(extract, "#+begin_src sh\n* Heading\n:properties:\n[[a][b");
        assert_eq!(note.headings.len(), 1);
        assert_eq!(note.body.start, 0);
        assert!(note.links.is_empty());
        assert_eq!(read(extract, ":PROPERTIES:\n:ID: 1\ntext").body.start, 0);
    }

    #[test]
    fn properties_that_people_write_are_text() {
        let note = read(
            extract,
            ":PROPERTIES:\n:ID: 1\n:END:\n#+title: Anna\n\nText",
        );
        assert_eq!(&note.text[note.body], "Text");
        let note = read(
            extract,
            "#+title: Anna\n:PROPERTIES:\n:ID: 1\n:PHONE: 7\n:END:\n",
        );
        assert!(note.text[note.body].starts_with(":PROPERTIES:"));
    }

    #[test]
    fn hostile_notes_are_harmless() {
        survives(extract, NOTE);
        let many = "#+begin_src\n[[".repeat(50_000) + "\n" + &"* a :b:\u{3000}\n".repeat(1000);
        assert_eq!(read(extract, &many).headings.len(), 1000);
        assert_eq!(read(extract, &"*".repeat(100_000)).headings.len(), 0);
    }
}
