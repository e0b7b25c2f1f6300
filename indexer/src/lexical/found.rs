//! What is found by which words, and what first.

use std::collections::HashSet;

use super::{Candidate, ChunkKey, ChunkRow, Lexical};
use crate::ledger::DocumentId;

fn row(name: &str, language: Option<&str>, text: &str) -> ChunkRow {
    ChunkRow {
        document: DocumentId(name.to_owned()),
        hash: "1".to_owned(),
        ordinal: 0,
        span: 0..text.len(),
        page: None,
        heading: Vec::new(),
        text: text.to_owned(),
        gap: String::new(),
        context: String::new(),
        names: Vec::new(),
        lead: String::new(),
        table: String::new(),
        language: language.map(str::to_owned),
    }
}

struct Library {
    lexical: Lexical,
    _directory: tempfile::TempDir,
}

impl Library {
    fn of(texts: &[(&str, &str)]) -> Self {
        let rows = texts.iter().map(|(name, text)| row(name, Some("en"), text));
        Self::of_rows(&rows.collect::<Vec<_>>())
    }

    fn of_rows(rows: &[ChunkRow]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (lexical, _) = Lexical::open(directory.path()).expect("opens");
        lexical.commit(&[], rows, "1").expect("commits");
        Self {
            lexical,
            _directory: directory,
        }
    }

    fn found(&self, question: &str) -> Vec<String> {
        let found = self.lexical.search(question, 10, None).expect("searches");
        found
            .chunks
            .into_iter()
            .map(|one| one.key.document.0)
            .collect()
    }

    #[track_caller]
    fn check(&self, question: &str, expect: &[&str]) {
        assert_eq!(self.found(question), expect, "{question}");
    }

    #[track_caller]
    fn first(&self, question: &str, expect: &str) {
        let found = self.found(question);
        assert_eq!(
            found.first().map(String::as_str),
            Some(expect),
            "{question}: {found:?}"
        );
    }
}

#[test]
fn names_are_found_whole_first_whatever_separates_their_parts() {
    let library = Library::of(&[
        (
            "other",
            "DEC-0060 says dec 12, and part 0054 of the dec list; dec dec.",
        ),
        (
            "wanted",
            "As decided in DEC-0054, long ago, we keep the old boiler and do not buy a new one.",
        ),
        ("joined", "see dec0060"),
    ]);
    for question in [
        "DEC-0054",
        "dec0054",
        "DEC 0054",
        "dec_0054",
        "what does (DEC/0054) say?",
    ] {
        library.first(question, "wanted");
    }
    library.first("DEC-0060", "joined");
    let library = Library::of(&[
        ("near", "Version 1.0.27 and 28 others, 0 of them in 1.28.0"),
        (
            "version",
            "We moved from 0.9 to version 1.0.28 in spring, when all was quiet",
        ),
        ("error", "It failed with E0308 again"),
        ("camel", "call parseConfigFile first"),
        ("spoken", "you should parse the config file"),
        ("mail", "write to ana.ruiz@example.org about it"),
        (
            "page",
            "see https://example.org/docs/setup_guide.html#first",
        ),
    ]);
    library.first("1.0.28", "version");
    library.first("v1.0.28", "version");
    library.first("e0308", "error");
    library.first("E-0308", "error");
    library.first("parseConfigFile", "camel");
    library.first("parse_config_file", "camel");
    library.first("parseconfigfile", "camel");
    library.first("ana.ruiz@example.org", "mail");
    library.first("example.org/docs/setup_guide.html", "page");
    library.first("setup guide", "page");
}

#[test]
fn numbers_are_found_however_they_are_grouped() {
    let library = Library::of(&[
        ("phone", "Call +34 612 345 678 in the evening"),
        ("price", "It cost 1,250.00 euros"),
        ("spanish", "Total: 3.480,50 €"),
        ("plain", "The depth is 7421 m"),
        ("account", "ES91 2100 0418 4502 0005 1332"),
    ]);
    library.check("612345678", &["phone"]);
    library.check("34612345678", &["phone"]);
    library.first("612-345-678", "phone");
    library.check("1250", &["price"]);
    library.first("1.250,00", "price");
    library.check("3480.5", &["spanish"]);
    library.first("7,421", "plain");
    library.check("ES9121000418450200051332", &["account"]);
}

