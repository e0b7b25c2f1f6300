//! What a note says of itself at its top: its extent, and the title, tags, aliases and links in it.
//!
//! Owns every shape in which Obsidian, Logseq and static site generators write those: YAML, also such as a person
//! writes it, TOML, and lines of `key:: value`. It knows no Markdown but wiki links. Called by the Markdown reader.

use std::ops::Range;

use serde_norway::{Mapping, Value};

use super::push_once;

/// Notes open with a few lines of YAML, not with books of it; the parser is not for hostile input.
const MAX_BYTES: usize = 64 * 1024;

/// Properties that a page of Logseq begins with.
const MOST_LINES: usize = 100;

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

/// Reads the front matter of `text`. A block that says nothing by name is part of the body: a note may open with a
/// horizontal rule. Lines of `key:: value` are part of the body, too.
pub(super) fn parse(text: &str) -> FrontMatter {
    if let Some((toml, end)) = block(text, "+++", &["+++"]) {
        return match toml::from_str(toml) {
            Ok(Value::Mapping(fields)) => of(text, toml, end, &fields),
            _ => FrontMatter::default(),
        };
    }
    let Some((yaml, end)) = block(text, "---", &["---", "..."]) else {
        return read(&logseq(text));
    };
    match serde_norway::from_str(yaml) {
        Ok(Value::Mapping(fields)) => of(text, yaml, end, &fields),
        Ok(Value::Null) => FrontMatter {
            end,
            ..FrontMatter::default()
        },
        Ok(_) => FrontMatter::default(),
        Err(_) => match by_line(yaml) {
            Some(fields) => of(text, yaml, end, &fields),
            None => FrontMatter::default(),
        },
    }
}

/// The front matter in this block of a note.
fn of(text: &str, block: &str, end: usize, fields: &Mapping) -> FrontMatter {
    FrontMatter {
        end,
        properties: if fields.iter().any(is_property) {
            let start = block.as_ptr() as usize - text.as_ptr() as usize;
            start..start + block.trim_end().len()
        } else {
            0..0
        },
        ..read(fields)
    }
}

/// The text between the first line and the next one that closes it, and where the body starts.
fn block<'a>(text: &'a str, opening: &str, closing: &[&str]) -> Option<(&'a str, usize)> {
    let mut lines = text.split_inclusive('\n');
    let opening = lines.next().filter(|line| line.trim_end() == opening)?;
    let start = opening.len();
    let mut end = start;
    for line in lines {
        if closing.contains(&line.trim_end()) {
            return Some((&text[start..end], end + line.len()));
        }
        end += line.len();
        if end > MAX_BYTES {
            return None;
        }
    }
    None
}

/// The fields of a block that is not quite YAML, as those with a colon in a title are not: each line by itself. `None`
/// where a line is neither a field nor part of one.
fn by_line(yaml: &str) -> Option<Mapping> {
    let mut fields = Mapping::new();
    let mut last: Option<Value> = None;
    for line in yaml.lines().filter(|line| !line.trim().is_empty()) {
        if line.starts_with('#') {
            continue;
        }
        if let Some(item) = line.trim_start().strip_prefix("- ") {
            let list = fields.get_mut(last.as_ref()?)?;
            match list {
                Value::Sequence(items) => items.push(Value::String(unquoted(item))),
                _ => *list = Value::Sequence(vec![Value::String(unquoted(item))]),
            }
        } else if !line.starts_with([' ', '\t']) {
            let (key, value) = line.split_once(':')?;
            let is_key = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-');
            if !key.chars().all(is_key) || !(value.is_empty() || value.starts_with([' ', '\t'])) {
                return None;
            }
            let key = Value::String(key.trim().to_owned());
            let own: Option<Value> = serde_norway::from_str(value).ok();
            let own = own.filter(|own| !matches!(own, Value::Mapping(_)));
            fields.insert(
                key.clone(),
                own.unwrap_or_else(|| Value::String(unquoted(value))),
            );
            last = Some(key);
        }
    }
    (!fields.is_empty()).then_some(fields)
}

/// A value without the marks around it, which may not be in pairs.
fn unquoted(value: &str) -> String {
    let marks = ['"', '\'', '[', ']'];
    value.trim().trim_matches(marks).trim().to_owned()
}

/// What a page of Logseq says of itself in its first lines.
fn logseq(text: &str) -> Mapping {
    let mut fields = Mapping::new();
    for line in text.trim_start_matches('\u{feff}').lines().take(MOST_LINES) {
        let line = line.trim();
        let line = line.strip_prefix("- ").unwrap_or(line);
        let Some((key, value)) = line.split_once(":: ") else {
            break;
        };
        if !key
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
        {
            break;
        }
        let values = value
            .split(',')
            .map(str::trim)
            .filter(|value| !value.is_empty());
        // A tag or another name may be written as a link.
        let values = values.map(|value| {
            let name = value.trim_start_matches('#');
            let name = name
                .strip_prefix("[[")
                .and_then(|name| name.strip_suffix("]]"));
            Value::String(name.unwrap_or(value).to_owned())
        });
        let value = match key.to_lowercase().as_str() {
            "title" => Value::String(value.to_owned()),
            _ => Value::Sequence(values.collect()),
        };
        fields.insert(Value::String(key.to_owned()), value);
    }
    fields
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
    fn what_is_not_quite_yaml_is_read_line_by_line() {
        check(
            "---\ntitle: Bad: yaml: here\ntags: [a, b\naliases:\n  - One: two\n  - 'Three'\n# note\n---\nBody",
            expect![[r#""Body" Some("Bad: yaml: here") ["a", "b"] ["One: two", "Three"]"#]],
        );
        check(
            "---\ntitle: [unclosed\n---\nBody",
            expect![[r#""Body" Some("unclosed") [] []"#]],
        );
    }

    #[test]
    fn toml_and_lines_of_logseq() {
        let text = "+++\ntitle = \"Bees\"\ndate = 2022-02-03T00:00:00Z\ntags = [\"hugo\", \"a/b\"]\n[params]\nauthor = \"Ottilie\"\n+++\nBody";
        check(text, expect![[r#""Body" Some("Bees") ["hugo", "a/b"] []"#]]);
        assert!(text[parse(text).properties].ends_with("author = \"Ottilie\""));
        check(
            "alias:: Water lifter, [[Hebewerk]]\ntags:: machines, #pumps, [[farm tools]]\ntype:: pump\n\n- title:: no",
            expect![[
                r#""alias:: Water lifter, [[Hebewerk]]\ntags:: machines, #pumps, [[farm tools]]\ntype:: pump\n\n- title:: no" None ["machines", "pumps", "farm", "tools"] ["Water lifter", "Hebewerk"]"#
            ]],
        );
        check(
            "std::vec:: a\nfree text",
            expect![[r#""std::vec:: a\nfree text" None [] []"#]],
        );
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
            "---\nSee: http://x and more\nand this\n---\nBody",
            "+++\nplus\n+++\nBody",
            "+++\na = 1",
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
