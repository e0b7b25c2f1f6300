//! Finding: what comes first, where what is asked for stands in a name, a folder or a property; what is no hit; and what
//! can be written in a question to say where to look.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Daemon, Place, text};

/// A daemon that watches these notes.
fn watching<N: AsRef<str>, T: AsRef<str>>(notes: &[(N, T)]) -> (Place, Daemon) {
    let place = Place::new();
    for (name, said) in notes {
        place.write(name.as_ref(), format!("{}\n", said.as_ref()));
    }
    place.json(&["index", "notes"]);
    let daemon = place.up(&["notes"]);
    (place, daemon)
}

/// The files that are found, each once, the first first, as they lie in the folder.
fn found(place: &Place, daemon: &Daemon, query: &str) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    for hit in daemon.search(query) {
        let path = std::path::Path::new(text(&hit["path"]));
        let below = path.strip_prefix(place.note("")).expect("in the folder");
        let file = below.to_string_lossy().into_owned();
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files
}

#[track_caller]
fn first(place: &Place, daemon: &Daemon, query: &str, expect: &str) {
    let files = found(place, daemon, query);
    assert_eq!(
        files.first().map(String::as_str),
        Some(expect),
        "{query}: {files:?}"
    );
}

#[test]
fn a_name_that_is_asked_for_comes_before_texts_that_have_its_words() {
    let (place, daemon) = watching(&[
        (
            "Año nuevo.md",
            "Cenamos en casa de Begoña; brindamos con champán.",
        ),
        (
            "ley.md",
            "La nueva legislación de este año sobre la sequía obliga a cerrar el pozo.",
        ),
        (
            "ruido.md",
            "El año pasado entró en vigor la nueva ordenanza, una ordenanza nueva.",
        ),
        ("Green house.md", "Tomatoes in row two."),
        (
            "paint.md",
            "The house was painted green in May; the green of the house is pale.",
        ),
        ("Lista de la compra.md", "Leche, huevos, pan."),
        (
            "super.md",
            "La compra de la casa fue larga; la lista de gastos de la compra se guarda.",
        ),
        (
            "jetty.md",
            "---\naliases: [Open day]\n---\nBring the leaflets and the banner.",
        ),
        (
            "shop.md",
            "The shop is open every day but Sunday; on a holiday it is open half a day.",
        ),
    ]);
    for (query, expect) in [
        ("año nuevo", "Año nuevo.md"),
        ("Ano Nuevo", "Año nuevo.md"),
        ("green house", "Green house.md"),
        ("lista de la compra", "Lista de la compra.md"),
        ("open day", "jetty.md"),
    ] {
        first(&place, &daemon, query, expect);
    }
}

#[test]
fn what_tells_files_apart_decides_between_passages_that_are_alike() {
    let mut notes = Vec::new();
    for (company, sales) in [("Ardenne", 311), ("Bluewater", 402), ("Castellan", 518)] {
        for year in [2023, 2024] {
            for quarter in 1..=4 {
                let sum = sales + 7 * quarter + year - 2000;
                notes.push((
                    format!("Reports/{company} Q{quarter} {year}.md"),
                    format!("# Quarterly report\n\nRevenue for the quarter came to {sum} thousand euros, ahead of plan. Costs rose."),
                ));
                notes.push((
                    format!("Informes/{company}/{year}/T{quarter}/informe.md"),
                    format!("# Informe\n\nLos ingresos del trimestre fueron de {sum} mil euros, según lo previsto. Subieron los gastos."),
                ));
            }
        }
    }
    let (place, daemon) = watching(&notes);
    for (query, expect) in [
        (
            "What was the revenue of Ardenne in Q3 2024?",
            "Reports/Ardenne Q3 2024.md",
        ),
        ("revenue Castellan Q1 2023", "Reports/Castellan Q1 2023.md"),
        (
            "Bluewater costs, Q4 of 2023",
            "Reports/Bluewater Q4 2023.md",
        ),
        (
            "¿Cuáles fueron los ingresos de Castellan en el T2 de 2023?",
            "Informes/Castellan/2023/T2/informe.md",
        ),
        (
            "ingresos de Ardenne T4 2024",
            "Informes/Ardenne/2024/T4/informe.md",
        ),
    ] {
        first(&place, &daemon, query, expect);
    }
}

