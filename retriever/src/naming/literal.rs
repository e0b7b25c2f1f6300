//! Names that a question writes letter by letter: file names, wiki-links, and what stands in quotes.
//!
//! Pure functions of a question and a document's names.

use std::ops::Range;

use super::DocumentName;
use super::terms::{self, Term};
use crate::fold::letter;

/// Marks that a name stands between.
const MARKS: [(&str, &str); 6] = [
    ("[[", "]]"),
    ("`", "`"),
    ("\"", "\""),
    ("“", "”"),
    ("«", "»"),
    ("„", "“"),
];

/// A document's names, letter by letter.
pub(super) struct Spelling {
    /// Folder and file name.
    path: String,
    /// Title and aliases.
    names: Vec<String>,
    /// The terms of these, and of the file name.
    terms: Vec<Vec<String>>,
}

impl Spelling {
    pub(super) fn of(name: &DocumentName) -> Self {
        let folder = name.folder.replace('\\', "/");
        let called: Vec<&String> = std::iter::once(&name.title).chain(&name.aliases).collect();
        Self {
            path: terms::fold(&format!(
                "{}/{}",
                folder.trim_end_matches('/'),
                name.file_name
            )),
            names: called.iter().map(|name| terms::fold(name.trim())).collect(),
            terms: called
                .iter()
                .map(|name| told(name))
                .chain([told(stem(&name.file_name))])
                .collect(),
        }
    }

    fn file(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// A question, ready to look names up in.
pub(super) struct Literals {
    /// The question as names are compared, and for each byte of that where it is from.
    plain: String,
    from: Vec<usize>,
    marked: Vec<Marked>,
}

/// What stands between marks.
struct Marked {
    plain: String,
    terms: Vec<String>,
    span: Range<usize>,
}

impl Literals {
    pub(super) fn of(question: &str) -> Self {
        let mut plain = String::new();
        let mut from = Vec::new();
        for (at, c) in question.char_indices() {
            for c in c.to_lowercase().map(letter) {
                plain.push(c);
                from.resize(plain.len(), at);
            }
        }
        from.push(question.len());
        Self {
            plain,
            from,
            marked: marked(question),
        }
    }

    /// Where the question writes one of the document's names out.
    pub(super) fn naming(&self, name: &Spelling) -> Option<Range<usize>> {
        let in_marks = self.marked.iter().find(|marked| marked.is_of(name));
        in_marks
            .map(|marked| marked.span.clone())
            .or_else(|| self.file(name))
    }

    /// Where the question writes a file name with its ending, and the right folder before it if any.
    fn file(&self, name: &Spelling) -> Option<Range<usize>> {
        let file = name.file();
        file.rsplit_once('.')
            .filter(|(stem, ending)| !stem.is_empty() && !ending.is_empty())?;
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        self.plain.match_indices(file).find_map(|(at, _)| {
            let (before, after) = (&self.plain[..at], &self.plain[at + file.len()..]);
            let is_whole = !before.ends_with(is_part) && !after.starts_with(is_part);
            let folders = before
                .rsplit(|c: char| !is_part(c) && !matches!(c, '/' | '.'))
                .next()
                .unwrap_or_default();
            let is_there =
                folders.is_empty() || path_ends_with(&name.path, &format!("{folders}{file}"));
            (is_whole && is_there)
                .then(|| self.from[at - folders.len()]..self.from[at + file.len()])
        })
    }
}

impl Marked {
    fn is_of(&self, name: &Spelling) -> bool {
        path_ends_with(&name.path, &self.plain)
            || path_ends_with(stem(&name.path), &self.plain)
            || name.names.contains(&self.plain)
            || (!self.terms.is_empty() && name.terms.contains(&self.terms))
    }
}

fn marked(question: &str) -> Vec<Marked> {
    let mut found = Vec::new();
    for (open, close) in MARKS {
        let mut rest = 0;
        while let Some(start) = question[rest..].find(open).map(|at| rest + at + open.len()) {
            let Some(end) = question[start..].find(close).map(|at| start + at) else {
                break;
            };
            // [[Note#Heading|what is shown]]
            let inside = question[start..end]
                .split(['|', '#'])
                .next()
                .unwrap_or_default()
                .trim();
            let (plain, terms) = (terms::fold(inside), told(inside));
            if !plain.is_empty() {
                found.push(Marked {
                    plain,
                    terms,
                    span: start..end,
                });
            }
            rest = end + close.len();
        }
    }
    found
}

/// Whether `end` is the path, or its last parts.
fn path_ends_with(path: &str, end: &str) -> bool {
    let end = end.trim_start_matches("./").trim_start_matches('/');
    let before = path.strip_suffix(end).filter(|_| !end.is_empty());
    before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// A file name without its ending.
pub(super) fn stem(file_name: &str) -> &str {
    file_name
        .rsplit_once('.')
        .map_or(file_name, |(stem, _)| stem)
}

fn told(name: &str) -> Vec<String> {
    terms::name(name)
        .into_iter()
        .filter(Term::tells)
        .map(|term| term.text)
        .collect()
}
