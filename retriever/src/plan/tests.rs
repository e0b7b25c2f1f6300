//! Questions and what is understood of them.

use super::*;

/// Saturday, 20 June 2026, at noon.
pub(super) const NOW: i64 = 1_781_956_800_000;

pub(super) fn about() -> About {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    About {
        titles: owned(&[
            "Lease for the flat",
            "minutes-march-2026.md",
            "Contrato de alquiler",
            "Two hives",
            "Varroa",
            "invoice-0412.pdf",
        ]),
        folders: owned(&[
            "vault",
            "vault/Notes",
            "vault/Books",
            "work",
            "work/heron",
            "recetas",
            "facturas",
        ]),
        tags: owned(&[
            "bees/hives",
            "mobile",
            "abejas",
            "project",
            "to-check",
            "música",
        ]),
        by_beginning: OnceLock::new(),
    }
}

/// A plan in one line.
pub(super) fn shown(plan: &Plan) -> String {
    let name = |value: &dyn std::fmt::Debug| format!("{value:?}").to_lowercase();
    let filters = &plan.filters;
    let mut parts = vec![name(&plan.kind)];
    let known = |kind: &str, names: &[Name], parts: &mut Vec<String>| {
        for tag in names {
            let mark = if tag.known { "" } else { "?" };
            parts.push(format!("{kind}{}{mark}", tag.name));
        }
    };
    known("#", &filters.tags, &mut parts);
    known("/", &filters.folders, &mut parts);
    parts.extend(filters.untagged.then(|| "untagged".to_owned()));
    parts.extend(filters.file_type.map(|kind| name(&kind)));
    parts.extend(
        filters
            .category
            .iter()
            .map(|category| format!("~{}", category.names[0])),
    );
    parts.extend(filters.title.iter().map(|title| format!("title={title}")));
    parts.extend(
        filters
            .mentions
            .iter()
            .map(|mention| format!("\"{mention}\"")),
    );
    parts.extend(filters.links.iter().map(|link| format!("[[{link}]]")));
    parts.extend(filters.absent.iter().map(|text| format!("-\"{text}\"")));
    parts.extend(filters.any_mention.then(|| "any".to_owned()));
    parts.extend(filters.language.map(|code| format!("in={code}")));
    parts.extend(filters.period.map(|dating| {
        let shown = |date: Option<Date>| date.map(|date| date.to_string()).unwrap_or_default();
        let by = if dating.by == DateKind::Changed {
            "changed="
        } else {
            ""
        };
        format!(
            "{by}{}..{}",
            shown(dating.period.from),
            shown(dating.period.to)
        )
    }));
    parts.extend(filters.amount.map(|amount| {
        let bound = |bound: Option<Bound>| {
            bound
                .map(|bound| bound.value.to_string())
                .unwrap_or_default()
        };
        let unit = amount.unit.map_or("", |unit| unit.name);
        format!("{}<{unit}<{}", bound(amount.least), bound(amount.most))
    }));
    parts.extend(
        filters
            .says
            .iter()
            .map(|statement| format!("says={}", statement.text)),
    );
    parts.extend(plan.arithmetic.map(|arithmetic| name(&arithmetic)));
    parts.extend(
        plan.columns
            .iter()
            .map(|column| format!("+{}", name(column))),
    );
    parts.extend(plan.order.map(|order| name(&order)));
    parts.extend(plan.limit.map(|limit| format!("{limit}")));
    parts.extend(plan.about.map(|fact| name(&fact)));
    parts.extend(plan.talk.map(|talk| name(&talk)));
    parts.extend(plan.target.iter().map(|target| format!("of={target}")));
    parts.extend(plan.named.iter().map(|named| format!("named={named}")));
    parts.join(" ")
}

#[track_caller]
fn check(question: &str, expect: &str) {
    assert_eq!(
        shown(&plan(question, &about(), NOW, None)),
        expect,
        "{question}"
    );
}

#[track_caller]
fn follows(previous: &str, question: &str, expect: &str) {
    assert_eq!(
        shown(&plan(question, &about(), NOW, Some(previous))),
        expect,
        "{previous} {question}"
    );
}

