//! Words that a document mentions, and documents that it links to.

use std::ops::Range;

use super::filter::{Evidence, cite, file_name, folded_words};
use super::{Entry, Part};
use crate::fold::{find, same, words};

/// Words that say nothing of a subject.
pub(super) const EMPTY: [&str; 28] = [
    "how", "what", "como", "que", "the", "a", "an", "of", "and", "or", "in", "on", "for", "to",
    "my", "el", "la", "los", "las", "un", "una", "de", "del", "y", "en", "mi", "mis", "al",
];

/// Where a wiki link to a document of this name stands: `[[Two hives#Queens|the hives]]`.
pub(super) fn linked(name: &[String], entry: &Entry, parts: &[Part]) -> Option<Evidence> {
    let target = |link: &str| {
        let path = link.split(['|', '#']).next().unwrap_or_default();
        folded_words(file_name(path.trim()))
    };
    parts.iter().find_map(|part| {
        let mut links = part.text.match_indices("[[").filter_map(|(start, _)| {
            let end = start + part.text[start..].find("]]")? + 2;
            Some(start..end)
        });
        let link = links.find(|link| target(&part.text[link.start + 2..link.end - 2]) == name)?;
        Some(Evidence::Place(cite(entry, part, &link)))
    })
}

/// What is to be mentioned.
pub(super) struct Mention {
    words: Vec<String>,
    /// A subject said in several words: "how to store seeds". All of them in one line will do.
    is_subject: bool,
}

impl Mention {
    pub(super) fn new(text: &str) -> Self {
        let words = folded_words(text);
        let is_name = text
            .split_whitespace()
            .all(|word| word.starts_with(char::is_uppercase));
        Self {
            is_subject: words.len() > 2 && !is_name,
            words,
        }
    }

    /// Where it stands in a text.
    fn find(&self, text: &str) -> Option<Range<usize>> {
        let said = words(text);
        if let Some(place) = find(&said, &self.words) {
            return Some(said[place.start].span.start..said[place.end - 1].span.end);
        }
        if !self.is_subject {
            return None;
        }
        let mut start = 0;
        text.split_inclusive('\n').find_map(|line| {
            let span = start..start + line.trim_end().len();
            start += line.len();
            let said = words(line);
            let has = |word: &String| said.iter().any(|other| same(&other.text, word));
            let mut wanted = self
                .words
                .iter()
                .filter(|word| !EMPTY.contains(&word.as_str()));
            wanted.all(has).then_some(span)
        })
    }
}

/// Where words stand: in the text, or in the title, file name or tags.
pub(super) fn mentioned(mention: &Mention, entry: &Entry, parts: &[Part]) -> Option<Evidence> {
    for part in parts {
        if let Some(span) = mention.find(&part.text) {
            return Some(Evidence::Place(cite(entry, part, &span)));
        }
    }
    let names = [entry.title.as_str(), file_name(&entry.path)].into_iter();
    let mut names = names.chain(entry.tags.iter().map(String::as_str));
    let in_tag = |tag: &String| {
        let said = words(tag);
        let has = |word: &String| said.iter().any(|other| same(&other.text, word));
        mention.words.iter().all(has)
    };
    // The words of a tag have no order: "the dunes project" is `project/dunes`.
    (names.any(|name| mention.find(name).is_some()) || entry.tags.iter().any(in_tag))
        .then_some(Evidence::Nothing)
}
