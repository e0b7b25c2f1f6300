//! The amount that a document is about: what an invoice comes to.

use super::amount::{Amount, amounts};
use super::unit::Unit;
use crate::fold::folded;

/// Labels of the amount that is to be paid in the end.
const FINAL: [&str; 19] = [
    "grand total",
    "total due",
    "amount due",
    "balance due",
    "total to pay",
    "total payable",
    "amount payable",
    "please pay",
    "invoice total",
    "total amount",
    "total a pagar",
    "importe total",
    "total factura",
    "total de la factura",
    "a pagar",
    "importe a pagar",
    "total con iva",
    "iva incluido",
    "total including vat",
];

/// Labels of other totals.
const TOTAL: [&str; 8] = [
    "total", "totals", "importe", "amount", "sum", "suma", "price", "precio",
];

/// Labels of what is part of a total, or no amount to pay.
const PART: [&str; 16] = [
    "subtotal",
    "sub total",
    "before tax",
    "excluding vat",
    "excl vat",
    "net",
    "neto",
    "base imponible",
    "sin iva",
    "antes de impuestos",
    "vat",
    "iva",
    "tax",
    "discount",
    "descuento",
    "impuestos",
];

/// The total-like amount of a document's text: the one with the best label before it in its line, or
/// alone on the line below; of equals the largest. Where `unit` is given, only amounts that can be
/// compared with it.
pub(crate) fn total(text: &str, language: Option<&str>, unit: Option<Unit>) -> Option<Amount> {
    let fits = |amount: &Amount| match (amount.unit, unit) {
        (Some(one), Some(other)) => one.base == other.base,
        (None, Some(other)) => other.is_currency() && rank(text, amount) > Rank::Unlabelled,
        (Some(one), None) => one.is_currency(),
        (None, None) => rank(text, amount) > Rank::Unlabelled,
    };
    amounts(text, language)
        .into_iter()
        .filter(fits)
        .max_by_key(|amount| (rank(text, amount), amount.in_base()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Part,
    Unlabelled,
    Total,
    Final,
}

fn rank(text: &str, amount: &Amount) -> Rank {
    let before = &text[..amount.span.start];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let label = &text[start..amount.span.start];
    if label.chars().any(char::is_alphabetic) {
        return rank_of(label);
    }
    let line_above = text[..start]
        .trim_end()
        .lines()
        .next_back()
        .unwrap_or_default();
    let says_amount = line_above.chars().any(|c| c.is_ascii_digit());
    if says_amount || line_above.contains('|') {
        Rank::Unlabelled
    } else {
        rank_of(line_above)
    }
}

fn rank_of(label: &str) -> Rank {
    let label = format!(" {} ", folded(label));
    let says = |labels: &[&str]| {
        labels
            .iter()
            .any(|other| label.contains(&format!(" {other} ")))
    };
    if says(&FINAL) {
        Rank::Final
    } else if says(&PART) {
        Rank::Part
    } else if says(&TOTAL) {
        Rank::Total
    } else {
        Rank::Unlabelled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<&str>) {
        let found = total(text, None, None);
        assert_eq!(found.map(|amount| &text[amount.span]), expect, "{text}");
    }

    #[test]
    fn the_label_decides_before_the_size() {
        check("Paper £1,200\nDiscount £900\nTotal: £300", Some("£300"));
        check(
            "Subtotal 1.000,00 €\nIVA 21 % 210,00 €\nTotal 1.210,00 €",
            Some("1.210,00 €"),
        );
        check("Total before discount £500\nAmount due: £450", Some("£450"));
        check(
            "| Concepto | Importe |\n|---|---|\n| Papel | 30 € |\n| **Total** | **90 €** |",
            Some("90 €"),
        );
        check("Importe total\n1.250,50 €\nGracias", Some("1.250,50 €"));
        check("Total: 1250.50", Some("1250.50"));
    }

    #[test]
    fn without_a_label_the_largest_amount_of_money_counts() {
        check("Chain £24, pads £13, 2,050 km", Some("£24"));
        check("Mix 180 g flour and 190 g water", None);
    }

    #[test]
    fn only_what_can_be_compared_is_taken() {
        let text = "Total weight 20 kg\nTotal £30";
        let found = total(text, None, Unit::of("g")).map(|amount| text[amount.span].to_owned());
        assert_eq!(found.as_deref(), Some("20 kg"));
    }
}
