//! reStructuredText: section titles, with offsets into the source.
//!
//! Owns which lines are titles, by docutils' rules: a line underlined, or between two lines, of one
//! repeated mark; each kind of line is a level, in order of appearance. Directives stay in the text.

use std::borrow::Cow;

use super::super::{
    Extracted, Heading, Limits, Rejection, push_once, text, transcript::single_line,
};
use super::lines;

/// Reads a reStructuredText file.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let mut document = text::extract(bytes, limits)?;
    document.extractor = Cow::Borrowed("rst");
    let source = std::mem::take(&mut document.text);
    read(&source, &mut document);
    document.take_title_from_heading();
    document.text = source;
    Ok(document)
}

/// A line of one repeated mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rule {
    mark: u8,
    length: usize,
}

/// What the line before was, as far as a title may follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing, a blank line, a title or a directive.
    Open,
    Text,
}

fn read(source: &str, document: &mut Extracted) {
    let mut styles: Vec<(u8, bool)> = Vec::new();
    let mut before = Before::Open;
    // Fields at the top, below the first title at most, are about the document.
    let mut at_top = true;
    let mut rest = lines(source);
    while let Some((start, line)) = rest.next() {
        let mut ahead = rest.clone();
        let next = ahead.next().map_or("", |(_, line)| line);
        let third = ahead.next().map_or("", |(_, line)| line);
        let title = if overlined(line, next, third) {
            rest = ahead;
            rule(line).map(|rule| (next, (rule.mark, true)))
        } else if before == Before::Open && underlined(line, next) {
            rest.next();
            rule(next).map(|rule| (line, (rule.mark, false)))
        } else {
            None
        };
        if let Some((title, style)) = title {
            at_top &= document.headings.is_empty();
            let level = level(&mut styles, style);
            let text = title_text(title);
            document.headings.push(Heading { start, level, text });
            before = Before::Open;
            continue;
        }
        let open = matches!(line.trim_end(), "" | "..") || line.starts_with(".. ");
        at_top &= open || line.starts_with([':', ' ', '\t']);
        if at_top && let Some((name, value)) = field(line) {
            set(document, &name.to_lowercase(), value);
        }
        before = if open { Before::Open } else { Before::Text };
        links(line, &mut document.links);
    }
}

fn overlined(line: &str, title: &str, under: &str) -> bool {
    rule(line).is_some_and(|over| {
        rule(under) == Some(over)
            && !title.trim().is_empty()
            && rule(title.trim()).is_none()
            && (over.length >= 4 || over.length >= title.trim().chars().count())
    })
}

fn underlined(title: &str, line: &str) -> bool {
    let Some(under) = rule(line) else {
        return false;
    };
    let bullet = ["- ", "* ", "+ ", "| ", ">>> ", ".. "]
        .iter()
        .any(|mark| title.starts_with(mark));
    !title.trim().is_empty()
        && !title.starts_with(char::is_whitespace)
        && !bullet
        && field(title).is_none()
        && rule(title).is_none()
        && (under.length >= 4 || under.length >= title.trim_end().chars().count())
}

/// Marks of a directive and of a literal block are too short to be meant as a rule.
fn rule(line: &str) -> Option<Rule> {
    let line = line.trim_end().as_bytes();
    let mark = *line.first()?;
    let length = line.len();
    let short = matches!(line, b".." | b"::");
    (length >= 2 && !short && mark.is_ascii_punctuation() && line.iter().all(|b| *b == mark))
        .then_some(Rule { mark, length })
}

/// The level of a style, which is new or was seen before.
fn level(styles: &mut Vec<(u8, bool)>, style: (u8, bool)) -> u8 {
    let index = styles.iter().position(|known| *known == style);
    let index = index.unwrap_or_else(|| {
        styles.push(style);
        styles.len() - 1
    });
    u8::try_from(index + 1).unwrap_or(6).min(6)
}