#[test]
fn a_day_and_a_folder_are_found_by_their_names() {
    let said = [
        "Cleaned the gutters.",
        "Rain. Read all afternoon.",
        "Walked to the reservoir.",
        "Repaired the gate.",
    ];
    let mut notes = Vec::new();
    for month in 1..=4 {
        for day in 1..=28 {
            notes.push((
                format!("2026-{month:02}-{day:02}.md"),
                said[(month + day) % 4].to_owned(),
            ));
        }
    }
    for project in ["Nightjar", "Kestrel", "Bittern"] {
        notes.push((
            format!("Projects/{project}/status.md"),
            "Waiting for the permit. Half of the budget is used.".to_owned(),
        ));
        notes.push((
            format!("Projects/{project}/people.md"),
            "The foreman is new, and the engineer is on leave.".to_owned(),
        ));
    }
    let (place, daemon) = watching(&notes);
    for query in [
        "2026-02-07",
        "what did I do on 7 February 2026?",
        "07/02/2026",
        "7.2.2026",
        "el 7 de febrero de 2026",
        "February 7, 2026",
    ] {
        first(&place, &daemon, query, "2026-02-07.md");
    }
    first(
        &place,
        &daemon,
        "Kestrel status",
        "Projects/Kestrel/status.md",
    );
    first(
        &place,
        &daemon,
        "how much of the budget has Bittern used?",
        "Projects/Bittern/status.md",
    );
    first(
        &place,
        &daemon,
        "¿quién es el capataz de Nightjar? people",
        "Projects/Nightjar/people.md",
    );
}

#[test]
fn a_name_carries_its_meaning() {
    let (place, daemon) = watching(&[
        ("Plumber.md", "Ring after six, 0612 88 41 02. Cash only."),
        (
            "Gym membership.md",
            "Until 30 September, 29 a month, cancel in writing.",
        ),
        ("Landlord.md", "Write to H. Sorel, answers on Mondays only."),
        (
            "Pension.md",
            "Statement arrives in March, 1,104 a month so far.",
        ),
        ("Hipoteca.md", "Fijo hasta 2029, 2,1 por ciento."),
        ("Vacaciones.md", "Ferry a las 7:40, camarote 512."),
        ("IMG_0412.md", "A heron on the weir."),
    ]);
    for (query, expect) in [
        ("someone to repair the leaking pipes", "Plumber.md"),
        ("fitness club contract", "Gym membership.md"),
        ("owner of the flat I rent", "Landlord.md"),
        ("income after retirement", "Pension.md"),
        ("préstamo de la vivienda", "Hipoteca.md"),
        ("plan de viaje del verano", "Vacaciones.md"),
    ] {
        first(&place, &daemon, query, expect);
    }
    let explained = daemon.call(
        Method::POST,
        "/api/search",
        &json!({ "query": "income after retirement", "explain": true }),
    );
    let by_name = &explained["explanation"]["candidates"][0]["name"];
    assert!(by_name["meaning"].as_f64() > Some(0.7), "{by_name}");
}

#[test]
fn one_document_has_as_many_hits_as_speak_of_what_is_asked() {
    let sections = ["roof", "cellar", "stairs", "kitchen", "porch", "attic"];
    let long: Vec<String> = sections
        .iter()
        .map(|part| {
            let rest =
                "It was done in dry weather, by two people, and took most of a week. ".repeat(4);
            format!(
                "## The {part}\n\nThe varnish for the {part} was chosen with the joiner. {rest}"
            )
        })
        .collect();
    let mut notes = vec![("joinery.md".to_owned(), long.join("\n\n"))];
    for number in 0..6 {
        notes.push((
            format!("n{number}.md"),
            format!("Number {number}: the hens lay well, and the pond is full."),
        ));
    }
    let (_place, daemon) = watching(&notes);
    let hits = daemon.search("which varnish was chosen with the joiner?");
    let of_long = hits
        .iter()
        .take(6)
        .filter(|hit| text(&hit["path"]).ends_with("joinery.md"));
    assert_eq!(of_long.count(), 6, "{hits:?}");
}

#[test]
fn what_means_nothing_finds_nothing() {
    let place = Place::new();
    place.write(
        "ferry.md",
        "The ferry to Brannock leaves at nine from the old pier.",
    );
    place.write(
        "caldera.md",
        "La caldera se revisa en mayo; la presión es de 1,5 bares.",
    );
    place.write("bees.md", "The bees were moved behind the wall.");
    place.json(&["index", "notes"]);
    for query in [
        "zzzqqq",
        "xkcdfoo blarg",
        "qwrtzp fnordlik",
        "asdf jkl",
        "шмурдяк фыва",
    ] {
        let ran = place.ends(&["search", query, "--json"], 3, &[]);
        let report: Value = serde_json::from_str(&ran.out).expect("JSON");
        assert_eq!(report["hits"], json!([]), "{query}");
    }
    for query in [
        "ferry",
        "when does the boat to Brannock leave?",
        "revisión de la caldera",
    ] {
        place.ends(&["search", query, "--json"], 0, &[]);
    }
}

