//! Operators: what somebody writes in a question to say where to look: `tag:`, `folder:`, `path:`, `type:`, `before:` and
//! `after:`, in English or Spanish; a minus before one leaves out what it means.
//!
//! What is none of these, or says what cannot be understood, is words: nothing is an error. Quotation marks and a minus
//! before a word are the index's. `read` and `Conditions::admit` are pure; called by searches and questions.

use std::ops::Range;

use crate::calendar::{Date, Period};
use crate::fold::{folded, plain};
use crate::library::{Entry, extension};
use crate::plan::FileType;
use crate::values::dates;

/// What can be written before the colon.
const NAMES: [(&str, Name); 14] = [
    ("tag", Name::Tag),
    ("etiqueta", Name::Tag),
    ("folder", Name::Folder),
    ("carpeta", Name::Folder),
    ("path", Name::Path),
    ("ruta", Name::Path),
    ("type", Name::Type),
    ("tipo", Name::Type),
    ("before", Name::Before),
    ("antes", Name::Before),
    ("hasta", Name::Before),
    ("after", Name::After),
    ("desde", Name::After),
    ("despues", Name::After),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Tag,
    Folder,
    Path,
    Type,
    Before,
    After,
}

/// A question without its operators, and what they say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Read {
    pub words: String,
    pub conditions: Conditions,
}

/// Which documents are meant: of several folders, paths or types one is enough, all else must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Conditions(Vec<Condition>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    is_left_out: bool,
    which: Which,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Which {
    /// The tag, or one nested in it.
    Tag(Vec<String>),
    /// Folders that follow each other.
    Folder(Vec<String>),
    /// A part of the path, folded.
    Path(String),
    Type(FileType),
    /// Without the dot.
    Extension(String),
    /// This day, or one before it.
    Before(Date),
    After(Date),
}

/// Takes the operators out of a question.
pub(crate) fn read(question: &str) -> Read {
    let mut read = Read::default();
    let mut at = 0;
    while at < question.len() {
        let rest = &question[at..];
        let is_start = question[..at]
            .chars()
            .next_back()
            .is_none_or(char::is_whitespace);
        if let Some((length, condition)) = operator(rest).filter(|_| is_start) {
            read.conditions.0.push(condition);
            at += length;
        } else {
            // What is quoted is a phrase, whatever it looks like.
            let length = match quoted(rest) {
                Some(inside) if is_start => inside.end + 1,
                _ => rest.chars().next().map_or(1, char::len_utf8),
            };
            read.words.push_str(&rest[..length]);
            at += length;
        }
    }
    read.words = read.words.split_whitespace().collect::<Vec<_>>().join(" ");
    read
}

/// The operator that a text begins with, and its length.
fn operator(text: &str) -> Option<(usize, Condition)> {
    let bare = text.strip_prefix('-').unwrap_or(text);
    let (name, rest) = bare.split_once(':')?;
    let is_it = |(known, _): &&(&str, Name)| plain(name) == *known;
    let (_, name) = NAMES.iter().find(is_it)?;
    let (value, length) = if let Some(inside) = quoted(rest) {
        (&rest[inside.clone()], inside.end + 1)
    } else {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        (&rest[..end], end)
    };
    let condition = Condition {
        is_left_out: bare.len() < text.len(),
        which: which(*name, value.trim())?,
    };
    Some((text.len() - rest.len() + length, condition))
}

/// What stands between the quotation marks that a text begins with.
fn quoted(text: &str) -> Option<Range<usize>> {
    let end = text.strip_prefix('"')?.find('"')?;
    Some(1..1 + end)
}

fn which(name: Name, value: &str) -> Option<Which> {
    let parts = |value: &str| -> Option<Vec<String>> {
        let parts = value.trim_matches(['/', '#']).split('/').map(folded);
        let parts: Vec<String> = parts.collect();
        parts.iter().all(|part| !part.is_empty()).then_some(parts)
    };
    Some(match name {
        Name::Tag => Which::Tag(parts(value)?),
        Name::Folder => Which::Folder(parts(value)?),
        Name::Path => Which::Path(Some(plain(value)).filter(|path| !path.is_empty())?),
        Name::Type => {
            if let Some(kind) = FileType::named(&folded(value)) {
                Which::Type(kind)
            } else {
                let extension = plain(value.trim_start_matches("*.").trim_start_matches('.'));
                let is_one = !extension.is_empty() && extension.chars().all(char::is_alphanumeric);
                Which::Extension(Some(extension).filter(|_| is_one)?)
            }
        }
        Name::Before => Which::Before(period(value)?.to?),
        Name::After => Which::After(period(value)?.from?),
    })
}

/// A day, month or year.
fn period(value: &str) -> Option<Period> {
    let year = value.parse::<i64>().ok().filter(|_| value.len() == 4);
    let dated = || dates(value).into_iter().next().map(|dated| dated.period);
    year.map(Period::year).or_else(dated)
}

impl Conditions {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the day of a document decides.
    pub(crate) fn ask_for_days(&self) -> bool {
        let is_day = |one: &Condition| matches!(one.which, Which::Before(_) | Which::After(_));
        self.0.iter().any(is_day)
    }