#[test]
fn facts_within_documents_stay_facts() {
    check("How many eggs go in the cake?", "fact");
    check("How many documents do I need for the visa?", "fact");
    check("How many minutes does the bread bake?", "fact");
    check("How many pages does the contract have?", "fact");
    check("How much does the boiler cost?", "fact");
    check("How old is Remedios?", "fact");
    check("What is the deposit?", "fact");
    check("What is Bob's email?", "fact");
    check("Which documents do I have to take to the ITV?", "fact");
    check("nils olsen phone", "fact");
    check("What does the note about varroa say?", "fact named=Varroa");
    check("Is the radio LoRa or NB-IoT?", "fact");
}

#[test]
fn los_hechos_de_un_documento_siguen_siendo_hechos() {
    check("¿Cuántos huevos lleva el bizcocho?", "fact");
    check("cuantos huevos lleva el bizcocho", "fact");
    check("¿Qué documentos hay que llevar a la ITV?", "fact");
    check("¿Cuántas páginas tiene el contrato?", "fact");
    check("¿Cuánto cuesta la caldera?", "fact");
    check("¿Cuál es la fianza?", "fact");
    check("¿Cómo se llama la casera?", "fact");
    check("¿Qué contrato tengo con la compañía del agua?", "fact");
    check("¿Quién dirige el coro?", "fact");
    check("¿La radio es LoRa o NB-IoT?", "fact");
}

#[test]
fn documents_are_counted() {
    check("How many notes are tagged mobile?", "count #mobile note");
    check("How many PDFs are in work?", "count /work pdf");
    check("How many notes mention Ana?", "count note \"Ana\"");
    check("How many documents do you have?", "count");
    check("How many notes are there?", "count note");
    check("how many notes have the tag bees", "count #bees note");
    check("How many notes are tagged wizards?", "count #wizards? note");
    check(
        "How many files are in the folder archive?",
        "count /archive?",
    );
    check(
        "How many invoices are over 500 euros?",
        "count ~invoice 500<EUR< +amount",
    );
    check(
        "How many notes did I write in March?",
        "count note 2026-03-01..2026-03-31",
    );
    check(
        "How many notes about \"bread and butter\" are there?",
        "count note \"bread and butter\"",
    );
    check("Count the notes without tags", "count untagged note");
    check("How many spreadsheets do I have?", "count spreadsheet");
    check("How many notes in Spanish are there?", "count note in=es");
    check("Can you tell me how many PDF files I have?", "count pdf");
    check("How many books do I have?", "count ~book");
}

#[test]
fn se_cuentan_documentos() {
    check(
        "¿Cuántas notas tienen la etiqueta abejas?",
        "count #abejas note",
    );
    check(
        "cuantas notas hay con la etiqueta musica",
        "count #música note",
    );
    check("¿Cuántos PDF hay en work?", "count /work pdf");
    check("¿Cuántas notas mencionan a Ana?", "count note \"Ana\"");
    check("¿Cuántos documentos tienes?", "count");
    check("¿Cuántas notas tengo?", "count note");
    check(
        "¿Cuántas facturas superan los 500 euros?",
        "count ~invoice 500<EUR< +amount",
    );
    check(
        "¿Cuántas notas escribí en marzo?",
        "count note 2026-03-01..2026-03-31",
    );
    check(
        "¿Cuántas notas hablan de abejas o colmenas?",
        "count note \"abejas\" \"colmenas\" any",
    );
    check("¿Cuántas notas están sin etiquetar?", "count untagged note");
    check("¿Cuántas hojas de cálculo tengo?", "count spreadsheet");
    check("¿Cuántas notas en inglés hay?", "count note in=en");
    check("¿Cuántos archivos hay en la carpeta heron?", "count /heron");
    check("¿Cuántas recetas hay?", "count ~recipe");
}

