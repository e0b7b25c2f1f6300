//! Comparisons with an amount: "over 500", "entre 20 y 30 kg".

use serde::Serialize;

use super::asked::Asked;
use crate::values::{Amount, Number, Unit};

/// What an amount must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Comparison {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least: Option<Bound>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<Bound>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
}

/// An end of what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Bound {
    pub value: Number,
    /// The value itself is wanted, too.
    pub included: bool,
}

impl Comparison {
    /// Any amount of a unit.
    pub(super) fn in_unit(unit: Unit) -> Self {
        Self {
            least: None,
            most: None,
            unit: Some(unit),
        }
    }

    /// Whether an amount is wanted; one in another unit is not.
    pub(crate) fn admits(&self, amount: &Amount) -> bool {
        let is_comparable = match (self.unit, amount.unit) {
            (Some(one), Some(other)) => one.base == other.base,
            _ => true,
        };
        let factor = self.unit.map_or(1, |unit| unit.factor);
        let value = match (self.unit, amount.unit) {
            (Some(_), Some(_)) => amount.in_base(),
            _ => amount.value.times(factor),
        };
        let within = |bound: Option<Bound>, beyond: fn(Number, Number) -> bool| {
            bound.is_none_or(|bound| {
                let limit = bound.value.times(factor);
                beyond(value, limit) || (bound.included && value == limit)
            })
        };
        is_comparable
            && within(self.least, |value, limit| value > limit)
            && within(self.most, |value, limit| value < limit)
    }
}

const OVER: &str = "over|above|more than|greater than|larger than|higher than|bigger than|exceeding|exceed|exceeds|\
    of over|of more than|mas de|de mas de|superan|supera|superen|superiores a|superior a|\
    superan los|mayores de|mayores que|mayores a|mayor de|mayor que|mayor a|por encima de|\
    por encima de los|exceden|exceden de|pasan de|por mas de|supera los|supera el";
const AT_LEAST: &str = "at least|no less than|of at least|a minimum of|al menos|de al menos|como minimo|por lo menos|\
    un minimo de";
const UNDER: &str = "under|below|less than|smaller than|lower than|cheaper than|of less than|of under|menos de|\
    de menos de|inferiores a|inferior a|menores de|menores que|menores a|menor de|menor que|\
    por debajo de|por debajo de los|no llegan a|por menos de";
const AT_MOST: &str = "at most|up to|no more than|a maximum of|como maximo|a lo sumo|hasta|no superan|no mas de|\
    de hasta";
const EXACTLY: &str = "exactly|of exactly|equal to|exactamente|iguales a";

/// What may say that an amount follows.
const LEADS: &str = "contain amounts|mention amounts|have amounts|mencionan importes|tienen importes|\
    contain an amount|with amounts|with an amount|with an amount of|with a total|\
    with a total of|with totals|whose total is|whose amount is|that cost|costing|cost|worth|priced|\
    with prices|with a price|that are|con importes|con un importe|con un importe de|con importe|\
    con importe de|con un total|con un total de|con total|cuyo importe|cuyo importe es|cuyo total|\
    cuyo total es|que cuestan|cuestan|por valor de|por importe de|por un importe de|\
    contienen importes|con precio|con un precio|que sean";

/// The comparison that is said from this word on, and its words.
pub(super) fn comparison(asked: &Asked<'_>, at: usize) -> Option<(Comparison, usize)> {
    let lead = asked.any(at, LEADS).unwrap_or_default();
    let after_lead = (lead > 0).then(|| compared(asked, at + lead)).flatten();
    after_lead
        .map(|(comparison, length)| (comparison, lead + length))
        .or_else(|| compared(asked, at))
}

fn compared(asked: &Asked<'_>, at: usize) -> Option<(Comparison, usize)> {
    let found = range(asked, at).or_else(|| signed(asked, at));
    if let Some(found) = found.or_else(|| open_ended(asked, at)) {
        return Some(found);
    }
    let phrases: [(&str, bool, bool, bool); 5] = [
        (OVER, true, false, false),
        (AT_LEAST, true, false, true),
        (UNDER, false, true, false),
        (AT_MOST, false, true, true),
        (EXACTLY, true, true, true),
    ];
    phrases.iter().find_map(|(phrases, least, most, included)| {
        let length = asked.any(at, phrases)?;
        let (amount, more) = asked.amount(at + length)?;
        let bound = Bound {
            value: amount.value,
            included: *included,
        };
        let comparison = Comparison {
            least: least.then_some(bound),
            most: most.then_some(bound),
            unit: amount.unit,
        };
        Some((comparison, length + more))
    })
}