#[test]
fn words_are_found_as_people_type_them() {
    let library = Library::of_rows(&[
        row(
            "es",
            Some("es"),
            "Además, la compañía de la galería sufrió una sequía.",
        ),
        row(
            "nfd",
            Some("es"),
            "El pingu\u{308}ino bebe cafe\u{301} en la terraza.",
        ),
        row(
            "soft",
            Some("de"),
            "Die Donau\u{ad}dampf\u{ad}schiff\u{ad}fahrt in der Hauptstraße ist schön.",
        ),
        row("el", Some("el"), "Η Αθήνα είναι η πρωτεύουσα της Ελλάδας."),
        row(
            "tr",
            Some("tr"),
            "İstanbul çok güzel bir şehir ve ISPARTA da.",
        ),
    ]);
    for question in [
        "ademas",
        "compania",
        "galeria",
        "sequia",
        "ADEMÁS",
        "companias",
        "sequi\u{301}as",
    ] {
        library.check(question, &["es"]);
    }
    library.check("café", &["nfd"]);
    library.check("pingüino", &["nfd"]);
    library.check("donaudampfschifffahrt", &["soft"]);
    library.check("hauptstrasse", &["soft"]);
    library.check("ΑΘΗΝΑ", &["el"]);
    library.check("istanbul", &["tr"]);
    library.check("İSTANBUL", &["tr"]);
    library.check("sehir", &["tr"]);
}

#[test]
fn the_form_of_a_word_counts_more_than_its_stem() {
    let library = Library::of(&[
        ("stem", "the organs of a fish and the water"),
        ("form", "the organ of a fish and the water"),
    ]);
    library.check("organ", &["form", "stem"]);
    library.check("organs", &["stem", "form"]);
}

#[test]
fn quotation_marks_mean_a_phrase_and_minus_leaves_out() {
    let library = Library::of(&[
        ("phrase", "He shouted carpe diem at the sea."),
        ("words", "Diem came, and carpe was said; carpe, carpe."),
        ("ode", "An ode with carpe diem in it."),
    ]);
    library.check("\"carpe diem\"", &["phrase", "ode"]);
    let found = library.found("“carpe diem”");
    assert_eq!(
        HashSet::from_iter(found),
        HashSet::from(["phrase".to_owned(), "ode".to_owned()])
    );
    // Nobody has written that: the words will do.
    assert_eq!(library.found("\"diem carpe\"").len(), 3);
    let near = |name: &str| Candidate {
        key: ChunkKey {
            document: DocumentId(name.to_owned()),
            ordinal: 0,
        },
        hash: "1".to_owned(),
        score: 0.9,
    };
    let admitted = |question: &str| -> Vec<String> {
        let near = ["phrase", "words", "ode"].map(near).to_vec();
        let kept = library.lexical.admitted(question, near).expect("looks");
        kept.into_iter().map(|one| one.key.document.0).collect()
    };
    assert_eq!(admitted("\"carpe diem\""), ["phrase", "ode"]);
    assert_eq!(admitted("carpe diem"), ["phrase", "words", "ode"]);
    assert_eq!(admitted("\"diem carpe\""), ["phrase", "words", "ode"]);
    for odd in [
        "carpe AND (diem",
        "text:carpe",
        "carpe*",
        "carpe~2 ^",
        "\"carpe",
        "-carpe",
        "[carpe TO diem}",
    ] {
        assert!(!library.found(odd).is_empty(), "{odd}");
    }
}

