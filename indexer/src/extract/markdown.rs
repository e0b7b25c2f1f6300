//! Markdown notes: headings, tags and links, with offsets into the source.
//!
//! Owns what Obsidian's flavour adds to standard Markdown. The text of a note is its source, so that a
//! citation's span is a span in the file; nothing is rendered. Front matter is read by its own
//! module.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};

use super::front_matter::{self, clean_tag, link_target};
use super::{Extracted, Heading, Limits, Rejection, cut, push_once, text};

/// Reads a note.
pub(super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let decoded = text::decode(bytes).ok_or_else(|| Rejection::skipped("binary file"))?;
    let mut text = decoded.text.into_owned();
    let notice = cut(&mut text, limits.max_text_bytes);
    let matter = front_matter::parse(&text);
    let mut note = Extracted {
        title: matter.title,
        properties: matter.properties,
        body: matter.end..text.len(),
        tags: matter.tags,
        aliases: matter.aliases,
        links: matter.links,
        source_is_text: decoded.exact,
        extractor: "markdown".into(),
        notice,
        ..Extracted::default()
    };
    Reader::new(&text, &mut note).run();
    note.take_title_from_heading();
    note.text = text;
    Ok(note)
}

/// One pass over the body's Markdown events.
struct Reader<'a> {
    source: &'a str,
    note: &'a mut Extracted,
    /// Quotes, lists and footnotes around the current event: a heading in one is no section.
    containers: usize,
    in_code: bool,
    in_heading: bool,
    /// The run of ordinary text being read. Markdown splits text at every character that could
    /// have been markup, so `#some_tag` arrives in three pieces.
    run: Range<usize>,
}

impl<'a> Reader<'a> {
    fn new(source: &'a str, note: &'a mut Extracted) -> Self {
        let run = note.body.start..note.body.start;
        Self {
            source,
            note,
            containers: 0,
            in_code: false,
            in_heading: false,
            run,
        }
    }

    fn run(mut self) {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_HEADING_ATTRIBUTES
            | Options::ENABLE_WIKILINKS;
        let start = self.note.body.start;
        let parser = Parser::new_ext(&self.source[start..], options);
        for (event, range) in parser.into_offset_iter() {
            self.read(event, range.start + start..range.end + start);
        }
        self.end_run();
    }

    fn read(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.open(tag, range.start),
            Event::End(tag) => self.close(tag),
            Event::Text(text) if !self.in_code => {
                self.add_heading_text(&text);
                if self.run.end != range.start {
                    self.end_run();
                    self.run.start = range.start;
                }
                self.run.end = range.end;
            }
            Event::Code(code) => self.add_heading_text(&code),
            Event::SoftBreak | Event::HardBreak => self.add_heading_text(" "),
            _ => {}
        }
    }

    fn open(&mut self, tag: Tag<'_>, start: usize) {
        match tag {
            Tag::Heading { level, .. } if self.containers == 0 => {
                let start = line_start(self.source, start);
                self.note.headings.push(Heading {
                    start,
                    level: level as u8,
                    text: String::new(),
                });
                self.in_heading = true;
            }
            Tag::CodeBlock(_) => self.in_code = true,
            Tag::BlockQuote(_) | Tag::List(_) | Tag::FootnoteDefinition(_) => self.containers += 1,
            Tag::Link {
                link_type: LinkType::WikiLink { .. },
                dest_url,
                ..
            }
            | Tag::Image {
                link_type: LinkType::WikiLink { .. },
                dest_url,
                ..
            } => {
                push_once(&mut self.note.links, link_target(&dest_url));
            }
            _ => {}
        }
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) if self.in_heading => {
                self.in_heading = false;
                if let Some(heading) = self.note.headings.last_mut() {
                    heading.text = heading.text.trim().to_owned();
                }
            }
            TagEnd::CodeBlock => self.in_code = false,
            TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::FootnoteDefinition => {
                self.containers -= 1;
            }
            _ => {}
        }
    }

    fn add_heading_text(&mut self, text: &str) {
        if self.in_heading
            && let Some(heading) = self.note.headings.last_mut()
        {
            heading.text.push_str(text);
        }
    }

    fn end_run(&mut self) {
        inline_tags(self.source, self.run.clone(), &mut self.note.tags);
    }
}

