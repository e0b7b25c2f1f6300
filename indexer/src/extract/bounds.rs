//! What is taken of a reader's answer: no field is longer and no list has more than a person's document needs, and
//! every offset lies in the text.
//!
//! A reader is a process that a hostile file may have taken over, and what it says is repeated with every chunk. So
//! this is the one place where its answers come in, and nothing of them is believed. It knows no formats.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::{Extracted, Frame, Rejection, cut};

/// Nobody has this many tags, other names or links in one document by hand.
pub(super) const LISTED: usize = 1000;
/// Headings that divide a document; those that follow are text like any other.
pub(super) const HEADINGS: usize = 100_000;
/// Pages that are told apart.
pub(super) const PAGES: usize = 50_000;

/// Nobody's title or heading is longer (bytes); of a longer one this much is kept,
const TITLE: usize = 300;
/// longer tags and names are none, and neither are longer links.
const NAME: usize = 200;
const LINK: usize = 1000;
/// All tags of a document together, all its other names, all its links.
const TAGS: usize = 8 << 10;
const ALIASES: usize = 4 << 10;
const LINKS: usize = 64 << 10;
/// What a reader says of itself and of a file.
const READER: usize = 64;
const REMARK: usize = 1000;

/// Bytes that a frame takes besides its text, about.
const FRAME: usize = 64;
/// Frames that may come for one file: pages, twice where they are looked at again, and some remarks.
const FRAMES: usize = 1 << 20;

/// Makes a document of an answer that is within bounds.
pub(super) fn bound(extracted: &mut Extracted, max_text_bytes: usize) -> Result<(), Rejection> {
    let notice = cut(&mut extracted.text, max_text_bytes);
    extracted.notice = extracted.notice.take().or(notice);
    let text = extracted.text.as_str();
    let body = &mut extracted.body;
    body.end = body.end.min(text.len());
    if text.get(body.clone()).is_none() {
        return Err(Rejection::failed("its text could not be read"));
    }
    let properties = extracted.properties.clone();
    if properties.end > body.start || text.get(properties).is_none() {
        extracted.properties = 0..0;
    }
    extracted
        .headings
        .retain(|heading| text.is_char_boundary(heading.start));
    extracted.headings.sort_by_key(|heading| heading.start);
    extracted.headings.truncate(HEADINGS);
    for heading in &mut extracted.headings {
        heading.level = heading.level.clamp(1, 6);
        shorten(&mut heading.text, TITLE);
    }
    extracted
        .pages
        .retain(|page| text.get(page.start..page.end).is_some());
    extracted.pages.sort_by_key(|page| page.start);
    extracted.pages.truncate(PAGES);
    if let Some(title) = &mut extracted.title {
        shorten(title, TITLE);
    }
    let lists = [
        (&mut extracted.tags, NAME, TAGS),
        (&mut extracted.aliases, NAME, ALIASES),
        (&mut extracted.links, LINK, LINKS),
    ];
    let mut left_out = 0;
    for (list, each, all) in lists {
        let before = list.len();
        list.truncate(LISTED);
        list.retain(|value| value.len() <= each);
        keep_first(list, all);
        left_out += before - list.len();
    }
    if left_out > 0 {
        let notice = "tags, names or links that are too long or too many were left out";
        extracted.notice.get_or_insert_with(|| notice.to_owned());
    }
    if let Some(notice) = &mut extracted.notice {
        shorten(notice, REMARK);
    }
    if extracted.extractor.len() > READER {
        shorten(extracted.extractor.to_mut(), READER);
    }
    Ok(())
}

/// A rejection in a reader's words, within bounds.
pub(super) fn bound_rejection(mut rejection: Rejection) -> Rejection {
    let (Rejection::Skipped(reason)
    | Rejection::NeedsOcr(reason)
    | Rejection::Failed(reason)
    | Rejection::Hindered(reason)) = &mut rejection;
    shorten(reason, REMARK);
    rejection
}

/// The first values that take no more than `bytes` together.
pub(crate) fn keep_first(list: &mut Vec<String>, bytes: usize) {
    let mut left = bytes;
    let fit = list.iter().take_while(|value| {
        let fits = value.len() <= left;
        left = left.saturating_sub(value.len());
        fits
    });
    let fit = fit.count();
    list.truncate(fit);
}

/// Counts what a reader sends for one file.
#[derive(Default)]
pub(super) struct Received {
    bytes: usize,
    frames: usize,
}

impl Received {
    /// Whether it is still within bounds with this frame.
    pub(super) fn admits(&mut self, frame: &Frame, max_text_bytes: usize) -> bool {
        let text = match frame {
            Frame::Document(document) => document.text.len(),
            Frame::Page(page) => page.text.len(),
            _ => 0,
        };
        self.bytes = self.bytes.saturating_add(text + FRAME);
        self.frames += 1;
        // Pages are cut to the limit once all are there, and each may come twice.
        let most = max_text_bytes
            .saturating_mul(4)
            .saturating_add(FRAMES * FRAME);
        self.frames <= FRAMES && self.bytes <= most
    }
}

fn shorten(text: &mut String, bytes: usize) {
    text.truncate(text.floor_char_boundary(bytes));
    if text.capacity() > 2 * bytes {
        text.shrink_to_fit();
    }
}

