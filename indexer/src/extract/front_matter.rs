//! The YAML block at the top of a note: its extent, and the title, tags, aliases and links in it.
//!
//! Owns every shape in which Obsidian and static site generators write those. It knows no Markdown
//! but wiki links. Called by the Markdown reader.

use std::ops::Range;

use serde_norway::{Mapping, Value};

use super::push_once;

/// Notes open with a few lines of YAML, not with books of it; the parser is not for hostile input.
const MAX_BYTES: usize = 64 * 1024;

/// What a note says about itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FrontMatter {
    /// Where the body starts: after the closing line, or 0 where there is no front matter.
    pub end: usize,
    /// Its lines, where they say more than title, tags and other names.
    pub properties: Range<usize>,
    pub title: Option<String>,
    pub tags: Vec<String>,
    pub aliases: Vec<String>,
    /// Targets of wiki links in any property.
    pub links: Vec<String>,
}

/// Reads the front matter of `text`. A block that is not a YAML mapping is part of the body: a note
/// may open with a horizontal rule.
pub(super) fn parse(text: &str) -> FrontMatter {
    let Some((yaml, end)) = block(text) else {
        return FrontMatter::default();
    };
    match serde_norway::from_str(yaml) {
        Ok(Value::Mapping(fields)) => FrontMatter {
            end,
            properties: if fields.iter().any(is_property) {
                let start = yaml.as_ptr() as usize - text.as_ptr() as usize;
                start..start + yaml.trim_end().len()
            } else {
                0..0
            },
            ..read(&fields)
        },
        Ok(Value::Null) => FrontMatter {
            end,
            ..FrontMatter::default()
        },
        _ => FrontMatter::default(),
    }
}

/// The text between the first line `---` and the next `---` or `...`, and where the body starts.
fn block(text: &str) -> Option<(&str, usize)> {
    let mut lines = text.split_inclusive('\n');
    let opening = lines.next().filter(|line| line.trim_end() == "---")?;
    let start = opening.len();
    let mut end = start;
    for line in lines {
        if matches!(line.trim_end(), "---" | "...") {
            return Some((&text[start..end], end + line.len()));
        }
        end += line.len();
        if end > MAX_BYTES {
            return None;
        }
    }
    None
}

/// Whether a field says something of the document that nothing else keeps, and that is not for programs alone.
fn is_property((key, value): (&Value, &Value)) -> bool {
    const ELSEWHERE: [&str; 12] = [
        "title",
        "tag",
        "tags",
        "alias",
        "aliases",
        "cssclass",
        "cssclasses",
        "layout",
        "permalink",
        "slug",
        "id",
        "uuid",
    ];
    let key = key.as_str().unwrap_or_default().to_lowercase();
    let says = scalars(value).iter().any(|text| !text.is_empty()) || value.is_mapping();
    !ELSEWHERE.contains(&key.as_str()) && says
}

fn read(fields: &Mapping) -> FrontMatter {
    let mut found = FrontMatter::default();
    for (key, value) in fields {
        match key.as_str().unwrap_or_default().to_lowercase().as_str() {
            "title" => found.title = scalar(value).filter(|title| !title.is_empty()),
            "tag" | "tags" => {
                for text in scalars(value) {
                    for tag in text.split([',', ' ', '\t', '\n']) {
                        push_once(&mut found.tags, clean_tag(tag));
                    }
                }
            }
            "alias" | "aliases" => add_aliases(value, &mut found.aliases),
            _ => {}
        }
        add_links(value, &mut found.links);
    }
    found
}

/// A string holds several aliases where it has commas; an item of a list is one alias, commas and
/// all.
fn add_aliases(value: &Value, aliases: &mut Vec<String>) {
    match scalar(value) {
        Some(text) => text
            .split(',')
            .for_each(|alias| push_once(aliases, alias.trim())),
        None => scalars(value)
            .iter()
            .for_each(|alias| push_once(aliases, alias)),
    }
}

