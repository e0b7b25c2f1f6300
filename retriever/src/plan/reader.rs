//! Reads the filters of a question, one after the other.

use std::ops::Range;

use super::About;
use super::asked::Asked;
use super::compare;
use super::file_type::FileType;
use super::filters::{Dating, Filters, Name};
use super::period;
use super::phrases::{
    ARTICLES, BUT_NOT, IN, IN_TITLE, LANGUAGES, LINK, MENTION, TAGGED, TITLED, TRAILING, UNTAGGED,
    WEAK_MENTION, WITH,
};
use super::statement;
use crate::calendar::Date;
use crate::fold::{same, words};
use crate::meaning::Family;

const FOLDER_WORD: &str =
    "folder|directory|subfolder|folder called|carpeta|directorio|subcarpeta|carpeta llamada";

/// The filters of a question, as they are read.
pub(super) struct Reader<'a> {
    pub asked: &'a Asked<'a>,
    pub about: &'a About,
    pub today: Date,
    pub filters: Filters,
    /// Where the word for documents ends.
    pub noun_end: usize,
    /// What the documents have may be said by a statement, too.
    pub may_state: bool,
}

impl Reader<'_> {
    /// Reads the filter that is said from this word on; its words, or none where there is no filter.
    pub(super) fn read(&mut self, at: usize) -> Option<usize> {
        self.untagged(at)
            .or_else(|| self.tag(at))
            .or_else(|| self.title(at))
            .or_else(|| self.comparison(at))
            .or_else(|| self.period(at))
            .or_else(|| self.file_type(at))
            .or_else(|| self.language(at))
            .or_else(|| self.folder(at))
            .or_else(|| self.link(at))
            .or_else(|| self.mention(at))
            .or_else(|| self.sender(at))
    }

    /// Reads a filter that is named outright, for a question that is about something else.
    pub(super) fn hint(&mut self, at: usize) -> Option<usize> {
        let inside = self.asked.any(at, IN);
        let names_folder = inside.is_some_and(|length| {
            let name = at + length;
            let behind = (name + 1..name + 4).any(|end| self.asked.any(end, FOLDER_WORD).is_some());
            self.asked.any(name, FOLDER_WORD).is_some() || behind
        });
        let tag = self.tag(at);
        tag.or_else(|| names_folder.then(|| self.folder(at)).flatten())
            .or_else(|| self.period(at))
    }

    fn untagged(&mut self, at: usize) -> Option<usize> {
        let length = self.asked.any(at, UNTAGGED)?;
        self.filters.untagged = true;
        Some(length)
    }

    fn tag(&mut self, at: usize) -> Option<usize> {
        let is_hash = self.is_hashed(at);
        let lead = match self.asked.any(at, TAGGED) {
            Some(length) => length,
            None if is_hash => 0,
            None => return None,
        };
        let start = at + lead;
        let start = self.asked.past(start, "the|la|as|como");
        let (name, length) = self.known_tag(start).or_else(|| self.unknown(start))?;
        self.filters.tags.push(name);
        let mut end = start + length;
        // "Bees and mobile", "#bees or #mobile".
        while let Some(joint) = self.asked.any(end, "and|or|y|o")
            && let Some((name, length)) = self.known_tag(end + joint)
        {
            self.filters.any_tag |= matches!(self.asked.word(end), "or" | "o");
            self.filters.tags.push(name);
            end += joint + length;
        }
        Some(end - at)
    }

    fn is_hashed(&self, at: usize) -> bool {
        let word = self.asked.words.get(at);
        word.is_some_and(|word| self.asked.text[..word.span.start].ends_with('#'))
    }

    fn known_tag(&self, at: usize) -> Option<(Name, usize)> {
        let tags = self.about.tags.iter().flat_map(|tag| {
            // A tag is there with those that it is nested in.
            let ends = tag.match_indices('/').map(|(end, _)| end);
            ends.chain([tag.len()]).map(|end| &tag[..end])
        });
        longest(self.asked, at, tags).or_else(|| self.end_of_tag(at))
    }

    /// A nested tag by its end alone: "harbour" for `project/harbour`, where no other ends so.
    fn end_of_tag(&self, at: usize) -> Option<(Name, usize)> {
        let ends = self.about.tags.iter().flat_map(|tag| {
            let starts = tag.match_indices('/').map(|(start, _)| start + 1);
            starts.map(|start| &tag[start..])
        });
        let (end, length) = longest(self.asked, at, ends)?;
        let mut full = self.about.tags.iter().filter(|tag| {
            let rest = tag.strip_suffix(end.name.as_str());
            rest.is_some_and(|rest| rest.ends_with('/'))
        });
        let name = full.next()?.clone();
        full.next()
            .is_none()
            .then_some((Name { name, known: true }, length))
    }

    fn known_folder(&self, at: usize) -> Option<(Name, usize)> {
        let folders = self.about.folders.iter().flat_map(|folder| {
            let starts = folder.match_indices('/').map(|(at, _)| at + 1);
            starts.chain([0]).map(|start| &folder[start..])
        });
        longest(self.asked, at, folders.filter(|name| !name.is_empty()))
    }

    /// A name that the library does not have: up to the next filter.
    fn unknown(&self, at: usize) -> Option<(Name, usize)> {
        let end = self.end_of_words(at)?;
        let name = Name {
            name: self.asked.span(at..end).to_owned(),
            known: false,
        };
        Some((name, end - at))
    }

    fn folder(&mut self, at: usize) -> Option<usize> {
        let start = self.asked.past(at, IN);
        let word = self.asked.any(start, FOLDER_WORD);
        let is_named = start > at || word.is_some();
        let name = start + word.unwrap_or_default();
        let known = self.known_folder(name).filter(|_| is_named);
        if let Some((folder, length)) = known {
            self.filters.folders.push(folder);
            let end = self.asked.past(name + length, FOLDER_WORD);
            return Some(end - at);
        }
        if start > at
            && word.is_none()
            && let Some((tag, length)) = self.known_tag(start)
        {
            self.filters.tags.push(tag);
            return Some(start + length - at);
        }
        if word.is_some() {
            let (folder, length) = self.unknown(name)?;
            self.filters.folders.push(folder);
            return Some(name + length - at);
        }
        // "The archive folder": the name, then the word.
        let end = (start + 1..self.asked.len().min(start + 4))
            .find(|end| self.asked.any(*end, FOLDER_WORD).is_some())
            .filter(|_| start > at)?;
        self.filters.folders.push(Name {
            name: self.asked.span(start..end).to_owned(),
            known: false,
        });
        Some(end + 1 - at)
    }

    /// A tag or folder named as a word of its own: "bees notes", "projects".
    pub(super) fn known_name(&mut self, at: usize) -> Option<usize> {
        if let Some((tag, length)) = self.known_tag(at) {
            self.filters.tags.push(tag);
            return Some(length);
        }
        let (folder, length) = self.known_folder(at)?;
        self.filters.folders.push(folder);
        Some(length)
    }

    fn title(&mut self, at: usize) -> Option<usize> {
        if let Some(length) = self.asked.any(at, TITLED) {
            let start = at + length;
            let end = self.end_of_words(start)?;
            self.filters.title = Some(self.asked.span(start..end).to_owned());
            return Some(end - at);
        }
        let start = at + self.asked.any(at, WITH)?;
        let end =
            (start + 1..self.asked.len()).find(|end| self.asked.any(*end, IN_TITLE).is_some())?;
        let start = self.asked.past(start, "the word|la palabra");
        self.filters.title = Some(self.asked.span(start..end).to_owned());
        Some(self.asked.past(end, IN_TITLE) - at)
    }

    fn comparison(&mut self, at: usize) -> Option<usize> {
        let (comparison, length) = compare::comparison(self.asked, at)?;
        self.filters.amount = Some(comparison);
        Some(length)
    }

    pub(super) fn period(&mut self, at: usize) -> Option<usize> {
        let (period, length) = period::period(self.asked, at, self.today)?;
        let by = self
            .filters
            .period
            .map(|dating| dating.by)
            .unwrap_or_default();
        self.filters.period = Some(Dating { by, period });
        Some(length)
    }

    pub(super) fn file_type(&mut self, at: usize) -> Option<usize> {
        let start = self
            .asked
            .past(at, "in|as|of type|en|de|de tipo|en formato|in the format");
        let (kind, length) = FileType::adjective(self.asked, start)?;
        self.filters.file_type = Some(kind);
        let end = self.asked.past(start + length, "format|formato");
        Some(end - at)
    }

    pub(super) fn language(&mut self, at: usize) -> Option<usize> {
        let found = LANGUAGES
            .iter()
            .find_map(|(names, code)| Some((code, self.asked.any(at, names)?)));
        let (code, length) = found?;
        self.filters.language = Some(code);
        Some(length)
    }

    fn mention(&mut self, at: usize) -> Option<usize> {
        let asked = self.asked;
        let relative = ["that", "which", "que"];
        let is_behind = at == self.noun_end || relative.contains(&asked.word(at.wrapping_sub(1)));
        let has_parts = self.filters.category.is_some();
        let length = asked
            .any(at, MENTION)
            .or_else(|| asked.any(at, WEAK_MENTION).filter(|_| is_behind))
            .or_else(|| asked.any(at, "with|con").filter(|_| is_behind && has_parts))?;
        let start = at + length;
        let end = self.end_of_words(start)?;
        if self.may_state && self.is_stated(at, start..end) {
            return None;
        }
        let but = (start + 1..end)
            .find_map(|place| Some((place, asked.any(place, BUT_NOT)?)))
            .filter(|(place, length)| place + length < end);
        if let Some((place, length)) = but {
            let absent = asked.past(place + length, ARTICLES);
            self.filters.absent.push(asked.span(absent..end).to_owned());
            self.push_mentions(start, place);
        } else {
            self.push_mentions(start, end);
        }
        Some(end - at)
    }

    /// "Have been paid", "tienen un 2 de nota": what is had is no subject that is mentioned.
    fn is_stated(&self, at: usize, words: Range<usize>) -> bool {
        const HAVE: &str = "have|has|with|tienen|tiene|con|that have|que tienen";
        let asked = self.asked;
        let says = |at: usize| asked.amount(at).is_some() || Family::of(asked.word(at)).is_some();
        asked.any(at, HAVE).is_some()
            && (words.clone().any(says)
                || asked
                    .any(words.start, "been|not|no|never|yet to|not been|to be")
                    .is_some())
    }

    fn link(&mut self, at: usize) -> Option<usize> {
        let start = at + self.asked.any(at, LINK)?;
        let end = self.end_of_words(start)?;
        let name = self.asked.past(start, ARTICLES);
        self.filters
            .links
            .push(self.asked.span(name..end).to_owned());
        Some(end - at)
    }

    /// "Invoices from Acme", "facturas de Acme": a name is mentioned.
    fn sender(&mut self, at: usize) -> Option<usize> {
        let start = at + self.asked.any(at, "from|of|by|de|del")?;
        let mut end = start + statement::name(self.asked, start)?;
        let mut names = vec![self.asked.span(start..end).to_owned()];
        // One document comes from one of them.
        while let Some(joint) = self
            .asked
            .any(end, "and|or|y|e|o|u|and from|or from|y de|o de")
            && let Some(length) = statement::name(self.asked, end + joint)
        {
            names.push(
                self.asked
                    .span(end + joint..end + joint + length)
                    .to_owned(),
            );
            end += joint + length;
        }
        self.filters.any_mention |= names.len() > 1;
        self.filters.mentions.extend(names);
        Some(end - at)
    }

    /// Splits "Ana, Luis or Marta" into its parts.
    pub(super) fn push_mentions(&mut self, start: usize, end: usize) {
        let joints = ["or", "and", "o", "u", "y", "e"];
        let is_joint = |at: &usize| joints.contains(&self.asked.word(*at));
        let is_quoted = self.is_quoted(start, end);
        let mut from = start;
        let mut mentions = Vec::new();
        for joint in (start..end)
            .filter(|at| is_joint(at) && !is_quoted)
            .chain([end])
        {
            let from_word = self.asked.past(from, ARTICLES);
            let part = self.asked.span(from_word.min(joint)..joint);
            let parts = part
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty());
            mentions.extend(parts.map(|part| {
                part.trim_matches(['"', '“', '”', '«', '»', '\''])
                    .to_owned()
            }));
            from = joint + 1;
        }
        let is_any = |at: usize| matches!(self.asked.word(at), "or" | "o" | "u");
        self.filters.any_mention = !is_quoted && (start..end).any(is_any);
        self.filters.mentions.extend(mentions);
    }

    fn is_quoted(&self, start: usize, end: usize) -> bool {
        let (Some(first), Some(last)) =
            (self.asked.words.get(start), self.asked.words.get(end - 1))
        else {
            return false;
        };
        let text = self.asked.text;
        text[..first.span.start].ends_with(['"', '“', '«', '\'', '‘'])
            && text[last.span.end..].starts_with(['"', '”', '»', '\'', '’'])
    }

    /// Where free words that begin here end: before the next filter, at least one word on.
    fn end_of_words(&self, start: usize) -> Option<usize> {
        if start >= self.asked.len() {
            return None;
        }
        let first = self.asked.past(start, ARTICLES) + 1;
        let end = (first..self.asked.len()).find(|at| self.begins_filter(*at));
        Some(end.unwrap_or(self.asked.len()))
    }

    fn begins_filter(&self, at: usize) -> bool {
        let asked = self.asked;
        let joined = asked.past(at, "and|y|that|que|and that|y que|and are|y son|y estan");
        let ends = asked
            .any(at, TRAILING)
            .is_some_and(|length| at + length == asked.len());
        let inside = asked.any(joined, IN).is_some_and(|length| {
            let name = joined + length;
            let word = asked.any(name, FOLDER_WORD);
            let name = name + word.unwrap_or_default();
            word.is_some() || self.known_folder(name).is_some()
        });
        let changed = super::parse::verb(asked, joined).is_some_and(|(length, _)| {
            period::period(asked, joined + length, self.today).is_some()
        });
        ends || inside
            || changed
            || asked.any(joined, TAGGED).is_some()
            || asked.any(joined, UNTAGGED).is_some()
            || asked.any(joined, TITLED).is_some()
            || (joined > at && asked.any(joined, MENTION).is_some())
            || (self.may_state
                && joined > at
                && asked.any(joined, "have|has|tienen|tiene").is_some())
            || compare::comparison(asked, joined).is_some()
            || self.begins_period(joined)
    }

    /// A span of time behind free words ends them where a preposition says it or it is relative.
    fn begins_period(&self, at: usize) -> bool {
        let Some((_, length)) = period::period(self.asked, at, self.today) else {
            return false;
        };
        let is_article = matches!(
            self.asked.word(at),
            "of" | "de" | "del" | "la" | "el" | "the"
        );
        // "The minutes of March", "el lunes": part of what is mentioned, if more words follow.
        !is_article || at + length == self.asked.len()
    }
}

/// The longest of `names` whose words stand here.
fn longest<'n>(
    asked: &Asked<'_>,
    at: usize,
    names: impl Iterator<Item = &'n str>,
) -> Option<(Name, usize)> {
    let fitting = names.filter_map(|name| {
        let words = words(name);
        let stands = words
            .iter()
            .enumerate()
            .all(|(place, word)| same(&word.text, asked.word(at + place)));
        let exact = words
            .iter()
            .enumerate()
            .all(|(place, word)| word.text == asked.word(at + place));
        (stands && !words.is_empty()).then_some((words.len(), exact, name))
    });
    let (length, _, name) = fitting
        .max_by_key(|(length, exact, name)| (*length, *exact, std::cmp::Reverse(name.len())))?;
    let name = Name {
        name: name.to_owned(),
        known: true,
    };
    Some((name, length))
}