    /// Whether they let a document of this time through.
    pub(crate) fn admit(&self, entry: &Entry, period: Period) -> bool {
        let holds = |one: &&Condition| one.which.holds(entry, period);
        let left_out = self.0.iter().filter(|one| one.is_left_out);
        let asked = || self.0.iter().filter(|one| !one.is_left_out);
        let one_of = |is_kind: fn(&Which) -> bool| {
            let mut of_kind = asked().filter(|one| is_kind(&one.which)).peekable();
            of_kind.peek().is_none() || of_kind.any(|one| holds(&one))
        };
        !left_out.clone().any(|one| holds(&one))
            && one_of(|which| matches!(which, Which::Folder(_)))
            && one_of(|which| matches!(which, Which::Path(_)))
            && one_of(|which| matches!(which, Which::Type(_) | Which::Extension(_)))
            && asked()
                .filter(|one| {
                    matches!(
                        one.which,
                        Which::Tag(_) | Which::Before(_) | Which::After(_)
                    )
                })
                .all(|one| holds(&one))
    }
}

impl Which {
    fn holds(&self, entry: &Entry, period: Period) -> bool {
        let folded_parts = |path: &str| -> Vec<String> { path.split('/').map(folded).collect() };
        match self {
            Self::Tag(wanted) => {
                let mut tags = entry.tags.iter();
                tags.any(|tag| folded_parts(tag).starts_with(wanted))
            }
            Self::Folder(wanted) => {
                let folders: Vec<String> = entry.folders.iter().map(|name| folded(name)).collect();
                let mut found = folders.windows(wanted.len());
                found.any(|some| some == wanted)
                    || plain(&entry.path).starts_with(&format!("/{}/", wanted.join("/")))
            }
            Self::Path(wanted) if wanted.starts_with('/') => plain(&entry.path).starts_with(wanted),
            Self::Path(wanted) => {
                let file = entry.path.rsplit('/').next().unwrap_or_default();
                let below = entry.folders.iter().map(String::as_str).chain([file]);
                plain(&below.collect::<Vec<_>>().join("/")).contains(wanted)
            }
            Self::Type(kind) => kind.has_extension(&extension(&entry.path)),
            Self::Extension(wanted) => extension(&entry.path) == *wanted,
            Self::Before(day) => period.from.is_some_and(|from| from <= *day),
            Self::After(day) => period.to.is_some_and(|to| to >= *day),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn words(question: &str, expect: &str, conditions: usize) {
        let read = read(question);
        assert_eq!(
            (read.words.as_str(), read.conditions.0.len()),
            (expect, conditions)
        );
    }

    #[test]
    fn operators_are_taken_out_and_all_else_is_words() {
        words("boiler tag:home before:2026-03-01", "boiler", 2);
        words("caldera etiqueta:casa carpeta:\"mis notas\"", "caldera", 2);
        words(
            "-type:pdf \"tag:home is a phrase\" rest",
            "\"tag:home is a phrase\" rest",
            1,
        );
        words("TAG:#a/b", "", 1);
        for plain in [
            "tag: home",
            "https://example.org/type:x",
            "a:b author:Ada",
            "before:lunch",
            "after:",
            "folder:",
            "type:***",
            "subtag:x",
            "-word",
            ":",
            "tag:\"",
        ] {
            let expect = if plain == "tag:\"" { "tag:\"" } else { plain };
            let found = read(plain);
            assert!(found.conditions.is_empty(), "{plain}: {found:?}");
            assert_eq!(found.words, expect);
        }
    }

    fn entry(path: &str, folders: &[&str], tags: &[&str]) -> Entry {
        Entry {
            path: path.to_owned(),
            folders: folders.iter().map(|name| (*name).to_owned()).collect(),
            tags: tags.iter().map(|name| (*name).to_owned()).collect(),
            ..Entry::default()
        }
    }

    #[test]
    fn each_operator_admits_what_it_means() {
        let entries = [
            entry(
                "/h/vault/Añejo/Recipes/soup.md",
                &["vault", "Añejo", "Recipes"],
                &["food/soup"],
            ),
            entry("/h/vault/Work/plan.PDF", &["vault", "Work"], &["work"]),
            entry(
                "/h/vault/Work/sums.xlsx",
                &["vault", "Work"],
                &["work", "food"],
            ),
        ];
        let march = Period::month(2026, 3);
        let admitted = |question: &str| -> Vec<usize> {
            let read = read(question);
            assert!(!read.conditions.is_empty(), "{question}");
            let admits = |place: &usize| read.conditions.admit(&entries[*place], march);
            (0..entries.len()).filter(admits).collect()
        };
        assert_eq!(admitted("tag:food"), [0, 2]);
        assert_eq!(admitted("tag:#Food/Soup"), [0]);
        assert_eq!(admitted("tag:food tag:work"), [2]);
        assert_eq!(admitted("tag:foo"), [0; 0]);
        assert_eq!(admitted("-tag:food"), [1]);
        assert_eq!(admitted("folder:recipes"), [0]);
        assert_eq!(admitted("folder:anejo/recipes folder:work"), [0, 1, 2]);
        assert_eq!(admitted("folder:/h/vault/Work/"), [1, 2]);
        assert_eq!(admitted("path:work/pl"), [1]);
        assert_eq!(admitted("path:/h/vault/añejo"), [0]);
        assert_eq!(admitted("type:pdf"), [1]);
        assert_eq!(admitted("type:.xlsx"), [2]);
        assert_eq!(admitted("tipo:\"hoja de cálculo\" type:md"), [0, 2]);
        assert_eq!(admitted("-type:note"), [1, 2]);
        assert_eq!(admitted("before:2026-03-01"), [0, 1, 2]);
        assert_eq!(admitted("before:2026-02"), [0; 0]);
        assert_eq!(admitted("after:31/3/2026"), [0, 1, 2]);
        assert_eq!(admitted("desde:2027"), [0; 0]);
    }
}
