use super::*;

const FILES: [(&str, &str); 24] = [
    (
        "home/lease-coopers-yard.md",
        "Tenancy agreement: Flat 2, Cooper's Yard, Harrowmere",
    ),
    (
        "home/boiler-hestrel-24-user-guide.md",
        "Hestrel Compact 24 combination boiler: short user guide",
    ),
    (
        "home/insurance-summary.md",
        "Home contents insurance: the short version",
    ),
    ("home/letter-to-mrs-prentiss.txt", "letter-to-mrs-prentiss"),
    (
        "casa/acta-junta-2026.md",
        "Comunidad de Propietarios Tejedores 14",
    ),
    ("casa/lavadora-lavatia-w8.txt", "lavadora-lavatia-w8"),
    ("casa/contrato-alquiler.pdf", "Contrato de alquiler"),
    (
        "garden/minutes-february-2026.md",
        "Minutes of the Allotment Society, February 2026",
    ),
    (
        "garden/minutes-march-2026.md",
        "Minutes of the Allotment Society, March 2026",
    ),
    (
        "garden/minutes-april-2026.md",
        "Minutes of the Allotment Society, April 2026",
    ),
    ("recetas/lentejas-de-la-abuela.md", "Lentejas de la abuela"),
    (
        "recetas/bizcocho-de-yogur-y-limon.md",
        "Bizcocho de yogur y limón",
    ),
    (
        "viajes/slovenia-september-2026.md",
        "Slovenia, 5–14 September 2026",
    ),
    ("vault/Notes/Home network.md", "Home network"),
    ("vault/Notes/Coro La Alondra.md", "Coro La Alondra"),
    ("vault/Notes/Varroa.md", "Varroa"),
    ("vault/Projects/Two hives.md", "Two hives"),
    ("vault/Daily/2026-06-09.md", "2026-06-09"),
    ("work/heron/2026-03-04-review.md", "Heron pilot: review"),
    ("work/heron/2026-05-20-review.md", "Heron pilot: review"),
    ("work/heron/decision-log.md", "Decision log"),
    ("reports/apple-10q-2025-q3.pdf", "Table of Contents"),
    ("reports/apple-10q-2025-q2.pdf", "Table of Contents"),
    ("reports/amazon-10q-2025-q3.pdf", "Table of Contents"),
];

fn called(more: &[(&str, &str)]) -> Vec<DocumentName> {
    let named = |(path, title): &(&str, &str)| {
        let (folder, file_name) = path.rsplit_once('/').expect("in a folder");
        DocumentName {
            id: (*path).to_owned(),
            title: (*title).to_owned(),
            file_name: file_name.to_owned(),
            folder: folder.to_owned(),
            aliases: Vec::new(),
        }
    };
    FILES.iter().chain(more).map(named).collect()
}

fn library(more: &[(&str, &str)]) -> Names {
    Names::new(called(more))
}

fn at_least(question: &str, names: &Names, least: f32) -> Vec<String> {
    let named = names
        .find(question)
        .into_iter()
        .filter(|named| named.score >= least);
    let files = named.map(|named| named.id.rsplit('/').next().unwrap_or_default().to_owned());
    files.collect()
}

/// What a fact question is answered from.
#[track_caller]
fn strongly(question: &str, expect: &[&str]) {
    let names = library(&[]);
    let found = names.find(question);
    assert_eq!(
        at_least(question, &names, STRONG),
        expect,
        "{question}: {found:?}"
    );
}

/// What a request for a summary means.
#[track_caller]
fn weakly(question: &str, expect: &[&str]) {
    let names = library(&[]);
    let found = names.find(question);
    assert_eq!(
        at_least(question, &names, WEAK),
        expect,
        "{question}: {found:?}"
    );
}

#[track_caller]
fn span(question: &str, expect: &str) {
    let found = library(&[]).find(question);
    assert_eq!(
        &question[found[0].span.clone()],
        expect,
        "{question}: {found:?}"
    );
}