/// The start of the line that `position` is on, if only white space lies between.
pub(super) fn line_start(text: &str, position: usize) -> usize {
    let start = text[..position]
        .rfind('\n')
        .map_or(0, |newline| newline + 1);
    if text[start..position].trim().is_empty() {
        start
    } else {
        position
    }
}

/// Adds the `#tags` within `run`. A tag stands at a word's start and has a character that is not a
/// digit, which keeps out `page.html#top`, `#42` and `C#`.
fn inline_tags(source: &str, run: Range<usize>, tags: &mut Vec<String>) {
    let text = &source[run.clone()];
    for (offset, _) in text.match_indices('#') {
        let before = source[..run.start + offset].chars().next_back();
        if !before.is_none_or(|c| c.is_whitespace() || c == '(') {
            continue;
        }
        let rest = &text[offset + 1..];
        let length = rest.find(|c| !is_tag_character(c)).unwrap_or(rest.len());
        let tag = clean_tag(&rest[..length]);
        if tag.chars().any(|c| !c.is_ascii_digit()) {
            push_once(tags, tag);
        }
    }
}

/// Letters, digits and a few marks; and whatever is neither punctuation nor space beyond ASCII:
/// pictures and the vowel signs of many scripts.
fn is_tag_character(c: char) -> bool {
    let punctuation = matches!(
        c,
        '\u{a0}'..='\u{bf}'
            | '\u{2000}'..='\u{200c}'
            | '\u{200e}'..='\u{206f}'
            | '\u{2190}'..='\u{22ff}'
            | '\u{2e00}'..='\u{2e7f}'
            | '\u{3000}'..='\u{303f}'
            | '\u{ff00}'..='\u{ff0f}'
            | '\u{ff1a}'..='\u{ff20}'
            | '\u{ff3b}'..='\u{ff65}'
    );
    c.is_alphanumeric()
        || matches!(c, '_' | '-' | '/')
        || !(c.is_ascii() || c.is_control() || c.is_whitespace() || punctuation)
}

#[cfg(test)]
mod tests {
    use super::super::{Extracted, Limits};
    use expect_test::{Expect, expect};