/// "4 or more", "4 o menos".
fn open_ended(asked: &Asked<'_>, at: usize) -> Option<(Comparison, usize)> {
    const MORE: &str = "or more|or higher|or above|or better|or over|and above|o mas|o mayor|o superior|o mayores|o superiores";
    const LESS: &str = "or less|or fewer|or lower|or below|or under|and below|o menos|o menor|o inferior|o menores|o inferiores";
    let start = asked.past(at, "of|de|a|un|una");
    let (amount, length) = asked.amount(start)?;
    let end = start + length;
    let bound = Some(Bound {
        value: amount.value,
        included: true,
    });
    let more = asked.any(end, MORE);
    let less = asked.any(end, LESS);
    let comparison = Comparison {
        least: more.and(bound),
        most: less.and(bound),
        unit: amount.unit,
    };
    Some((comparison, end + more.or(less)? - at))
}

/// "> 500".
fn signed(asked: &Asked<'_>, at: usize) -> Option<(Comparison, usize)> {
    let (amount, length) = asked.amount(at)?;
    let before = asked.text[..amount.span.start].trim_end();
    let included = before.ends_with(['=', '≥', '≤']);
    let before = before.trim_end_matches('=');
    let bound = Bound {
        value: amount.value,
        included,
    };
    let least = before.ends_with(['>', '≥']).then_some(bound);
    let most = before.ends_with(['<', '≤']).then_some(bound);
    let comparison = Comparison {
        least,
        most,
        unit: amount.unit,
    };
    (least.is_some() || most.is_some()).then_some((comparison, length))
}

fn range(asked: &Asked<'_>, at: usize) -> Option<(Comparison, usize)> {
    let first = at + asked.any(at, "between|of between|entre|de entre")?;
    let (low, length) = asked.amount(first)?;
    let middle = first + length;
    let second = middle + asked.any(middle, "and|y")?;
    let (high, length) = asked.amount(second)?;
    let bound = |amount: &Amount| {
        Some(Bound {
            value: amount.value,
            included: true,
        })
    };
    let comparison = Comparison {
        least: bound(low),
        most: bound(high),
        unit: high.unit.or(low.unit),
    };
    Some((comparison, second + length - at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::amounts;

    #[track_caller]
    fn check(text: &str, admitted: &[&str], refused: &[&str]) {
        let asked = Asked::new(text);
        let (comparison, length) = comparison(&asked, 0).expect("a comparison");
        assert_eq!(length, asked.len(), "{text}");
        for (amount, expect) in admitted
            .iter()
            .map(|amount| (amount, true))
            .chain(refused.iter().map(|amount| (amount, false)))
        {
            let read = amounts(amount, None);
            assert_eq!(comparison.admits(&read[0]), expect, "{text}: {amount}");
        }
    }

    #[test]
    fn amounts_are_compared_in_their_units() {
        check("over 500", &["501", "£500.01"], &["500", "20 €"]);
        check(
            "more than 1,250.50 euros",
            &["1.250,51 €"],
            &["1250,50 €", "£9000"],
        );
        check("at least 2 kg", &["2000 g", "2 kg"], &["1999 g", "3 l"]);
        check(
            "between £20 and £30",
            &["£20", "£30"],
            &["£31", "19.99 GBP"],
        );
        check("superan los 500 euros", &["500,01 €"], &["500 €"]);
        check("por debajo de 20 €", &["19,99 €"], &["20 €"]);
        check("entre 20 y 30 kg", &["25 kg"], &["31 kg"]);
        check("with a total of at least 600", &["600"], &["599"]);
        check("cuyo importe supera los 20 €", &["21 €"], &["20 €"]);
        check("<= 20", &["20"], &["21"]);
        check("of 4 or more", &["4", "5"], &["3"]);
        check("200 € o menos", &["200 €"], &["201 €"]);
        check("hasta 100 dólares", &["$100"], &["$101"]);
    }
}