/// Reads the first `MOST` values of a list, and passes over the others without keeping them.
pub(super) fn list<'de, D, T, const MOST: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_seq(First::<T, MOST>(PhantomData))
}

struct First<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for First<T, MOST> {
    type Value = Vec<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while list.len() < MOST {
            match values.next_element()? {
                Some(value) => list.push(value),
                None => return Ok(list),
            }
        }
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::super::child::PageRead;
    use super::super::{Heading, Page};
    use super::*;

    /// An answer with more than enough of everything.
    fn too_much() -> Extracted {
        let long = "é".repeat(1 << 20);
        let many = |name: &str| -> Vec<String> {
            let many = (0..5000).map(|number| format!("{name}{number:050}"));
            [long.clone()].into_iter().chain(many).collect()
        };
        let text = "é heron".repeat(100);
        let starts = (0..2 * HEADINGS).map(|number| (number * 7) % (2 * text.len()));
        let headings = starts.clone().map(|start| Heading {
            start,
            level: u8::try_from(start % 256).expect("small"),
            text: if start == 0 {
                long.clone()
            } else {
                String::new()
            },
        });
        let pages = starts.map(|start| Page {
            number: 1,
            start,
            end: (start * 3) % text.len(),
        });
        Extracted {
            title: Some(long.clone()),
            body: 0..usize::MAX,
            headings: headings.collect(),
            pages: pages.collect(),
            tags: many("tag"),
            aliases: many("alias"),
            links: many("link"),
            extractor: long.clone().into(),
            notice: Some(long),
            text,
            ..Extracted::default()
        }
    }

    #[test]
    fn nothing_that_is_repeated_is_long() {
        let mut extracted = too_much();
        bound(&mut extracted, 1 << 20).expect("a document");
        let sum = |list: &[String]| list.iter().map(String::len).sum::<usize>();
        assert!(sum(&extracted.tags) <= TAGS && extracted.tags.len() > 100);
        assert!(sum(&extracted.aliases) <= ALIASES && extracted.aliases.len() > 50);
        assert!(sum(&extracted.links) <= LINKS && extracted.links.len() > 500);
        assert_eq!(extracted.title.map(|title| title.len()), Some(TITLE));
        assert!(extracted.extractor.len() <= READER);
        assert!(
            extracted
                .notice
                .is_some_and(|notice| notice.len() <= REMARK)
        );
        assert!(
            extracted
                .headings
                .iter()
                .all(|heading| heading.text.len() <= TITLE)
        );
        assert!(extracted.headings.len() <= HEADINGS && extracted.pages.len() <= PAGES);
    }

    #[test]
    fn every_offset_lies_in_the_text() {
        let mut extracted = too_much();
        // Shorter than what the reader said of it.
        bound(&mut extracted, 99).expect("a document");
        let text = &extracted.text;
        assert!(text.len() <= 99);
        assert_eq!(extracted.body, 0..text.len());
        assert!(!extracted.headings.is_empty() && !extracted.pages.is_empty());
        assert!(
            extracted
                .headings
                .iter()
                .all(|heading| text.get(heading.start..).is_some())
        );
        assert!(
            extracted
                .headings
                .iter()
                .all(|heading| (1..=6).contains(&heading.level))
        );
        assert!(extracted.headings.is_sorted_by_key(|heading| heading.start));
        assert!(
            extracted
                .pages
                .iter()
                .all(|page| text.get(page.start..page.end).is_some())
        );

        let mut beyond = Extracted {
            text: "é".to_owned(),
            body: 1..2,
            ..Extracted::default()
        };
        assert!(bound(&mut beyond, 99).is_err());
    }

    #[test]
    fn usual_tags_stay_and_a_lost_one_is_said() {
        let tags = ["a", "project/alpha", "ñandú"].map(str::to_owned).to_vec();
        let mut extracted = Extracted {
            tags: tags.clone(),
            ..Extracted::default()
        };
        bound(&mut extracted, 99).expect("a document");
        assert_eq!((&extracted.tags, extracted.notice), (&tags, None));
        let mut extracted = Extracted {
            tags: [vec!["b".repeat(1 << 20)], tags.clone()].concat(),
            ..Extracted::default()
        };
        bound(&mut extracted, 99).expect("a document");
        assert_eq!(extracted.tags, tags);
        assert!(
            extracted
                .notice
                .is_some_and(|notice| notice.contains("left out"))
        );
    }

    #[test]
    fn of_an_answer_without_end_the_beginning_is_kept() {
        let json = serde_json::json!({
            "title": null, "text": "x", "body": { "start": 0, "end": 1 }, "headings": [], "pages": [],
            "tags": vec!["t"; 3 * LISTED], "aliases": [], "links": [], "source_is_text": true,
            "extractor": "x", "unread_images": false, "notice": null,
        });
        let extracted: Extracted = serde_json::from_value(json).expect("an answer");
        assert_eq!(extracted.tags.len(), LISTED);

        let page = Frame::Page(PageRead {
            text: "x".repeat(1 << 20),
            ..PageRead::default()
        });
        let mut received = Received::default();
        let taken = (0..1000)
            .take_while(|_| received.admits(&page, 1 << 20))
            .count();
        assert!((4..100).contains(&taken), "{taken}");
    }
}