#[test]
fn a_misspelt_word_leads_to_near_ones() {
    let library = Library::of(&[
        ("boiler", "The boiler was inspected in the cellar."),
        ("garden", "The garden has a fountain."),
    ]);
    library.check("bolier", &["boiler"]);
    library.check("inspekted", &["boiler"]);
    library.check("fountian gardne", &["garden"]);
    library.check("xyzzy", &[]);
    // What is there is not taken for a mistake.
    let library = Library::of(&[("cat", "a cast iron pan"), ("coat", "a cost of ten")]);
    library.check("cast", &["cat"]);
}

#[test]
fn scripts_without_spaces_are_found_inside_the_text() {
    let library = Library::of_rows(&[
        row("zh", Some("zh"), "我们昨天在北京大学图书馆开会。"),
        row("ja", Some("ja"), "明日は東京都の美術館で雨が降るでしょう。"),
        row("ko", Some("ko"), "서울에서 회의를 했습니다."),
        row("th", Some("th"), "เมื่อวานนี้เราประชุมที่กรุงเทพมหานคร"),
    ]);
    library.first("图书馆", "zh");
    library.first("北京大学", "zh");
    library.first("美術館", "ja");
    library.first("서울", "ko");
    library.first("회의", "ko");
    library.first("กรุงเทพ", "th");
    library.check("馆", &["zh"]);
}

#[test]
fn few_texts_of_a_language_are_found_among_many_of_another() {
    let mut rows: Vec<ChunkRow> = (0..60)
        .map(|number| {
            let text = format!(
                "The report number {number} of the committee on the de la Vega estate was the one that they had \
                 asked for, and it was read in the hall by the secretary."
            );
            row(&format!("en{number}"), Some("en"), &text)
        })
        .collect();
    rows.push(row(
        "jardin",
        Some("es"),
        "Los jardines de la abuela son los que se ven desde la casa de la Vega.",
    ));
    rows.push(row(
        "caldera",
        Some("es"),
        "La caldera de la casa se revisa en el mes de mayo por el técnico.",
    ));
    rows.push(row("untold", None, "Facturas pendientes"));
    let library = Library::of_rows(&rows);
    library.first("¿Cuándo se revisa la caldera de la casa?", "caldera");
    library.first("¿Qué es lo que se ve desde la casa de la abuela?", "jardin");
    library.first("factura pendiente", "untold");
}

/// A note on a boiler and one on bees in each language, and a question for each.
const TEN: [(&str, [&str; 2], [&str; 2]); 10] = [
    (
        "en",
        [
            "The boiler in the cellar is inspected every May by the chimney sweep.",
            "The bees were moved behind the old wall, as they had been restless.",
        ],
        ["When is the boiler inspected?", "Why were the bees moved?"],
    ),
    (
        "es",
        [
            "La caldera del sótano se revisa cada mes de mayo con el deshollinador.",
            "Las abejas están ahora detrás del muro viejo porque estaban inquietas.",
        ],
        [
            "¿Cuándo se revisa la caldera?",
            "¿Por qué estaban inquietas las abejas?",
        ],
    ),
    (
        "fr",
        [
            "La chaudière de la cave est contrôlée au mois de mai par le ramoneur.",
            "Les abeilles sont derrière le vieux mur, car elles étaient agitées.",
        ],
        [
            "Quand la chaudière est-elle contrôlée ?",
            "Pourquoi les abeilles étaient-elles agitées ?",
        ],
    ),
    (
        "de",
        [
            "Der Heizkessel im Keller wird jeden Mai vom Schornsteinfeger geprüft.",
            "Die Bienen stehen jetzt hinter der alten Mauer, weil sie unruhig waren.",
        ],
        [
            "Wann wird der Heizkessel geprüft?",
            "Warum waren die Bienen unruhig?",
        ],
    ),
    (
        "it",
        [
            "La caldaia della cantina viene controllata a maggio dallo spazzacamino.",
            "Le api sono ora dietro il vecchio muro perché erano inquiete.",
        ],
        [
            "Quando viene controllata la caldaia?",
            "Perché le api erano inquiete?",
        ],
    ),
    (
        "pt",
        [
            "A caldeira da cave é verificada no mês de maio pelo limpa-chaminés.",
            "As abelhas estão agora atrás do muro velho porque estavam inquietas.",
        ],
        [
            "Quando é verificada a caldeira?",
            "Porque estavam inquietas as abelhas?",
        ],
    ),
    (
        "nl",
        [
            "De ketel in de kelder wordt elke mei door de schoorsteenveger gekeurd.",
            "De bijen staan nu achter de oude muur omdat ze onrustig waren.",
        ],
        [
            "Wanneer wordt de ketel gekeurd?",
            "Waarom waren de bijen onrustig?",
        ],
    ),
    (
        "sv",
        [
            "Pannan i källaren kontrolleras varje maj av sotaren.",
            "Bina står nu bakom den gamla muren för att de var oroliga.",
        ],
        ["När kontrolleras pannan?", "Varför var bina oroliga?"],
    ),
    (
        "ru",
        [
            "Котёл в подвале проверяет трубочист каждый май.",
            "Пчёлы теперь стоят за старой стеной, потому что они были беспокойны.",
        ],
        ["Когда проверяют котел?", "Почему пчелы были беспокойны?"],
    ),
    (
        "el",
        [
            "Ο λέβητας στο υπόγειο ελέγχεται κάθε Μάιο από τον τεχνικό.",
            "Οι μέλισσες είναι τώρα πίσω από τον παλιό τοίχο γιατί ήταν ανήσυχες.",
        ],
        [
            "Πότε ελέγχεται ο λεβητας;",
            "Γιατί ήταν ανήσυχες οι μελισσες;",
        ],
    ),
];

