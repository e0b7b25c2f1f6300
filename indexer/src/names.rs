//! What a document is called: its title, its file and the day in its name, its other names, and where it lies.
//!
//! Names are searched by their words (`lexical`), and by their meaning with the beginning of the document: its head. A
//! head is embedded as a text of its own, so that what is renamed or moved has a new one and keeps the vectors of all it
//! says. Pure.

use std::collections::HashSet;
use std::path::{Component, Path};

use crate::extract::{Extracted, keep_first};
use crate::ledger::Document;
use crate::lexical::ChunkRow;

/// The place of a head among the rows of a document.
pub(crate) const HEAD: u32 = u32::MAX;

/// How much of its beginning a document's head repeats (bytes). Longer ones say less of the name, shorter ones of what
/// it is a name for: of 58 short notes whose topic is in the name only, questions in other words found 47 first with
/// 100, 40 with 40, 42 with 250, and 35 by the name alone.
const OPENING: usize = 100;

/// Names longer than this are no names (bytes).
const LONGEST: usize = 200;

/// Letters of a word that tells something.
const TELLING: usize = 3;

/// Folders above a document that are among its names, the innermost first.
const FOLDERS: usize = 3;

/// The names of the months, in English and Spanish.
pub(crate) const MONTHS: [[&str; 2]; 12] = [
    ["January", "enero"],
    ["February", "febrero"],
    ["March", "marzo"],
    ["April", "abril"],
    ["May", "mayo"],
    ["June", "junio"],
    ["July", "julio"],
    ["August", "agosto"],
    ["September", "septiembre"],
    ["October", "octubre"],
    ["November", "noviembre"],
    ["December", "diciembre"],
];

/// What a document is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// Its title, its file without the ending, and its other names: each is it.
    own: Vec<String>,
    /// The day in its name, as people write it.
    day: Option<String>,
    tags: Vec<String>,
    /// The folders that it lies in, below the watched one.
    folders: Vec<String>,
}

impl Names {
    pub(crate) fn of(document: &Document, extracted: &Extracted) -> Self {
        let stem = stem(document);
        let day = day(&stem);
        let mut own: Vec<String> = extracted.title.iter().cloned().collect();
        own.push(stem);
        own.extend(extracted.aliases.iter().cloned());
        Self {
            own,
            day,
            tags: extracted.tags.clone(),
            folders: folders(document),
        }
    }

    /// All of them, a line each, cut at so many bytes: numbers of two names are not one.
    pub(crate) fn said(&self, most: usize) -> String {
        let all = self.own.iter().chain(&self.day).chain(&self.tags);
        let all = all.chain(&self.folders).map(String::as_str);
        let mut said = all.collect::<Vec<_>>().join("\n");
        said.truncate(said.floor_char_boundary(most));
        said
    }

    /// Each by itself but for tags: the names of a folder are said of much else. As many as fit so many bytes.
    pub(crate) fn all(&self, most: usize) -> Vec<String> {
        let all = self.own.iter().chain(&self.day).chain(&self.folders);
        let mut all: Vec<String> = all.cloned().collect();
        keep_first(&mut all, most);
        all
    }
}

/// The head of a document whose first chunk this is: what it is called, and how it begins. None where its name says
/// nothing that the beginning does not say.
pub(crate) fn head(document: &Document, first: &ChunkRow) -> Option<ChunkRow> {
    let passage = first.passage();
    let said = passage[..passage.floor_char_boundary(2 * LONGEST)].to_lowercase();
    let said: HashSet<&str> = said.split(|c: char| !c.is_alphanumeric()).collect();
    let tells = |name: &String| {
        let is_said = |word: &str| said.contains(word.to_lowercase().as_str());
        name.len() <= LONGEST && telling(name).any(|word| !is_said(word))
    };
    let name = Some(stem(document)).filter(tells);
    // A folder is a name for what has none.
    let is_named = telling(&stem(document)).next().is_some();
    let folder = folders(document).into_iter().next();
    let folder = folder.filter(|folder| !is_named && tells(folder));
    let name = spaced(&name.or(folder)?);
    Some(ChunkRow {
        ordinal: HEAD,
        span: 0..0,
        page: None,
        heading: Vec::new(),
        text: format!("{name}. {}", opening(&passage)),
        gap: String::new(),
        context: String::new(),
        names: Vec::new(),
        lead: String::new(),
        ..first.clone()
    })
}

/// The words of a name that can tell what something is about: no numbers, codes and single letters.
fn telling(name: &str) -> impl Iterator<Item = &str> {
    let words = name.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| {
        let letters = word.chars().count();
        let is_cut = word.chars().all(|c| c.is_alphabetic() && c < '\u{3000}');
        let is_uncut = word.chars().any(|c| c.is_alphabetic() && c >= '\u{3000}');
        (is_cut && letters >= TELLING) || is_uncut
    })
}