/// A title without inline markup.
fn title_text(title: &str) -> String {
    let mut text = String::new();
    for (index, part) in title.split('`').enumerate() {
        // Every other part stands in backquotes; what was before may end in its role.
        if index % 2 == 1 {
            if let Some(role) = role_start(&text) {
                text.truncate(role);
            }
            text.push_str(part.split(" <").next().unwrap_or(part));
        } else {
            text.push_str(
                part.strip_prefix("__")
                    .or(part.strip_prefix('_'))
                    .unwrap_or(part),
            );
        }
    }
    let words = text.split_whitespace().map(|word| {
        let bare = word.trim_matches('*');
        if bare.is_empty() { word } else { bare }
    });
    single_line(&words.collect::<Vec<_>>().join(" "))
}

/// Where `:role:` at the end of `text` starts.
fn role_start(text: &str) -> Option<usize> {
    let name = text.strip_suffix(':')?;
    let start = name.rfind(':')?;
    let name = &name[start + 1..];
    let fits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    fits.then_some(start)
}

/// `:Name: value`, or `.. name: value` as site generators write it.
fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = match line.strip_prefix(':') {
        Some(rest) => rest.split_once(':')?,
        None => line.strip_prefix(".. ")?.split_once(':')?,
    };
    let fits = !name.is_empty() && !value.starts_with([':', '`']) && !name.starts_with('_');
    fits.then_some((name, value.trim()))
}

fn set(document: &mut Extracted, name: &str, value: &str) {
    match name {
        "title" if !value.is_empty() => document.title = Some(title_text(value)),
        "tags" | "keywords" => {
            for tag in value.split([',', ';']) {
                push_once(&mut document.tags, tag.trim());
            }
        }
        _ => {}
    }
}

/// Adds the targets of ``:doc:`target` `` and ``:doc:`text <target>` ``.
fn links(line: &str, links: &mut Vec<String>) {
    for part in line.split(":doc:`").skip(1) {
        let inner = part.split('`').next().unwrap_or(part);
        let target = inner
            .rsplit_once('<')
            .map_or(inner, |(_, target)| target.trim_end_matches('>'));
        push_once(links, target.trim());
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{outline, read, survives};
    use super::extract;
    use expect_test::expect;

    const PAGE: &str = "\
.. _top:

============
 The harbour
============

:Author: Anna
:Tags: pier, storm

Text before, see :doc:`the plan <plan/goals>` and :doc:`costs`.

The *old* ``pier``
------------------

.. code-block:: sh

   Not a title
   -----------

=====  =====
Stone  Crowns
=====  =====
a      7
=====  =====

Two lines
of text
-------

1. Introduction
~~~~~~~~~~~~~~~
The :ref:`crane`
----------------
No
--
well ...
...

- item
------

日本語
======
";

    #[test]
    fn titles_have_levels_in_order_of_appearance() {
        let page = read(extract, PAGE);
        expect![[r#"
            Some("The harbour")
            1 "The harbour" at "============"
            2 "The old pier" at "The *old* ``pier``"
            3 "1. Introduction" at "1. Introduction"
            2 "The crane" at "The :ref:`crane`"
            2 "No" at "No"
            4 "日本語" at "日本語""#]]
        .assert_eq(&outline(&page));
        assert_eq!(page.tags, ["pier", "storm"]);
        assert_eq!(page.links, ["plan/goals", "costs"]);
        assert!(page.source_is_text && page.text == PAGE);
    }

    #[test]
    fn a_title_may_be_a_field() {
        let page = read(
            extract,
            "Heading\n#######\n\n:title: The title\n\nText\n\n:title: no\n",
        );
        assert_eq!(page.title.as_deref(), Some("The title"));
        let page = read(extract, ".. title: Post\n.. tags: a, b\n\nText\n");
        assert_eq!((page.title.as_deref(), page.tags.len()), (Some("Post"), 2));
        assert_eq!(read(extract, "Text\n\n:title: no\n").title, None);
    }

    #[test]
    fn hostile_pages_are_harmless() {
        survives(extract, PAGE);
        let many: String = (0..20_000_u32)
            .map(|i| {
                format!(
                    "a\n{}\n",
                    char::from(b"=-~^\"'`#*+"[i as usize % 10])
                        .to_string()
                        .repeat(4)
                )
            })
            .collect();
        let page = read(extract, &many);
        assert_eq!(page.headings.len(), 20_000);
        assert!(page.headings.iter().all(|heading| heading.level <= 6));
    }
}