#[test]
fn a_file_name_is_the_file() {
    let march = ["minutes-march-2026.md"];
    strongly("Summarize minutes-march-2026.md", &march);
    strongly("Summarize `minutes-march-2026.md`", &march);
    strongly("Summarize \"minutes-march-2026\"", &march);
    strongly("Summarize minutes-march-2026", &march);
    strongly("Summarize minutes march 2026", &march);
    strongly("What did garden/minutes-march-2026.md decide?", &march);
    strongly(
        "¿Qué dice ACTA-JUNTA-2026.md del ascensor?",
        &["acta-junta-2026.md"],
    );
    strongly("resume contrato-alquiler.pdf", &["contrato-alquiler.pdf"]);
    strongly("Who signed Home network.md?", &["Home network.md"]);
    strongly("What is in other/minutes-march-2026.txt?", &march);
}

#[test]
fn a_file_name_is_no_part_of_another() {
    let names = library(&[("a/log.md", "Log"), ("b/log.md", "Log")]);
    assert_eq!(
        at_least("Summarise decision-log.md", &names, 1.0),
        ["decision-log.md"]
    );
    assert_eq!(
        at_least("Summarise log.md", &names, 1.0),
        ["log.md", "log.md"]
    );
    assert_eq!(names.find("Summarise b/log.md")[0].id, "b/log.md");
    assert_eq!(at_least("Summarise b/log.md", &names, 1.0).len(), 1);
}

#[test]
fn a_link_is_the_note() {
    strongly(
        "What does [[Two hives]] say about mites?",
        &["Two hives.md"],
    );
    strongly("Resume [[Notes/Varroa|el ácaro]]", &["Varroa.md"]);
    strongly("Summarise [[Decision Log#June]]", &["decision-log.md"]);
    strongly("Summarise [[No such note]]", &[]);
    span("What does [[Two hives]] say about mites?", "Two hives");
}

#[test]
fn another_name_is_a_name() {
    let mut names = called(&[]);
    names[13].aliases = vec!["Wi-Fi at home".to_owned(), "Red de casa".to_owned()];
    let names = Names::new(names);
    assert_eq!(
        at_least("Summarise [[Red de casa]]", &names, 1.0),
        ["Home network.md"]
    );
    assert_eq!(
        at_least("¿Qué dice la red de casa?", &names, STRONG),
        ["Home network.md"]
    );
}

#[test]
fn the_words_that_tell_documents_apart_decide() {
    let february = ["minutes-february-2026.md"];
    strongly(
        "Summarise the minutes of the allotment society of February 2026",
        &february,
    );
    strongly(
        "What did the February 2026 minutes of the allotment society decide?",
        &february,
    );
    strongly(
        "Who was absent according to the minutes of February 2026?",
        &february,
    );
    weakly("Summarise the February minutes", &february);
    weakly("Summarise the allotment minutes from february", &february);
    weakly("Summarise the minutes of May 2026", &[]);
    weakly("Summarise the minutes of March 2025", &[]);
    strongly(
        "Summarise the review of heron in March 2026",
        &["2026-03-04-review.md"],
    );
    strongly(
        "What was Apple's inventory in Q3 2025?",
        &["apple-10q-2025-q3.pdf"],
    );
    strongly(
        "What was Apple's inventory in the third quarter of 2025?",
        &["apple-10q-2025-q3.pdf"],
    );
    strongly(
        "¿Cuál era el inventario de Amazon en el 3T 2025?",
        &["amazon-10q-2025-q3.pdf"],
    );
    strongly("What did I do on 9 June 2026?", &["2026-06-09.md"]);
}

#[test]
fn all_that_are_meant_are_named() {
    weakly(
        "Compare the minutes of February and March 2026",
        &["minutes-february-2026.md", "minutes-march-2026.md"],
    );
    weakly(
        "Summarise the lease and the boiler guide",
        &["lease-coopers-yard.md", "boiler-hestrel-24-user-guide.md"],
    );
    let three = at_least("Summarise the minutes", &library(&[]), WEAK);
    assert_eq!(three.len(), 3, "{three:?}");
    let leases = library(&[("home/garage-lease.md", "Lease of the garage in Mill Lane")]);
    let both = at_least("Summarise the lease", &leases, WEAK);
    assert_eq!(both.len(), 2, "{both:?}");
    assert_eq!(
        at_least("Summarise the garage lease", &leases, WEAK),
        ["garage-lease.md"]
    );
}