/// A name as it would be written in a text.
fn spaced(name: &str) -> String {
    let signs = name.replace(['_', '-', '.'], " ");
    signs.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first words of a text, without marks that are no words.
fn opening(text: &str) -> String {
    let mut opening = String::new();
    let words = text.split_whitespace();
    for word in words.filter(|word| word.contains(char::is_alphanumeric)) {
        if opening.len() + word.len() > OPENING {
            // One that has no spaces is cut.
            if opening.is_empty() {
                opening.push_str(&word[..word.floor_char_boundary(OPENING)]);
            }
            break;
        }
        if !opening.is_empty() {
            opening.push(' ');
        }
        opening.push_str(word);
    }
    opening
}

fn stem(document: &Document) -> String {
    let stem = document.path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// The folders below the watched one that a document lies in, the innermost first.
fn folders(document: &Document) -> Vec<String> {
    let below = document.path.strip_prefix(&document.folder);
    let folders = below.ok().and_then(Path::parent).into_iter();
    let folders = folders.flat_map(|folders| folders.components().rev().take(FOLDERS));
    let name = |folder: Component| folder.as_os_str().to_string_lossy().into_owned();
    folders.map(name).collect()
}

/// The day that a file's name says ("2026-03-13", "20260313 walk"), as people write it in English and Spanish.
fn day(stem: &str) -> Option<String> {
    let digits: String = stem.chars().filter(char::is_ascii_digit).take(8).collect();
    let opens = stem
        .chars()
        .take_while(|c| c.is_ascii_digit() || matches!(c, '-' | '_' | '.'));
    let is_date = digits.len() == 8 && opens.filter(char::is_ascii_digit).count() >= 8;
    let number = |part: &str| part.parse::<usize>().ok();
    let (year, month, day) = (
        number(digits.get(..4)?)?,
        number(digits.get(4..6)?)?,
        number(digits.get(6..8)?)?,
    );
    let [english, spanish] = MONTHS.get(month.checked_sub(1)?)?;
    let is_date = is_date && (1..=31).contains(&day) && (1900..2100).contains(&year);
    is_date.then(|| {
        format!("{year}-{month:02}-{day:02} {day} {english} {year} {day} de {spanish} de {year}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cutting::tests::document;
    use crate::ledger::digest;

    fn head_of(path: &str, text: &str, lead: &str) -> Option<String> {
        let document = document(path);
        let first = ChunkRow {
            document: document.id.clone(),
            hash: digest(b""),
            ordinal: 0,
            span: 0..text.len(),
            page: None,
            heading: Vec::new(),
            text: text.to_owned(),
            gap: String::new(),
            context: String::new(),
            names: Vec::new(),
            table: String::new(),
            lead: lead.to_owned(),
            language: None,
        };
        head(&document, &first).map(|head| head.text)
    }

    #[test]
    fn a_head_is_the_name_and_the_beginning() {
        let head = |path, text| head_of(path, text, "").expect("a head");
        let bring = "Tuesday, 10:30.\n\n- Bring the card.";
        assert_eq!(
            head("/n/Dentist.md", bring),
            "Dentist. Tuesday, 10:30. Bring the card."
        );
        assert_eq!(head("/n/Insurance/2024.md", "Paid."), "Insurance. Paid.");
        assert_eq!(
            head("/n/Casa/carta_de_agua.md", "# Total\n\n41"),
            "carta de agua. Total 41"
        );
        let long = head("/n/Diving.md", &"word ".repeat(100));
        assert!(long.len() < "Diving. ".len() + OPENING + 1);
    }

    #[test]
    fn a_name_that_says_nothing_has_no_head() {
        for name in [
            "p0001.txt",
            "2024-03-01.md",
            "a.md",
            "7f3c9a.pdf",
            "№ 12.md",
        ] {
            assert_eq!(head_of(&format!("/n/{name}"), "Rain.", ""), None, "{name}");
        }
        // The text says it itself, or its title, which is embedded with it.
        assert_eq!(head_of("/n/garden.md", "# The Garden\n\nMint.", ""), None);
        assert_eq!(head_of("/n/garden.md", "Mint.", "Garden"), None);
        assert_eq!(head_of("/n/Plants/garden.md", "Garden: mint.", ""), None);
        assert!(head_of("/n/図書.md", "Mint.", "").is_some());
    }

    #[test]
    fn a_day_in_a_name_is_told_in_words() {
        let said = |stem| day(stem).unwrap_or_default();
        let march = "2026-03-13 13 March 2026 13 de marzo de 2026";
        assert_eq!(said("2026-03-13"), march);
        assert_eq!(said("20260313 walk"), march);
        for none in ["2026-13-03", "call 2026-03-13", "12345678", "2026", "notes"] {
            assert_eq!(day(none), None, "{none}");
        }
    }
}
