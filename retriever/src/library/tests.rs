//! A small library, and what is answered over it.

use std::convert::Infallible;
use std::sync::OnceLock;

use super::*;
use crate::plan::{About, plan};

/// Saturday, 20 June 2026, at noon.
const NOW: i64 = 1_781_956_800_000;
const DAY: i64 = 86_400_000;

/// Path, tags, days since its file changed, language, text.
const DOCUMENTS: [(&str, &[&str], i64, &str, &str); 12] = [
    (
        "vault/Notes/Varroa.md",
        &["bees", "to-check"],
        1,
        "en",
        "# Varroa\n\nAna counted 214 mites in the hive.",
    ),
    (
        "vault/Notes/Two hives.md",
        &["bees/hives", "project"],
        40,
        "en",
        "# Two hives\n\nBoth hives wintered well, see [[Notes/Varroa#Count|the mites]].\n\nQueen bought from Luis.",
    ),
    (
        "vault/Notes/Coro.md",
        &["música"],
        90,
        "es",
        "# Coro\n\nDirige Quima. Analía canta de contralto.",
    ),
    (
        "vault/Daily/2026-03-05.md",
        &[],
        100,
        "en",
        "Up at 5:40. Lunch with Ana.",
    ),
    (
        "vault/Daily/2026-06-09.md",
        &["daily"],
        11,
        "en",
        "Rehearsal missed.",
    ),
    (
        "work/heron/kickoff.md",
        &[],
        200,
        "en",
        "# Heron kick-off, Wed 14 January 2026\n\nBudget: €42,000.",
    ),
    (
        "work/plan.pdf",
        &[],
        300,
        "en",
        "The plan of Ana Ruiz for the garden.",
    ),
    (
        "facturas/0412.pdf",
        &[],
        5,
        "es",
        "Factura n.º 412\nFecha: 5/3/2026\nBase imponible 1.000,00 €\nTotal 1.210,00 €",
    ),
    (
        "facturas/0413.pdf",
        &[],
        4,
        "es",
        "Factura n.º 413\nFecha: 12/3/2026\nTotal: 90,50 €",
    ),
    (
        "facturas/acme.txt",
        &[],
        3,
        "en",
        "Invoice\nDated 3 April 2026\nPaper £1,200\nAmount due £600",
    ),
    (
        "recetas/bizcocho.md",
        &[],
        20,
        "es",
        "# Bizcocho de yogur\n\n- Ralladura de 2 limones\n- 3 huevos",
    ),
    (
        "recetas/lentejas.md",
        &[],
        21,
        "es",
        "# Lentejas\n\n- Medio kilo de lenteja",
    ),
];

fn entries() -> Vec<Entry> {
    let entry = |(path, tags, days, language, _): &(&str, &[&str], i64, &str, &str)| {
        let mut folders: Vec<String> = path.split('/').map(str::to_owned).collect();
        let name = folders.pop().unwrap_or_default();
        let (stem, _) = name.rsplit_once('.').unwrap_or((&name, ""));
        Entry {
            document: (*path).to_owned(),
            path: format!("/home/nora/{path}"),
            folders,
            title: stem.to_owned(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            modified: NOW - days * DAY,
            language: Some((*language).to_owned()),
        }
    };
    DOCUMENTS.iter().map(entry).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "the shape that `list` asks for")]
fn parts(entry: &Entry) -> Result<Vec<Part>, Infallible> {
    let document = DOCUMENTS
        .iter()
        .find(|document| document.0 == entry.document);
    let text = document.map_or("", |document| document.4).to_owned();
    Ok(vec![Part {
        start: 10,
        text,
        ..Part::default()
    }])
}

fn listing(question: &str) -> Listing {
    let entries = entries();
    let folders = entries
        .iter()
        .flat_map(|entry| (1..=entry.folders.len()).map(|end| entry.folders[..end].join("/")));
    let about = About {
        titles: entries.iter().map(|entry| entry.title.clone()).collect(),
        folders: folders.collect(),
        tags: entries
            .iter()
            .flat_map(|entry| entry.tags.clone())
            .collect(),
        by_beginning: OnceLock::new(),
    };
    let spanish = question.contains(['¿', 'ú']) || question.ends_with('.');
    let Ok(listing) = list(&plan(question, &about, NOW, None), spanish, &entries, parts);
    listing.unwrap_or_else(|| panic!("no listing for {question}"))
}