#[test]
fn documents_are_listed() {
    check("List notes tagged bees", "list #bees note");
    check("List all notes tagged #to-check", "list #to-check note");
    check(
        "Which of my notes mention the slow ditch?",
        "list note \"slow ditch\"",
    );
    check("list all invoices over 500", "list ~invoice 500<< +amount");
    check("notes from March 2026", "list note 2026-03-01..2026-03-31");
    check(
        "PDFs changed this week",
        "list pdf changed=2026-06-15..2026-06-21",
    );
    check("which recipes use lemon?", "list ~recipe \"lemon\"");
    check(
        "Which notes mention Ana and Luis?",
        "list note \"Ana\" \"Luis\"",
    );
    check(
        "Show me the notes in vault/Books about water from 2026",
        "list /vault/Books note \"water\" 2026-01-01..2026-12-31",
    );
    check("Do I have any notes about varroa?", "list note \"varroa\"");
    check("In which notes is Ana mentioned?", "list note \"Ana\"");
    check("Where is Ana mentioned?", "list \"Ana\"");
    check("What are my latest notes?", "list note newest");
    check("Show me the 5 most recent notes", "list note newest 5");
    check(
        "List documents with budget in the title",
        "list title=budget",
    );
    check(
        "What invoices between 100 and 200 euros do I have?",
        "list ~invoice 100<EUR<200 +amount",
    );
    check(
        "Find notes changed yesterday",
        "list note changed=2026-06-19..2026-06-19",
    );
    check("List my bees notes", "list #bees note");
    check(
        "list the files in work before 2025",
        "list /work ..2024-12-31",
    );
}

#[test]
fn se_listan_documentos() {
    check(
        "Lista las notas con la etiqueta abejas",
        "list #abejas note",
    );
    check("¿Qué notas mencionan la acequia?", "list note \"acequia\"");
    check("que notas hablan de Ana Ruiz", "list note \"Ana Ruiz\"");
    check(
        "facturas de más de 500 euros",
        "list ~invoice 500<EUR< +amount",
    );
    check("notas de marzo de 2026", "list note 2026-03-01..2026-03-31");
    check(
        "PDF modificados esta semana",
        "list pdf changed=2026-06-15..2026-06-21",
    );
    check("¿Qué recetas llevan limón?", "list ~recipe \"limón\"");
    check("¿En qué notas aparece Ana?", "list note \"Ana\"");
    check("¿Dónde se menciona a Ana?", "list \"Ana\"");
    check("Muéstrame las últimas 5 notas", "list note newest 5");
    check("¿Tengo notas sobre varroa?", "list note \"varroa\"");
    check("Enséñame los documentos de la carpeta heron", "list /heron");
    check(
        "documentos con presupuesto en el título",
        "list title=presupuesto",
    );
    check(
        "¿Qué notas cambié ayer?",
        "list note changed=2026-06-19..2026-06-19",
    );
    check(
        "Dame todas las facturas entre 100 y 200 euros",
        "list ~invoice 100<EUR<200 +amount",
    );
    check("notas anteriores a 2025", "list note ..2024-12-31");
}

#[test]
fn amounts_are_computed_over_documents() {
    check(
        "What is the total of the invoices from March?",
        "table ~invoice 2026-03-01..2026-03-31 sum +amount",
    );
    check(
        "How much do my invoices add up to?",
        "table ~invoice sum +amount",
    );
    check(
        "Which is the largest invoice?",
        "table ~invoice largest +amount",
    );
    check(
        "What is the average of all invoices in 2026?",
        "table ~invoice 2026-01-01..2026-12-31 average +amount",
    );
    check(
        "Make a table of all invoices with their dates and amounts",
        "table ~invoice +date +amount",
    );
    check(
        "¿Cuánto suman las facturas de marzo?",
        "table ~invoice 2026-03-01..2026-03-31 sum +amount",
    );
    check(
        "¿Cuál es la factura más alta?",
        "table ~invoice largest +amount",
    );
    check(
        "¿Cuál es la media de las facturas de 2026?",
        "table ~invoice 2026-01-01..2026-12-31 average +amount",
    );
    check(
        "Haz una tabla de las facturas con sus fechas e importes",
        "table ~invoice +date +amount",
    );
    check("What is the sum of the deposit and the rent?", "fact");
    check(
        "How much do the invoices of Acme cost the landlord?",
        "fact",
    );
}

#[test]
fn one_document_is_looked_up() {
    check(
        "What is the latest note about bees?",
        "list note \"bees\" newest 1",
    );
    check(
        "¿Cuál es la última nota sobre abejas?",
        "list note \"abejas\" newest 1",
    );
    check(
        "When was the lease document last changed?",
        "library changed of=lease document",
    );
    check(
        "When was minutes-march-2026.md changed?",
        "library changed of=minutes-march-2026.md",
    );
    check(
        "¿Cuándo se modificó el documento del alquiler?",
        "library changed of=documento del alquiler",
    );
    check("When was the boiler last serviced?", "timebound");
}

