use super::*;

/// The passages of a document: their headings and texts.
pub(super) fn passages(title: &str, sections: &[(&str, &str)]) -> Vec<Passage> {
    let mut start = 0;
    let passage = |(place, (heading, text)): (usize, &(&str, &str))| {
        let from = start;
        start += text.len() + 2;
        Passage {
            n: place + 1,
            document: title.to_owned(),
            path: format!("/notes/{}.md", title.to_lowercase()),
            title: title.to_owned(),
            heading: Some((*heading).to_owned()),
            start: from,
            end: from + text.len(),
            score: 1.0,
            text: (*text).to_owned(),
            ..Passage::default()
        }
    };
    sections.iter().enumerate().map(passage).collect()
}

pub(super) fn lease() -> Vec<Passage> {
    passages(
        "Tenancy agreement",
        &[
            (
                "1. Term",
                "## 1. Term\n\nThe tenancy starts on 1 September 2025 and runs for twenty-four months, until 31 August \
                 2027. If nobody gives notice it then continues from month to month on the same conditions.",
            ),
            (
                "2. Rent",
                "## 2. Rent\n\n1. The rent is £865 per month, paid in advance by standing order on the first day of each \
                 month.\n2. If rent arrives more than seven days late, the Landlord may charge a flat fee of £20 for that \
                 month.\n3. The rent may be reviewed once, on 1 September 2026, and may not rise by more than 3%.",
            ),
            (
                "3. Deposit",
                "## 3. Deposit\n\nThe Tenants pay a deposit of £995 on signing. It is lodged with the Harrow Tenancy \
                 Deposit Scheme within thirty days. Fair wear and tear is not deducted.",
            ),
            (
                "4. Bills",
                "## 4. Bills\n\nWater is included in the rent. Gas, electricity, broadband and the council charge are paid \
                 by the Tenants. Meter readings taken at check-in: gas 04417, electricity 22981.",
            ),
            (
                "5. Use of the flat",
                "## 5. Use of the flat\n\n- The flat is a private home for no more than three people. Working from home at \
                 a desk is fine; receiving customers is not.\n- Guests may stay up to fourteen nights in a row.\n- \
                 Subletting, including short holiday lets, is not allowed.\n- No smoking anywhere indoors.",
            ),
            (
                "6. Pets",
                "## 6. Pets\n\nThe Tenants may keep one neutered cat without asking. Dogs are not permitted. Any other \
                 animal needs the Landlord's written consent, which she may refuse without giving reasons.",
            ),
            (
                "7. Repairs",
                "## 7. Repairs\n\n1. The Tenants report defects in writing within three days of noticing them.\n2. The \
                 Landlord repairs the structure, the roof, the windows, the heating and the wiring.\n3. Small jobs costing \
                 less than £40, such as light bulbs and fuses, are the Tenants' business.",
            ),
            (
                "10. Ending the tenancy early",
                "## 10. Ending the tenancy early\n\nNeither side may end the tenancy during the first nine months. After \
                 that the Tenants may leave on two months' written notice, and the Landlord may end the tenancy on three \
                 months' written notice.",
            ),
        ],
    )
}

pub(super) fn acta() -> Vec<Passage> {
    passages(
        "Acta de la junta",
        &[
            (
                "1. Cuentas",
                "### 1. Aprobación de las cuentas de 2025\n\nIngresos: 15.840 €. Gastos: 14.912 €. El saldo a 31 de \
                 diciembre en la cuenta de la comunidad era de 6.377 €. Se aprueban por unanimidad.",
            ),
            (
                "2. Presupuesto y cuota",
                "### 2. Presupuesto de 2026 y cuota\n\nSe aprueba un presupuesto de 16.560 €. La cuota ordinaria pasa de \
                 110 € a 115 € mensuales por vivienda desde el 1 de abril. El incremento de la cuota se debe al contrato \
                 de limpieza, que sube un 6 %.",
            ),
            (
                "3. Renovación del ascensor",
                "### 3. Renovación del ascensor\n\nSe examinan tres ofertas para el ascensor. Se elige la de Elevadores \
                 Tramontana, por 21.600 € con IVA, con cambio de cabina, puertas y maniobra del ascensor.\n\nLas obras del \
                 ascensor empezarán el 6 de julio y durarán cinco semanas. Durante ese tiempo no habrá ascensor.",
            ),
            (
                "4. Placas solares",
                "### 4. Placas solares en la cubierta\n\nSe presenta un estudio para instalar 14 paneles, con un coste de \
                 9.200 € y un ahorro estimado de 1.050 € al año. Se acuerda aplazar la decisión.",
            ),
        ],
    )
}

pub(super) fn source(language: &str, passages: Vec<Passage>) -> Source {
    Source {
        hash: "h".to_owned(),
        language: Some(language.to_owned()),
        passages,
    }
}

fn english() -> Language {
    Language::of("What is the rent?", None)
}