#[track_caller]
fn check(question: &str, found: bool, sentence: &str) {
    let listing = listing(question);
    assert_eq!(
        (listing.sentence.as_str(), listing.found),
        (sentence, found),
        "{question}"
    );
}

#[test]
fn tags_are_counted_with_what_is_nested_in_them() {
    check(
        "How many notes are tagged bees?",
        true,
        "2 notes are tagged bees: Two hives; Varroa.",
    );
    check(
        "¿Cuántas notas tienen la etiqueta bees?",
        true,
        "2 notas tienen la etiqueta bees: Two hives; Varroa.",
    );
    check(
        "How many notes are tagged bees/hives?",
        true,
        "1 note is tagged bees/hives: Two hives.",
    );
    check(
        "List notes tagged musica",
        true,
        "1 note is tagged música: Coro.",
    );
    check(
        "How many notes are tagged wizards?",
        false,
        "No note is tagged wizards. There is no tag wizards.",
    );
    check(
        "¿Cuántas notas tienen la etiqueta magos?",
        false,
        "Ninguna nota tiene la etiqueta magos. No existe la etiqueta magos.",
    );
    check(
        "How many PDFs are tagged bees?",
        true,
        "No PDF is tagged bees.",
    );
}

#[test]
fn mentions_are_whole_words_with_their_quote() {
    check(
        "How many notes mention Ana?",
        true,
        "2 notes mention “Ana”: 2026-03-05 [1]; Varroa [2]. 1 document that is not a note matches, too.",
    );
    check(
        "¿Qué recetas llevan limón?",
        true,
        "1 receta menciona «limón»: bizcocho [1].",
    );
    check(
        "Which notes mention Ana and Luis?",
        false,
        "No note mentions “Ana” and “Luis”.",
    );
    check(
        "¿Qué notas mencionan a Quima o a Luis?",
        true,
        "2 notas mencionan «Quima» o «Luis»: Coro [1]; Two hives [2].",
    );
    check(
        "Which notes mention Ana but not mites?",
        true,
        "1 note mentions “Ana” but not “mites”: 2026-03-05 [1]. 1 document that is not a note matches, too.",
    );
    check(
        "Which notes talk about mites counted in the hive?",
        true,
        "1 note mentions “mites counted in the hive”: Varroa [1].",
    );
    let listing = listing("Which documents mention Ana Ruiz?");
    let [citation] = &listing.citations()[..] else {
        panic!("one citation");
    };
    assert_eq!(citation.quote, "The plan of Ana Ruiz for the garden.");
    assert_eq!((citation.start, citation.end, citation.marker), (10, 46, 1));
    assert_eq!(listing.looked_at, 12);
}

#[test]
fn links_are_followed_back() {
    check(
        "Which notes link to Varroa?",
        true,
        "1 note links to Varroa: Two hives [1].",
    );
    check(
        "¿Qué notas enlazan a Varroa?",
        true,
        "1 nota enlaza a Varroa: Two hives [1].",
    );
    check(
        "Which notes link to the mites?",
        false,
        "No note links to mites.",
    );
}

#[test]
fn folders_and_types_are_filters() {
    check(
        "How many PDFs are in work?",
        true,
        "1 PDF is in the folder work: plan.",
    );
    check(
        "How many files are in vault?",
        true,
        "5 documents are in the folder vault: 2026-03-05; 2026-06-09; Coro; Two hives; Varroa.",
    );
    check(
        "How many documents are there?",
        true,
        "There are 12 documents.",
    );
    check(
        "¿Cuántas hojas de cálculo tengo?",
        true,
        "No hay hojas de cálculo.",
    );
    check(
        "How many files are in the folder archive?",
        false,
        "No document is in the folder archive. There is no folder archive.",
    );
    check(
        "¿Cuántas notas en español hay en vault?",
        true,
        "1 nota está en la carpeta vault y está en español: Coro.",
    );
}

#[test]
fn many_titles_are_left_to_the_table() {
    let lead = |question: &str| listing(question).lead;
    assert_eq!(
        lead("How many files are in vault?").as_deref(),
        Some("5 documents are in the folder vault.")
    );
    assert_eq!(lead("How many notes are tagged bees?"), None);
    assert_eq!(lead("How many documents are there?"), None);
}