#[test]
fn the_library_is_asked_about() {
    check("What folders do you have?", "library folders");
    check("What tags are there?", "library tags");
    check("¿Qué carpetas tienes?", "library folders");
    check("¿Qué etiquetas hay?", "library tags");
    check("How many tags do I use?", "library tags");
    check("¿Qué tipos de archivo hay?", "library types");
}

#[test]
fn summaries_have_a_target() {
    check("Summarise the lease", "summary of=lease");
    check(
        "Summarize minutes-march-2026.md",
        "summary of=minutes-march-2026.md named=minutes-march-2026.md",
    );
    check(
        "Give me a summary of Two hives",
        "summary of=Two hives named=Two hives",
    );
    check("Summarise the notes tagged bees", "summary #bees note");
    check("Summarize the heron folder", "summary /heron");
    check("What happened last week?", "summary 2026-06-08..2026-06-14");
    check(
        "What happened on 2 June 2025?",
        "summary 2025-06-02..2025-06-02",
    );
    check(
        "¿Qué pasó el 2 de junio de 2025?",
        "summary 2025-06-02..2025-06-02",
    );
    check("What does Cousin Berta write?", "summary of=Cousin Berta");
    check("¿Qué cuenta Berta en su carta?", "summary of=Berta");
    check("Summarise the lease in three sentences", "summary of=lease");
    check("What is the lease about?", "summary of=lease");
    check(
        "Resume el contrato de alquiler",
        "summary of=contrato de alquiler named=Contrato de alquiler",
    );
    check(
        "Hazme un resumen de las notas de marzo",
        "summary note 2026-03-01..2026-03-31",
    );
    check("¿De qué trata el acta?", "summary of=acta");
    check("resumen de la carpeta heron", "summary /heron");
    check(
        "¿Qué pasó la semana pasada?",
        "summary 2026-06-08..2026-06-14",
    );
}

#[test]
fn kinds_of_english_questions_are_told_apart() {
    check("List the ingredients of the lentils", "items");
    check("Are cats permitted in the cabin?", "yesno");
    check("Does the lease allow pets?", "yesno");
    check("What is varroa?", "definition of=varroa named=Varroa");
    check("What does SPF mean?", "definition of=SPF");
    check("Why was the launch delayed?", "explanation");
    check("How do I reset the boiler?", "explanation");
    check("Which hotel is nearer?", "comparison");
    check(
        "What is the difference between the two insurance policies?",
        "comparison",
    );
    check("Is the deposit higher than the rent?", "comparison");
    check("Is the deposit more than 500?", "yesno");
    check("If a window breaks, are we insured?", "yesno");
    check("the fig bread has flour?", "yesno");
    check("the shop that has flour", "fact");
    check("What is the latest launch date?", "timebound");
    check(
        "What did I eat yesterday?",
        "timebound 2026-06-19..2026-06-19",
    );
    check(
        "What was decided in March?",
        "timebound 2026-03-01..2026-03-31",
    );
    check("Hello!", "smalltalk greeting");
    check("Thanks, bye", "smalltalk goodbye");
    check("Who are you?", "smalltalk program");
    check("Hello Kitty is on which page?", "fact");
}