fn spanish() -> Language {
    Language::of("¿Cuánto es la cuota?", None)
}

/// The whole summary, the model saying this of every part.
fn whole(
    sources: Vec<Source>,
    language: Language,
    says: impl Fn(&Call) -> String,
) -> (String, Vec<Step>) {
    let mut summarising = Summarising::new(sources, language);
    let mut steps = Vec::new();
    loop {
        let said = summarising
            .call("m")
            .map(|call| says(&call))
            .unwrap_or_default();
        let Some(step) = summarising.settle(&said) else {
            break;
        };
        steps.push(step);
    }
    (steps.iter().map(|step| step.text.as_str()).collect(), steps)
}

#[test]
fn a_summary_has_a_header_points_with_markers_and_says_what_was_read() {
    let (text, steps) = whole(vec![source("en", lease())], english(), |_| String::new());
    assert!(text.starts_with("**Tenancy agreement**\n\n- "), "{text}");
    assert!(
        text.ends_with("\n*All of it was read: 8 passages.*\n"),
        "{text}"
    );
    let points = text.lines().filter(|line| line.starts_with("- ")).count();
    assert!((8..=14).contains(&points), "{text}");
    let citations: Vec<&Citation> = steps.iter().flat_map(|step| &step.citations).collect();
    assert_eq!(citations.len(), points);
    assert!(
        citations.windows(2).all(|two| two[0].start < two[1].start),
        "{text}"
    );
    assert_eq!(
        steps.last().map(|step| (step.done, step.total)),
        Some((steps.len(), steps.len()))
    );
}

#[test]
fn what_the_model_makes_up_is_nowhere() {
    let says = |_: &Call| {
        "The fee rises by €777 and dogs are not permitted, as Mrs Prentiss says.".to_owned()
    };
    let (text, _) = whole(vec![source("es", acta())], english(), says);
    for wrong in ["777", "dogs", "Prentiss"] {
        assert!(!text.contains(wrong), "{wrong} in {text}");
    }
}

#[test]
fn a_summary_is_in_the_language_of_its_question() {
    let (text, _) = whole(vec![source("es", acta())], spanish(), |_| String::new());
    assert!(text.contains("Se ha leído todo: 4 pasajes."), "{text}");
    let mut summarising = Summarising::new(vec![source("es", acta())], english());
    let call = summarising.call("m").expect("a sentence to translate");
    assert!(
        call.messages[1]
            .text
            .ends_with("Translate this into English."),
        "{:?}",
        call.messages
    );
    summarising.settle("");
}

#[test]
fn markers_are_the_numbers_of_the_passages_that_are_shown() {
    let summarising = Summarising::new(
        vec![
            source("en", numberless(lease())),
            source("es", numberless(acta())),
        ],
        english(),
    );
    let shown = summarising.passages();
    let numbers: Vec<usize> = shown.iter().map(|passage| passage.n).collect();
    assert_eq!(numbers, (1..=shown.len()).collect::<Vec<_>>());
    let (_, steps) = whole(
        vec![
            source("en", numberless(lease())),
            source("es", numberless(acta())),
        ],
        english(),
        |_| String::new(),
    );
    for citation in steps.iter().flat_map(|step| &step.citations) {
        let passage = &shown[citation.marker - 1];
        assert!(passage.text.contains(&citation.quote) && passage.title == citation.title);
    }
}

fn numberless(mut passages: Vec<Passage>) -> Vec<Passage> {
    for passage in &mut passages {
        passage.n = 0;
    }
    passages
}

#[test]
fn each_document_has_its_header() {
    let (text, _) = whole(
        vec![source("en", lease()), source("en", acta())],
        english(),
        |_| String::new(),
    );
    assert!(text.contains("\n\n**Acta de la junta**\n\n- "), "{text}");
    let many: Vec<Source> = (0..25).map(|_| source("en", lease())).collect();
    let (text, _) = whole(many, english(), |_| String::new());
    assert!(
        text.contains("5 more documents are not in this summary."),
        "{text}"
    );
}

#[test]
fn nothing_is_said_of_nothing() {
    let (text, steps) = whole(Vec::new(), english(), |_| String::new());
    assert!(text.is_empty() && steps.is_empty());
}

#[test]
fn what_was_worded_is_remembered_until_it_is_cleared() {
    let memory = Memory::default();
    let key = |hash: &str| Key {
        hash: hash.to_owned(),
        model: "m".to_owned(),
        language: "English",
        material: "text".to_owned(),
    };
    for number in 0..REMEMBERED {
        memory.keep(key(&number.to_string()), "said".to_owned());
    }
    assert_eq!(memory.get(&key("0")).as_deref(), Some("said"));
    memory.keep(key("new"), "said".to_owned());
    assert_eq!(memory.get(&key("1")), None);
    assert_eq!(memory.get(&key("0")).as_deref(), Some("said"));
    memory.clear();
    assert_eq!(memory.get(&key("new")), None);
}
