//! Sums that are asked for by a verb: "How much do I still owe Moss Timber?", "¿Cuánto me ha facturado Luque?"

use super::asked::Asked;
use super::noun::{self, Category};
use super::parse::Parse;
use super::statement::{self, Statement, Term};
use super::{About, Arithmetic, Kind, Plan};
use crate::calendar::Date;

const OPENERS: &str = "how much|how much money|what|cuanto|cuanto dinero|what amount|what sum";

/// To be paid still.
const OWED: &str = "do i still have to pay|do we still have to pay|do i have to pay|do we have to pay|\
    do i still need to pay|do i still owe|do we still owe|do i owe|do we owe|is left to pay|is still to pay|\
    is still unpaid|is unpaid|is outstanding|is still outstanding|remains to be paid|is still to be paid|\
    do i have left to pay|have i not paid|have i still to pay|have i yet to pay|have i left to pay|\
    me queda por pagar|nos queda por pagar|queda por pagar|me falta por pagar|nos falta por pagar|falta por pagar|\
    tengo que pagar|tenemos que pagar|tengo por pagar|tenemos por pagar|tengo pendiente de pago|\
    tengo pendiente|queda pendiente|queda pendiente de pago|hay pendiente de pago|debo|debemos|adeudo|\
    me queda pendiente|esta sin pagar|no he pagado|no hemos pagado|tengo sin pagar|hay sin pagar|hay por pagar";

/// Paid.
const PAID: &str = "have i paid|have we paid|did i pay|did we pay|i have paid|we have paid|has been paid|have i already paid|\
    have we already paid|he pagado|hemos pagado|llevo pagado|llevamos pagado|se ha pagado|pague|pagamos|\
    he pagado ya|hemos pagado ya|ya he pagado|ya hemos pagado";

/// Spent: told by invoices only where one or a sender is named.
const SPENT: &str = "did i spend|did we spend|have i spent|have we spent|i have spent|he gastado|hemos gastado|llevo gastado|\
    llevamos gastado|gaste|gastamos|me he gastado|me gaste|nos hemos gastado";

/// Invoiced, paid or not.
const BILLED: &str = "have i been invoiced|have we been invoiced|have i been billed|have we been billed|have i been charged|\
    was i billed|was i invoiced|were we billed|were we invoiced|invoiced me|invoiced us|billed me|billed us|\
    charged me|charged us|invoice me|invoice us|bill me|bill us|charge me|charge us|has invoiced|has billed|\
    me ha facturado|nos ha facturado|me han facturado|nos han facturado|me facturo|nos facturo|\
    me facturaron|me ha cobrado|nos ha cobrado|me han cobrado|me cobro|nos cobro|me cobraron|ha facturado";

/// Words that say nothing more.
const AROUND: &str = "i|we|me|us|did|has|have|do|still|so far|already|in all|in total|altogether|all together|overall|\
    all in all|up to now|in|total|todavia|aun|ya|en total|hasta ahora|en conjunto|de momento|por ahora|currently|\
    right now|now|ahora|ahora mismo|yet|on|for|in the|on the|on my|of the|of my|for the|for my|from the|de las|\
    de mis|en las|por las|por mis|de los|en";

/// The sum of the invoices that such a question is about.
pub(super) fn paid(asked: &Asked<'_>, about: &About, today: Date, start: usize) -> Option<Plan> {
    let mut at = start + asked.any(start, OPENERS)?;
    let is_spanish = asked.word(start) == "cuanto";
    let mut parse = Parse::new(asked, about, today, at);
    let mut verb = None;
    let mut noun = None;
    let mut names = Vec::new();
    while at < asked.len() {
        if verb.is_none()
            && let Some((found, length)) = verb_at(asked, at)
        {
            verb = Some(found);
            at += length;
            continue;
        }
        if noun.is_none()
            && let Some((found, length)) = invoices(asked, at)
        {
            noun = Some(found);
            at += length;
            continue;
        }
        if let Some((name, length)) = party(asked, at) {
            names.push(name);
            at += length;
            continue;
        }
        let length = parse.reader.period(at).or_else(|| asked.any(at, AROUND))?;
        at += length;
    }
    let verb = verb?;
    // What was paid on the whole may be told in other words than those of invoices.
    if matches!(verb, Verb::Paid | Verb::Spent) && noun.is_none() && names.is_empty() {
        return None;
    }
    let category =
        noun.or_else(|| Category::named(if is_spanish { "facturas" } else { "invoices" }))?;
    if !about.has(&category) {
        return None;
    }
    let filters = &mut parse.reader.filters;
    filters.category = Some(category.kept_by(about));
    filters.mentions = names;
    if matches!(verb, Verb::Owed | Verb::Paid) {
        filters.says.push(Statement {
            text: verb.text(is_spanish).to_owned(),
            terms: vec![Term::Word("paid".to_owned())],
            denied: verb == Verb::Owed,
            ..Statement::default()
        });
    }
    parse.has_filter = true;
    let mut plan = parse.plan(Kind::Table, Some(Arithmetic::Sum))?;
    // Without an invoice that says so it is a question like others.
    plan.least = 1;
    Some(plan)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Owed,
    Paid,
    Spent,
    Billed,
}

impl Verb {
    fn text(self, spanish: bool) -> &'static str {
        match (self, spanish) {
            (Self::Owed, false) => "not paid",
            (Self::Owed, true) => "sin pagar",
            (_, false) => "paid",
            (_, true) => "pagada",
        }
    }
}

fn verb_at(asked: &Asked<'_>, at: usize) -> Option<(Verb, usize)> {
    let verbs = [
        (OWED, Verb::Owed),
        (PAID, Verb::Paid),
        (SPENT, Verb::Spent),
        (BILLED, Verb::Billed),
    ];
    let found = verbs
        .iter()
        .filter_map(|(phrases, verb)| Some((*verb, asked.any(at, phrases)?)));
    found.max_by_key(|(_, length)| *length)
}

/// "Unpaid invoices", "facturas pendientes": what is to be paid are the unpaid ones.
fn invoices(asked: &Asked<'_>, at: usize) -> Option<(Category, usize)> {
    const UNPAID: &str =
        "unpaid|outstanding|open|the unpaid|the outstanding|my unpaid|my outstanding";
    const BEHIND: &str = "sin pagar|pendientes|pendientes de pago|impagadas|por pagar|not paid|that are not paid|\
        que no he pagado|not paid yet|still unpaid|that i have not paid";
    let before = asked.any(at, UNPAID).unwrap_or_default();
    let noun = noun::noun(asked, at + before)?;
    let category = noun.category.filter(Category::is_of_money)?;
    let length = before + noun.length;
    Some((
        category,
        length + asked.any(at + length, BEHIND).unwrap_or_default(),
    ))
}

/// Who sent the invoices or was paid: "by Moss Timber", "a Luque".
fn party(asked: &Asked<'_>, at: usize) -> Option<(String, usize)> {
    let lead = asked
        .any(at, "by|from|to|of|with|on|at|a|de|al|del|con|para|por|en")
        .unwrap_or_default();
    let length = statement::name(asked, at + lead)?;
    let name = asked.span(at + lead..at + lead + length).to_owned();
    Some((name, lead + length))
}