#[test]
fn kinds_of_spanish_questions_are_told_apart() {
    check("Lista los ingredientes de las lentejas", "items");
    check("¿Se admiten gatos en la cabina?", "yesno");
    check("¿Los gatos pueden viajar en la cabina?", "yesno");
    check("se puede fumar en la terraza", "yesno");
    check("¿Recogen muebles en el punto limpio?", "yesno");
    check("¿Los socios podrán votar por correo?", "yesno");
    check("¿Quiere el banco la escritura?", "yesno");
    check("¿Se aprobó por fin el ascensor?", "yesno");
    check("¿Le doy ibuprofeno?", "yesno");
    check("¿Vino Ana a la boda?", "yesno");
    check("Con el seguro nuevo, ¿nos pagan el robo?", "yesno");
    check("la tarta lleva nueces", "yesno");
    check("¿Teléfono de Ana?", "fact");
    check("¿El precio de la tarta que lleva nueces?", "fact");
    check("¿Color favorito de Ana?", "fact");
    check("¿Imagen de la portada?", "fact");
    check("¿Qué es la varroa?", "definition of=varroa named=Varroa");
    check("¿Qué significa SPF?", "definition of=SPF");
    check("¿Por qué se retrasó el lanzamiento?", "explanation");
    check("¿Cómo se reinicia la caldera?", "explanation");
    check("¿Qué hotel está más cerca?", "comparison");
    check(
        "¿Cuál es la diferencia entre las dos pólizas?",
        "comparison",
    );
    check("¿Es la fianza más alta que la renta?", "comparison");
    check("¿Cuál es la última fecha de lanzamiento?", "timebound");
    check("¿Qué comí ayer?", "timebound 2026-06-19..2026-06-19");
    check(
        "¿Qué se decidió en marzo?",
        "timebound 2026-03-01..2026-03-31",
    );
    check("¡Hola!", "smalltalk greeting");
    check("muchas gracias", "smalltalk thanks");
    check("¿Quién eres?", "smalltalk program");
}

#[test]
fn a_question_goes_on_after_one_over_documents() {
    follows(
        "How many notes are tagged mobile?",
        "And those tagged bees?",
        "count #bees note",
    );
    follows(
        "List notes tagged bees",
        "And how many in March?",
        "count #bees note 2026-03-01..2026-03-31",
    );
    follows(
        "¿Cuántas facturas superan 500 euros?",
        "¿Y las de abril?",
        "count ~invoice 2026-04-01..2026-04-30 500<EUR< +amount",
    );
    follows("¿Qué notas mencionan a Ana?", "¿Y a Luis?", "fact");
    follows("What is the deposit?", "And in winter?", "fact");
}

#[test]
fn several_filters_are_read_in_any_order() {
    check(
        "Which notes are tagged both bees and mobile?",
        "list #bees #mobile note",
    );
    check(
        "How many notes mention bees but not varroa?",
        "count note \"bees\" -\"varroa\"",
    );
    check("How many notes link to Varroa?", "count note [[Varroa]]");
    check(
        "List the PDF files in the work folder about Heron changed since May",
        "list /work pdf \"Heron\" changed=2026-05-01..",
    );
    check(
        "List every invoice above €1,000 from 2025",
        "list ~invoice 2025-01-01..2025-12-31 1000<EUR< +amount",
    );
    check("invoices > 500", "list ~invoice 500<< +amount");
    check(
        "How much do the invoices from Acme total?",
        "table ~invoice \"Acme\" sum +amount",
    );
    check("What is the total amount of the invoice from Acme?", "fact");
    check("How many PDF invoices do I have?", "count pdf ~invoice");
    check("What is in the heron folder?", "list /heron");
    check("How many notes per tag?", "library tags");
    check("Which document says how to reset the boiler?", "fact");
    check("bees", "fact");
}

#[test]
fn varios_filtros_se_leen_en_cualquier_orden() {
    check(
        "¿Qué notas tienen las etiquetas abejas y mobile?",
        "list #abejas #mobile note",
    );
    check(
        "¿Cuántas notas mencionan abejas pero no varroa?",
        "count note \"abejas\" -\"varroa\"",
    );
    check("¿Cuántas notas enlazan a Varroa?", "count note [[Varroa]]");
    check(
        "notas que mencionan a Ana Ruiz de 2026",
        "list note \"Ana Ruiz\" 2026-01-01..2026-12-31",
    );
    check(
        "Lista todas las facturas de más de 1.000 € de 2025",
        "list ~invoice 2025-01-01..2025-12-31 1000<EUR< +amount",
    );
    check(
        "facturas de marzo por encima de 200",
        "list ~invoice 2026-03-01..2026-03-31 200<< +amount",
    );
    check(
        "hojas de cálculo cambiadas en los últimos 7 días",
        "list spreadsheet changed=2026-06-13..2026-06-20",
    );
    check("¿Cuánto es el total de la factura de Acme?", "fact");
    check("documentos de Word en español", "list word in=es");
    check("¿Qué hay en la carpeta recetas?", "list /recetas");
    check("¿Cuántas notas hay por etiqueta?", "library tags");
    check("¿Cuántas cartas hay en una baraja?", "fact");
    check("abejas", "fact");
}