/// Links stand in properties as `"[[Note]]"`. Without quotation marks that is a list in a list, which
/// people write all the same.
fn add_links(value: &Value, links: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            for part in text.split("[[").skip(1) {
                if let Some((link, _)) = part.split_once("]]") {
                    push_once(links, link_target(link));
                }
            }
        }
        Value::Sequence(items) => {
            if let [Value::Sequence(inner)] = items.as_slice()
                && let [Value::String(link)] = inner.as_slice()
            {
                push_once(links, link_target(link));
            }
            for item in items {
                add_links(item, links);
            }
        }
        Value::Mapping(fields) => {
            for item in fields.values() {
                add_links(item, links);
            }
        }
        _ => {}
    }
}

/// The note that `Note#heading^block|text` links to; empty for a place in the same note.
pub(super) fn link_target(link: &str) -> &str {
    // In a table the bar before the shown text is escaped.
    let target = link.split(['#', '^', '|']).next().unwrap_or_default();
    target.trim_end_matches('\\').trim()
}

/// `#project/` names the tag `project`.
pub(super) fn clean_tag(tag: &str) -> &str {
    tag.trim().trim_start_matches('#').trim_matches('/')
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// A scalar, or the scalars of a list however it is nested.
fn scalars(value: &Value) -> Vec<String> {
    match value {
        Value::Sequence(items) => items.iter().flat_map(scalars).collect(),
        other => scalar(other).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use expect_test::{Expect, expect};

    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "expectations are written in place"
    )]
    fn check(text: &str, expected: Expect) {
        let found = parse(text);
        expected.assert_eq(&format!(
            "{:?} {:?} {:?} {:?}",
            &text[found.end..],
            found.title,
            found.tags,
            found.aliases
        ));
    }

    #[test]
    fn all_the_usual_shapes() {
        check(
            "---\ntitle: Plan\ntags: [work, 2024]\naliases:\n  - The plan\n  - Plan, the\n---\nBody",
            expect![[r#""Body" Some("Plan") ["work", "2024"] ["The plan", "Plan, the"]"#]],
        );
        check(
            "---\r\nTags: \"#project/alpha, idea\"\r\nalias: One, Two\r\n...\r\nBody",
            expect![[r#""Body" None ["project/alpha", "idea"] ["One", "Two"]"#]],
        );
        check(
            "---\ntags:\n  - '#a/b/'\n  - c\n  - c\ntag: d e\ntitle: 1984\n---\n",
            expect![[r#""" Some("1984") ["a/b", "c", "d", "e"] []"#]],
        );
        check(
            "---\ntags:\naliases: []\ntitle: ''\n---\nx",
            expect![[r#""x" None [] []"#]],
        );
        check("---\n---\nx", expect![[r#""x" None [] []"#]]);
    }

    #[test]
    fn properties_are_lines_of_the_note() {
        let text = "---\ntitle: Bill\npaid: false\ndue: 2026-03-02\n---\nBody";
        assert_eq!(
            &text[parse(text).properties],
            "title: Bill\npaid: false\ndue: 2026-03-02"
        );
        for none in [
            "---\ntitle: Bill\ntags: [a]\nlayout: page\n---\nBody",
            "---\npaid:\n---\nBody",
            "Body",
        ] {
            assert!(parse(none).properties.is_empty(), "{none}");
        }
    }

    #[test]
    fn what_is_not_a_mapping_is_body() {
        for text in [
            "---\nJust a rule above.\n---\nBody",
            "---\ntitle: [unclosed\n---\nBody",
            "---\ntitle: no end",
            "\n---\ntitle: not at the top\n---\n",
            "----\ntitle: four dashes\n----\n",
            "",
        ] {
            assert_eq!(parse(text).end, 0, "{text:?}");
        }
    }

    #[test]
    fn links_stand_in_any_property() {
        let links = |yaml: &str| parse(&format!("---\n{yaml}\n---\n")).links;
        assert_eq!(links("up: \"[[A#b|c]] and [[B]]\""), ["A", "B"]);
        assert_eq!(
            links("up: [[A b]]\nx:\n  - '[[C]]'\n  - y: '[[D'\n    z: '[[E]]'"),
            ["A b", "C", "E"]
        );
        assert_eq!(links("up: [[A, B], [C]]\nn: '[[#here]]'"), [""; 0]);
        assert_eq!(links(&format!("up: {}", "[".repeat(10_000))), [""; 0]);
    }
}