    fn read(source: &str) -> Extracted {
        super::extract(source.as_bytes(), &Limits::new("unused".into())).expect("text")
    }

    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "expectations are written in place"
    )]
    fn check_headings(source: &str, expected: Expect) {
        let note = read(source);
        let lines: Vec<String> = note
            .headings
            .iter()
            .map(|h| {
                let line = note.text[h.start..].lines().next().unwrap_or_default();
                format!("{} {:?} at {line:?}", h.level, h.text)
            })
            .collect();
        expected.assert_eq(&format!("{:?}\n{}", note.title, lines.join("\n")));
    }

    #[test]
    fn headings_of_both_kinds_with_their_lines() {
        check_headings(
            "intro\n\n# One *two* `three`\ntext\n\nSetext\n------\n\n  ### Indented ##\n",
            expect![[r##"
                Some("One two three")
                1 "One two three" at "# One *two* `three`"
                2 "Setext" at "Setext"
                3 "Indented" at "  ### Indented ##""##]],
        );
    }

    #[test]
    fn headings_in_code_quotes_and_lists_are_no_sections() {
        check_headings(
            "```sh\n# comment\n```\n\n> # Quoted\n\n- # Item\n\n    # indented code\n\n## Real\n",
            expect![[r###"
                None
                2 "Real" at "## Real""###]],
        );
    }

    #[test]
    fn offsets_count_the_front_matter() {
        let source = "---\ntitle: Über\n---\n# Heading\n\ntext";
        let note = read(source);
        assert_eq!(note.title.as_deref(), Some("Über"));
        assert_eq!(note.text, source);
        assert!(note.source_is_text);
        assert!(note.text[note.body.clone()].starts_with("# Heading"));
        assert!(note.text[note.headings[0].start..].starts_with("# Heading"));
    }

    #[test]
    fn a_mark_is_dropped_and_the_text_is_no_longer_the_file() {
        let note = read("\u{feff}---\ntitle: A\n---\n# B\n");
        assert_eq!(note.title.as_deref(), Some("A"));
        assert!(!note.source_is_text);
    }

    #[test]
    fn tags_are_found_where_obsidian_finds_them() {
        let note = read(concat!(
            "---\ntags: [kept]\n---\n# Heading #in-heading\n",
            "A #some_tag and #nested/child, (#bracketed) #kept #1234 #2024-plan #日本.\n",
            "\\#escaped C# a#b https://example.org/#top [link](x.md#part) [#x](y)\n",
            "`#code`\n\n```\n#fenced\n```\n- item #item\n#line-start\n",
        ));
        assert_eq!(
            note.tags,
            [
                "kept",
                "in-heading",
                "some_tag",
                "nested/child",
                "bracketed",
                "2024-plan",
                "日本",
                "item",
                "line-start"
            ]
        );
    }

    #[test]
    fn links_lose_heading_and_display_text() {
        let note = read(concat!(
            "[[Plan]] and [[Plan#Goals|our goals]], ![[photo.png]], [[Folder/Other note]]\n\n",
            "`[[code]]` [ordinary](other.md) [[#Same note]]\n\n| a |\n|---|\n| [[Cell\\|shown]] |\n",
        ));
        assert_eq!(
            note.links,
            ["Plan", "photo.png", "Folder/Other note", "Cell"]
        );
    }

    #[test]
    fn what_obsidian_adds_stays_in_the_text_and_gives_its_links() {
        let source = concat!(
            "---\nup: \"[[Index#Top|up]]\"\nrelated:\n  - \"[[Plan]]\"\n  - [[Bare]]\n---\n",
            "# The [[Pier|old pier]]\n\n",
            "> [!note]- Title with #callout\n> The [[Storm#1932|great storm]].\n> > [!tip]\n> > ## No section\n\n",
            "![[Costs#Wood|what it cost]] ![[crane.png|300]] ![[song.mp3#t=30]]\n\n",
            "keeper:: [[Agnes]], built [year:: 1932] ^block-id\n",
            "See [[Plan#^block-id]] and [[^other]]. %%a comment about [[Secret]]%%\n\n",
            "- [ ] task [due:: 2024-03-05] [[Folder/Sub note.md]]\n\n",
            "```dataview\nLIST FROM #query AND [[Not this]]\n```\n",
            "| a |\n|---|\n| ![[In table\\|100]] |\n",
        );
        let note = read(source);
        assert_eq!(note.text, source);
        assert_eq!(
            note.links,
            [
                "Index",
                "Plan",
                "Bare",
                "Pier",
                "Storm",
                "Costs",
                "crane.png",
                "song.mp3",
                "Agnes",
                "Secret",
                "Folder/Sub note.md",
                "In table"
            ]
        );
        assert_eq!(note.tags, ["callout"]);
        let headings: Vec<&str> = note.headings.iter().map(|h| h.text.as_str()).collect();
        assert_eq!(headings, ["The old pier"]);
    }

    #[test]
    fn tags_have_pictures_and_vowel_signs() {
        let note = read("#📖/read #हिन्दी, #naïve— #日本語。 #a→b #️⃣ #‘x’ #1984年");
        assert_eq!(
            note.tags,
            [
                "📖/read",
                "हिन्दी",
                "naïve",
                "日本語",
                "a",
                "\u{fe0f}\u{20e3}",
                "1984年"
            ]
        );
    }

    #[test]
    fn hostile_notes_are_harmless() {
        let source =
            "---\nup: \"[[a\"\n---\n# [[é|#ž]]\n> [!x] ![[b#c|d]]\n%%\n#t ^i\n|[[a\\|b]]|\n|---|\n";
        for end in 0..source.len() {
            let limits = Limits::new("unused".into());
            let _ = super::extract(&source.as_bytes()[..end], &limits);
            let mut spoilt = source.as_bytes().to_vec();
            spoilt[end] = 0xff;
            let _ = super::extract(&spoilt, &limits);
        }
        for piece in ["[[", "![[a|", "> ", "[[a]]", "#a", "- ", "%%", "`"] {
            let note = read(&piece.repeat(20_000));
            assert!(note.links.len() < 2 && note.tags.len() < 2);
        }
    }
}
