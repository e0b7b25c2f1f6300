//! Statements, sums and moments that questions ask for, over a library of people, meetings and invoices.

use super::tests::{NOW, shown};
use super::*;

fn kept() -> About {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    About {
        titles: owned(&["Oscar Tanaka", "Faro sin nombre", "Invoice 12 Moss Timber"]),
        folders: owned(&[
            "vault",
            "vault/people",
            "vault/meetings",
            "vault/invoices",
            "vault/libros",
        ]),
        tags: owned(&["person/club", "project/dunes", "libro/novela", "invoice"]),
        ..About::default()
    }
}

#[track_caller]
fn check(question: &str, expect: &str) {
    assert_eq!(
        shown(&plan(question, &kept(), NOW, None)),
        expect,
        "{question}"
    );
}

#[test]
fn what_no_rule_understands_is_what_documents_say() {
    check(
        "How many people live in Ghent?",
        "count ~contact says=live in Ghent",
    );
    check(
        "Which meetings was Oscar Tanaka at?",
        "list ~meeting note says=Oscar Tanaka",
    );
    check(
        "How many invoices are not paid yet?",
        "count ~invoice says=not paid",
    );
    check(
        "unpaid invoices from Moss Timber",
        "list ~invoice \"Moss Timber\" says=unpaid",
    );
    check(
        "Which invoices from March are still to be paid?",
        "list ~invoice 2026-03-01..2026-03-31 says=still to be paid",
    );
    check("List the books rated over 3", "list ~book says=rated");
    check("¿A qué libros les doy un 1?", "list ~book says=doy un 1");
    check(
        "¿Qué personas viven en Leith o Ghent?",
        "list ~contact says=viven en Leith o Ghent",
    );
    check(
        "¿Cuántos libros terminé en 2025?",
        "count ~book 2025-01-01..2025-12-31 says=terminé",
    );
    check(
        "¿En qué libros leía Faro sin nombre?",
        "list ~book says=leía Faro sin nombre",
    );
    check(
        "¿Cuántas novelas hay entre mis libros?",
        "count #libro/novela ~book",
    );
}

#[test]
fn several_senders_and_bounds_are_read() {
    check(
        "Which invoices from Moss Timber and Kestrel Print are unpaid?",
        "list ~invoice \"Moss Timber\" \"Kestrel Print\" any says=unpaid",
    );
    check(
        "¿Qué libros mencionan un faro y tienen nota 5?",
        "list ~book \"faro\" says=nota 5",
    );
    check(
        "Which are the three largest invoices?",
        "table ~invoice largest +amount 3",
    );
    check(
        "Which people were born in the 1950s?",
        "list ~contact 1950-01-01..1959-12-31 says=born",
    );
    let plan = plan(
        "Which books have a rating of 4 or more?",
        &kept(),
        NOW,
        None,
    );
    assert_eq!(plan.filters.amount, None);
    assert!(plan.filters.says[0].number.is_some());
}

#[test]
fn one_thing_is_no_list() {
    check("Which invoice has a mistake in the address?", "fact");
    check("¿Qué libro habla de faros?", "list ~book \"faros\"");
    check("How many documents do I need for a visa?", "fact");
    check("Who is my landlord?", "fact");
    check(
        "recipes with lemon and sugar",
        "list ~recipe \"lemon\" \"sugar\"",
    );
    check("books lighthouse summer", "fact");
}

#[test]
fn a_question_that_documents_do_not_answer_is_for_passages() {
    let plan = plan("How many invoices did we send to Acme?", &kept(), NOW, None);
    assert_eq!(shown(&plan), "count ~invoice says=send to Acme");
    assert_eq!(plan.otherwise.map(|plan| plan.kind), Some(Kind::Fact));
}