#[test]
fn ten_languages_share_a_folder() {
    let mut rows = Vec::new();
    for (code, texts, _) in TEN {
        for (number, text) in texts.iter().enumerate() {
            rows.push(row(&format!("{code}{number}"), None, text));
        }
    }
    for number in 0..50 {
        let text = format!(
            "The minutes of meeting {number} were sent to all who had been in the hall that day."
        );
        rows.push(row(&format!("minutes{number}"), Some("en"), &text));
    }
    let library = Library::of_rows(&rows);
    for (code, _, questions) in TEN {
        for (number, question) in questions.iter().enumerate() {
            library.first(question, &format!("{code}{number}"));
        }
    }
}

#[test]
fn coverage_is_the_share_of_what_is_asked() {
    let library = Library::of(&[
        ("boiler", "The boilers were inspected in May."),
        ("garden", "The garden has a fountain."),
    ]);
    let coverage =
        |question: &str, text: &str| library.lexical.coverage(question, text, Some("en"));
    let text = "The boilers were inspected in May.";
    assert!((coverage("Was the boiler inspected?", text) - 1.0).abs() < 1e-6);
    assert!(coverage("the fountain", text) < 1e-6);
    let half = coverage("boiler fountain", text);
    assert!((half - 0.5).abs() < 0.05, "{half}");
    assert!((coverage("the boliers", text) - 0.6).abs() < 1e-6);
    assert!(coverage("", text) < 1e-6);
}

#[test]
fn a_scope_is_kept_to() {
    let library = Library::of(&[("one", "old boiler"), ("two", "new boiler")]);
    let scope = HashSet::from([DocumentId("two".to_owned())]);
    let found = library
        .lexical
        .search("boiler", 10, Some(&scope))
        .expect("searches");
    assert_eq!(found.chunks.len(), 1);
    assert_eq!(found.chunks[0].key.document.0, "two");
    assert_eq!(
        library
            .lexical
            .search("boiler", 1, None)
            .expect("searches")
            .chunks
            .len(),
        1
    );
}

fn named(name: &str, names: &[&str], text: &str) -> ChunkRow {
    ChunkRow {
        context: names.join(" "),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        ..row(name, Some("en"), text)
    }
}