#[test]
fn none_is_an_answer_where_the_filter_is_known() {
    check("List invoices over 5000", true, "No invoice is over 5,000.");
    check("List letters over 5000", false, "No letter is over 5,000.");
    check(
        "Which notes mention the sauna?",
        false,
        "No note mentions “sauna”.",
    );
    check(
        "Which notes tagged bees mention the sauna?",
        true,
        "No note is tagged bees and mentions “sauna”.",
    );
}

#[test]
fn folders_are_opened() {
    check(
        "What is in the heron folder?",
        true,
        "1 document is in the folder heron: kickoff.",
    );
    check(
        "¿Qué hay en la carpeta recetas?",
        true,
        "2 documentos están en la carpeta recetas: bizcocho; lentejas.",
    );
}

#[test]
fn documents_have_dates_of_their_own() {
    check(
        "notes from March 2026",
        true,
        "2 notes are from March 2026: 2026-03-05; Coro.",
    );
    check(
        "Which notes changed this week?",
        true,
        "2 notes were changed between 15 June 2026 and 21 June 2026: acme; Varroa.",
    );
    check(
        "How many files are from January 2026?",
        true,
        "1 document is from January 2026: kickoff.",
    );
    check(
        "¿Cuántas facturas hay de marzo de 2026?",
        true,
        "2 facturas son de marzo de 2026: 0412; 0413.",
    );
}

#[test]
fn amounts_are_compared_and_computed() {
    check(
        "list all invoices over 500",
        true,
        "2 invoices are over 500: 0412 (1.210,00 €) [1]; acme (£600) [2].",
    );
    check(
        "¿Cuántas facturas superan los 100 euros?",
        true,
        "1 factura es de más de 100 €: 0412 (1.210,00 €) [1].",
    );
    check(
        "What is the total of the invoices?",
        true,
        "The total of 3 invoices is €1,300.50 and £600.",
    );
    check(
        "¿Cuánto suman las facturas de marzo?",
        true,
        "El total de 2 facturas es 1.300,50 €.",
    );
    check(
        "Which is the largest invoice from March?",
        true,
        "The largest of 2 invoices is €1,210 (0412).",
    );
    check(
        "¿Cuál es la media de las facturas de marzo?",
        true,
        "La media de 2 facturas es 650,25 €.",
    );
    check(
        "Which are the two largest invoices?",
        true,
        "The 2 largest of 3 invoices: 0412 (1.210,00 €) [1]; acme (£600) [2].",
    );
    check(
        "¿Cuáles son las 2 facturas más bajas?",
        true,
        "De menor a mayor, 2 de 3 facturas: 0413 (90,50 €) [1]; acme (£600) [2].",
    );
    check(
        "invoices >= 600",
        true,
        "2 invoices are at least 600: 0412 (1.210,00 €) [1]; acme (£600) [2].",
    );
    check(
        "¿Qué facturas de Acme hay?",
        true,
        "1 factura menciona «Acme»: acme.",
    );
    let listing = listing("¿Qué facturas son de más de 1000 euros?");
    assert_eq!(listing.citations()[0].quote, "Total 1.210,00 €");
}

#[test]
fn the_library_is_told() {
    check(
        "What tags do you have?",
        true,
        "There are 6 tags: bees (1), bees/hives (1), daily (1), música (1), project (1), to-check (1).",
    );
    check(
        "¿Qué carpetas tienes?",
        true,
        "Hay 6 carpetas: facturas (3), vault/Notes (3), recetas (2), vault/Daily (2), work (1), work/heron (1).",
    );
    check(
        "When was the Varroa note last changed?",
        true,
        "“Varroa” was last changed on 19 June 2026.",
    );
    check(
        "¿Cuándo se modificó la nota Varroa?",
        true,
        "«Varroa» se cambió por última vez el 19 de junio de 2026.",
    );
    check(
        "When was the sauna document changed?",
        false,
        "No document is called “sauna document”.",
    );
}

#[test]
fn the_newest_come_first_and_as_many_as_wanted() {
    check(
        "Which is the latest note in vault?",
        true,
        "5 notes are in the folder vault; the newest: Varroa (19 June 2026).",
    );
    check(
        "¿Cuál es la nota más antigua de vault?",
        true,
        "5 notas están en la carpeta vault; lo más antiguo: 2026-03-05 (5 de marzo de 2026).",
    );
    let listing = listing("Show me the 2 most recent notes");
    let titles: Vec<&str> = listing.rows.iter().map(|row| row.title.as_str()).collect();
    assert_eq!(titles, ["Varroa", "2026-06-09"]);
    assert_eq!(listing.filter, "notes");
}