#[test]
fn operators_say_where_to_look() {
    let (place, daemon) = watching(&[
        (
            "Work/2026-01-10 plan.md",
            "---\ntags: [project/north]\n---\nThe pier needs new planks.",
        ),
        (
            "Work/old.txt",
            "The pier was built of oak. It was closed on 2 May 2019.",
        ),
        (
            "Casa/Año/notas.md",
            "---\ntags: [casa]\nfecha: 2025-06-01\n---\nThe pier is where we swim. It leaks.",
        ),
        ("Casa/pier.csv", "what,cost\npier fee,12\n"),
    ]);
    let search = |query: &str| {
        let mut files = found(&place, &daemon, query);
        files.sort();
        files
    };
    let (plan, old, notas, fees) = (
        "Work/2026-01-10 plan.md",
        "Work/old.txt",
        "Casa/Año/notas.md",
        "Casa/pier.csv",
    );
    assert_eq!(search("pier").len(), 4);
    assert_eq!(search("pier tag:project"), [plan]);
    assert_eq!(search("pier etiqueta:casa"), [notas]);
    assert_eq!(search("pier folder:work"), [plan, old]);
    assert_eq!(search("pier carpeta:casa/ano"), [notas]);
    assert_eq!(search("pier path:plan"), [plan]);
    assert_eq!(search("pier type:csv"), [fees]);
    assert_eq!(search("pier type:note -folder:work"), [notas]);
    assert_eq!(
        search("pier before:2025-12-31 -type:csv")
            .iter()
            .filter(|file| *file == plan)
            .count(),
        0
    );
    assert_eq!(search("pier after:2025-12-01 type:md"), [plan]);
    assert_eq!(search("pier before:2025-07 type:md"), [notas]);
    assert_eq!(search("tag:project"), [plan]);
    assert_eq!(search("pier tag:nothing").len(), 0);
    assert_eq!(search("\"built of oak\""), [old]);
    assert_eq!(search("pier -planks -oak type:note"), [notas]);
    // What is no operator is words.
    for query in [
        "pier author:me",
        "pier before:lunch",
        "pier tag: project",
        "https://pier",
    ] {
        assert!(!search(query).is_empty(), "{query}");
    }
    let asked = daemon.ask(&json!({ "question": "folder:work What was the pier built of?" }));
    let answer = text(&asked["answer"]);
    let cited = asked["citations"].as_array().expect("citations");
    assert!(
        cited
            .iter()
            .all(|one| text(&one["path"]).contains("/Work/")),
        "{answer}: {cited:?}"
    );
    let none = daemon.ask(&json!({ "question": "folder:casa What was the pier built of? -leaks" }));
    let cited = none["citations"].as_array().expect("citations");
    assert!(
        cited
            .iter()
            .all(|one| !text(&one["path"]).contains("/Work/")),
        "{none}"
    );
}

#[test]
fn notes_are_found_by_other_names_tags_and_what_they_embed() {
    let (place, daemon) = watching(&[
        (
            "a1.md",
            "---\naliases:\n  - Grandmother's house\n  - Casa de la abuela\n---\nThe key is under the pot.",
        ),
        (
            "a2.org",
            "#+TITLE: Jetty\n:PROPERTIES:\n:ROAM_ALIASES: \"Old mole\" Wharf\n:END:\nBoats lie there.\n",
        ),
        ("a3.md", "Soup with leeks. #cooking/soups"),
        (
            "a4.md",
            "The list of things to bring:\n\n![[a5]]\n\nNothing else.",
        ),
        ("a5.md", "Tarpaulin, rope and a thermos flask."),
        ("a6.md", "---\ntags: [cooking]\n---\nBread with seeds."),
    ]);
    first(&place, &daemon, "grandmother's house", "a1.md");
    first(&place, &daemon, "casa de la abuela", "a1.md");
    first(&place, &daemon, "old mole", "a2.org");
    first(&place, &daemon, "wharf", "a2.org");
    for query in ["#cooking", "tag:cooking", "tag:#cooking"] {
        let files = found(&place, &daemon, query);
        let both = ["a3.md", "a6.md"];
        assert!(
            both.iter()
                .all(|file| files.iter().take(2).any(|one| one == file)),
            "{query}: {files:?}"
        );
    }
    first(&place, &daemon, "#cooking/soups", "a3.md");
    // A note that another shows is found with it.
    let files = found(&place, &daemon, "list of things to bring");
    assert_eq!(files[..2], ["a4.md", "a5.md"]);
}