#[test]
fn a_statement_may_follow_a_list() {
    let follow = |previous: &str, question: &str| {
        let plan = plan(question, &kept(), NOW, Some(previous));
        let otherwise = plan.otherwise.as_ref().map(|plan| plan.kind);
        (shown(&plan), otherwise)
    };
    assert_eq!(
        follow(
            "List all invoices from Moss Timber",
            "And the ones not paid?"
        ),
        (
            "list ~invoice \"Moss Timber\" says=not paid".to_owned(),
            Some(Kind::Fact)
        )
    );
    assert_eq!(
        follow(
            "How many invoices are unpaid?",
            "And those from March 2026?"
        ),
        (
            "count ~invoice 2026-03-01..2026-03-31 says=unpaid".to_owned(),
            Some(Kind::TimeBound)
        )
    );
    assert_eq!(follow("List all invoices", "And who sent them?").0, "fact");
}

#[test]
fn birthdays_come_every_year() {
    let yearly = |question: &str| {
        let plan = plan(question, &kept(), NOW, None);
        assert_eq!(plan.filters.period, None, "{question}");
        plan.filters.says[0].yearly
    };
    assert_eq!(yearly("Who has a birthday in May?"), Some((5, None)));
    assert_eq!(
        yearly("Which people were born on 3 May?"),
        Some((5, Some(3)))
    );
    assert_eq!(yearly("¿Quién cumple años en mayo?"), Some((5, None)));
    check(
        "Who was born in May 1980?",
        "list ~contact 1980-05-01..1980-05-31 says=born",
    );
}

#[test]
fn nested_tags_are_counted_or_left_out() {
    check(
        "How many notes have the tag person, subtags included?",
        "count #person note",
    );
    check(
        "¿Cuántas notas llevan la etiqueta person, con sus subetiquetas?",
        "count #person note",
    );
    check("Which notes are tagged dunes?", "list #project/dunes note");
    let plan = plan(
        "¿Cuántas notas hay con la etiqueta person, sin subetiquetas?",
        &kept(),
        NOW,
        None,
    );
    assert!(plan.filters.exact_tag);
}

#[test]
fn sums_are_asked_for_by_verbs() {
    check(
        "How much do I still have to pay on unpaid invoices?",
        "table ~invoice says=not paid sum +amount",
    );
    check(
        "How much have I been invoiced by Moss Timber in all?",
        "table ~invoice \"Moss Timber\" sum +amount",
    );
    check(
        "¿Cuánto hemos pagado a Moss Timber en 2025?",
        "table ~invoice \"Moss Timber\" 2025-01-01..2025-12-31 says=pagada sum +amount",
    );
    check(
        "¿Cuánto debo todavía?",
        "table ~invoice says=sin pagar sum +amount",
    );
    check(
        "How much did we spend with Moss Timber?",
        "table ~invoice \"Moss Timber\" sum +amount",
    );
    check("How much did we spend on the party?", "fact");
    check("How much did we pay for the party?", "fact");
    check(
        "How much did I pay in March?",
        "timebound 2026-03-01..2026-03-31",
    );
    check(
        "Which invoice is the largest?",
        "table ~invoice largest +amount",
    );
    check(
        "¿Qué libro tiene más páginas?",
        "table ~book <pages< largest +amount",
    );
}

#[test]
fn a_moment_is_that_of_the_first_last_or_next() {
    check(
        "When was the last meeting on the dunes project?",
        "list ~meeting note \"dunes project\" ..2026-06-20 +date newest 1",
    );
    check(
        "When is my next meeting?",
        "list ~meeting note 2026-06-20.. +date oldest 1",
    );
    check(
        "¿Cuándo terminé por última vez una novela?",
        "list #libro/novela ..2026-06-20 says=terminé +date newest 1",
    );
    check("When was the boiler last serviced?", "timebound");
    check("When did Oscar Tanaka move?", "fact named=Oscar Tanaka");
}

#[test]
fn timetables_are_told_by_documents() {
    check("When does the last meeting end?", "timebound");
    check("¿Cuándo empieza la última reunión?", "timebound");
}