impl Library {
    /// Documents by their names: how much of the question each says, in hundredths.
    fn named(&self, question: &str) -> Vec<(String, u32)> {
        let found = self.lexical.search(question, 10, None).expect("searches");
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share"
        )]
        let share = |score: f32| (score * 100.0).round() as u32;
        let named = found.named.into_iter();
        named
            .map(|one| (one.key.document.0, share(one.score)))
            .collect()
    }

    #[track_caller]
    fn first_by_name(&self, question: &str, expect: &str) {
        let named = self.named(question);
        let first = named.first().map(|(name, _)| name.as_str());
        assert_eq!(first, Some(expect), "{question}: {named:?}");
        assert!(
            named.get(1).is_none_or(|second| second.1 < named[0].1),
            "{question}: {named:?}"
        );
    }
}

#[test]
fn a_name_that_is_the_question_says_more_than_all_of_it() {
    let library = Library::of_rows(&[
        named("whole", &["Año nuevo"], "Cenamos en casa."),
        named("more", &["Fiesta de año nuevo en el pueblo"], "Bailamos."),
        named("part", &["nueva"], "Una ley."),
        row("text", Some("es"), "El año nuevo empieza con un año nuevo."),
    ]);
    for question in ["año nuevo", "AÑO NUEVO", "ano-nuevo", "¿año nuevo?"] {
        library.first_by_name(question, "whole");
    }
    assert_eq!(library.named("año nuevo")[0].1, 125);
    assert!(library.named("la cena de año nuevo")[0].1 < 100);
    assert_eq!(library.named("casa del pueblo viejo").len(), 1);
    assert_eq!(library.named("cenamos"), []);
}

#[test]
fn what_tells_files_apart_is_in_their_names() {
    let mut rows = Vec::new();
    for company in ["Halvard", "Brisa"] {
        for quarter in ["Q1", "Q2"] {
            for year in ["2024", "2025"] {
                let name = format!("{company} {quarter} {year}");
                let text = "Revenue for the quarter came to plan, and costs rose with the year.";
                rows.push(named(&name, &[&name, "Reports"], text));
            }
        }
    }
    let library = Library::of_rows(&rows);
    library.first_by_name(
        "What was the revenue of Brisa in Q2 of 2024?",
        "Brisa Q2 2024",
    );
    library.first_by_name("revenue 2025 Halvard Q1", "Halvard Q1 2025");
    library.first_by_name("halvrad q2 2025 costs", "Halvard Q2 2025");
}

#[test]
fn a_day_is_found_by_its_name_however_it_is_asked_for() {
    let days = (1..=9).flat_map(|month| (1..=9).map(move |day| (month, day)));
    let rows = days.map(|(month, day)| {
        let name = format!("2026-{month:02}-{day:02}");
        named(&name, &[&name], "Rain. Read all afternoon.")
    });
    let library = Library::of_rows(&rows.collect::<Vec<_>>());
    for question in [
        "2026-03-04",
        "what did I do on 4 March 2026",
        "qué hice el 4 de marzo de 2026",
        "04/03/2026",
        "4.3.2026",
        "March 4, 2026",
        "20260304",
    ] {
        library.first_by_name(question, "2026-03-04");
    }
}

#[test]
fn what_is_left_out_is_left_out_with_its_whole_document() {
    let second = ChunkRow {
        ordinal: 1,
        ..row("ode", Some("en"), "It ends with a sonnet.")
    };
    let library = Library::of_rows(&[
        row("ode", Some("en"), "A pier in the rain."),
        second,
        row("pier", Some("en"), "The pier is long."),
    ]);
    let found = |question: &str| -> Vec<String> {
        let found = library.lexical.search(question, 10, None);
        let found = found.expect("searches").chunks.into_iter();
        let out = library.lexical.left_out(question).expect("looks");
        found
            .filter(|one| !out.contains(&one.key.document))
            .map(|one| one.key.document.0)
            .collect()
    };
    assert_eq!(found("pier -sonnets"), ["pier"]);
    assert_eq!(found("pier").len(), 2);
}