#[test]
fn a_few_words_are_enough_where_they_are_rare() {
    weakly("Summarise the lease", &["lease-coopers-yard.md"]);
    weakly("Summarise my lease, please", &["lease-coopers-yard.md"]);
    weakly("resumen del contrato", &["contrato-alquiler.pdf"]);
    weakly("Resume mi contrato de alquiler", &["contrato-alquiler.pdf"]);
    weakly(
        "Hazme un resumen de los contratos de alquiler",
        &["contrato-alquiler.pdf"],
    );
    weakly(
        "Give me the main points of the boiler guide",
        &["boiler-hestrel-24-user-guide.md"],
    );
    weakly(
        "Resúmeme la receta de lentejas",
        &["lentejas-de-la-abuela.md"],
    );
    weakly("¿Puedes resumir el diario de Eslovenia?", &[]);
    strongly(
        "What does the lease say about pets?",
        &["lease-coopers-yard.md"],
    );
    strongly(
        "According to the lease, who pays for water?",
        &["lease-coopers-yard.md"],
    );
    strongly(
        "¿Qué dice el contrato de alquiler sobre las mascotas?",
        &["contrato-alquiler.pdf"],
    );
    strongly(
        "Según el acta, ¿cuánto cuesta el ascensor?",
        &["acta-junta-2026.md"],
    );
    span("Summarise my lease, please", "lease");
    span("Resume mi contrato de alquiler", "contrato de alquiler");
}

#[test]
fn accents_and_a_letter_more_or_less_do_not_matter() {
    weakly(
        "Resume el bizcocho de yogur y limon",
        &["bizcocho-de-yogur-y-limon.md"],
    );
    weakly(
        "Summarise the tenency agreement",
        &["lease-coopers-yard.md"],
    );
    weakly(
        "Summarise the mintues of february",
        &["minutes-february-2026.md"],
    );
    let names = library(&[("notas/Reunión de vecinos.md", "Reunio\u{301}n de vecinos")]);
    assert_eq!(
        at_least("Resume la reunion de vecinos", &names, STRONG),
        ["Reunión de vecinos.md"]
    );
}

#[test]
fn ordinary_facts_name_no_document() {
    for question in [
        "When was the boiler last serviced?",
        "How much is the deposit?",
        "Which pets may the tenants keep in the flat?",
        "How do I treat varroa?",
        "Who is Mrs Prentiss?",
        "What does Mrs Prentiss want?",
        "How many hives do two beekeepers need?",
        "What is the password of the network?",
        "¿Cuánto limón lleva el bizcocho?",
        "¿Cuándo vence el contrato del gas?",
        "¿A qué hora cierra la biblioteca?",
        "What happened in March 2026?",
        "¿Qué pasó el 20 de mayo?",
        "Which farms take part in the Heron pilot?",
        "How long is the guarantee of the washing machine?",
        "What did we decide about the sensors?",
        "Who wrote the table of contents?",
        "May I march in the garden?",
        "How do I summarise a text?",
        "Which of my notes mention bees?",
        "Is there a letter from the bank?",
    ] {
        strongly(question, &[]);
    }
}

#[test]
fn what_a_question_for_a_summary_asks_about_may_be_no_document() {
    weakly("Summarise what we know about copper prices", &[]);
    weakly("Summarise my notes", &[]);
    weakly("Resume mis notas", &[]);
    weakly("Summarise this week", &[]);
    weakly("", &[]);
    weakly("¿?", &[]);
}

#[test]
fn words_that_many_names_have_tell_nothing() {
    let many: Vec<(String, String)> = (1..40)
        .map(|n| (format!("work/review-{n}.md"), format!("Weekly review {n}")))
        .collect();
    let more: Vec<(&str, &str)> = many
        .iter()
        .map(|(path, title)| (path.as_str(), title.as_str()))
        .collect();
    let names = library(&more);
    assert_eq!(
        at_least("Summarise the weekly review", &names, WEAK),
        Vec::<String>::new()
    );
    assert_eq!(
        at_least("Summarise weekly review 17", &names, WEAK),
        ["review-17.md"]
    );
}
