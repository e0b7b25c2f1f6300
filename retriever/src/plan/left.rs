//! What a question over documents says beyond filters: the words that are left make statements.

use super::asked::Asked;
use super::noun::{self, Category};
use super::parse::{Ending, Parse, States};
use super::phrases::SUBTAGS;
use super::statement;
use crate::meaning::Family;

impl Parse<'_> {
    /// "Unpaid invoices", "Moss Timber invoices": words of a statement, or a name, right before the noun.
    pub(super) fn adjective(&mut self) -> bool {
        let asked = self.asked();
        let length = statement::title(asked, self.at, self.reader.about)
            .max(statement::name(asked, self.at))
            .unwrap_or(1);
        let next = self.at + length;
        let is_before = noun::noun(asked, next).is_some_and(|noun| noun.category.is_some());
        let is_adjective = is_before && self.states != States::Never;
        if is_adjective {
            self.left.push((self.at, length));
            self.at = next;
        }
        is_adjective
    }

    /// Leaves a word to be part of a statement.
    pub(super) fn leave(&mut self) -> Option<usize> {
        if self.states == States::Never {
            return None;
        }
        let length = statement::name(self.asked(), self.at).unwrap_or(1);
        self.left.push((self.at, length));
        Some(length)
    }

    /// A title of the library is one thing, whatever its words say: "Faro sin nombre".
    pub(super) fn names_title(&mut self) -> bool {
        let title = statement::title(self.asked(), self.at, self.reader.about);
        let Some(length) = title.filter(|length| *length > 1 && self.states != States::Never)
        else {
            return false;
        };
        self.left.push((self.at, length));
        self.at += length;
        true
    }

    /// "Subtags included", "sin subetiquetas".
    pub(super) fn subtags(&mut self) -> bool {
        let asked = self.asked();
        let found = SUBTAGS
            .iter()
            .find_map(|(phrases, exact)| Some((asked.any(self.at, phrases)?, *exact)));
        let Some((length, exact)) = found.filter(|_| !self.reader.filters.tags.is_empty()) else {
            return false;
        };
        self.reader.filters.exact_tag = exact;
        self.at += length;
        true
    }

    /// "Novelas entre mis libros": another word for what is meant.
    pub(super) fn within(&mut self) -> bool {
        const AMONG: &str = "among my|among the|among|amongst my|of my|of all my|in my|entre mis|entre los|entre las|\
            de mis|en mis|de entre mis";
        let asked = self.asked();
        let Some(length) = asked.any(self.at, AMONG).filter(|_| self.is_known) else {
            return false;
        };
        let Some(noun) = noun::noun(asked, self.at + length) else {
            return false;
        };
        let filters = &mut self.reader.filters;
        if let Some(category) = noun.category {
            filters.category = Some(category.kept_by(self.reader.about));
        }
        filters.file_type = noun.file_type.or(filters.file_type);
        self.at += length + noun.length;
        true
    }

    /// The end of reading: words that are left make statements, or the question is not understood.
    pub(super) fn finish(&mut self) -> Option<()> {
        if self.ending == Ending::Needed {
            return None;
        }
        let made = statement::statements(self.asked(), &std::mem::take(&mut self.left))?;
        if made.is_empty() {
            return Some(());
        }
        let filters = &mut self.reader.filters;
        let category = filters.category.as_ref();
        let is_kind = category.is_some_and(|category| self.reader.about.has(category));
        let is_some = self.is_known
            || is_kind
            || filters
                .folders
                .iter()
                .chain(&filters.tags)
                .any(|name| name.known);
        let is_understood = made.iter().any(statement::Statement::is_understood);
        if !is_some || (self.states == States::Understood && !is_understood) {
            return None;
        }
        self.has_filter = true;
        filters.says.extend(made);
        self.settle();
        Some(())
    }

    /// Gives a statement the number or the day that is its own: "rated over 3", "born in May".
    fn settle(&mut self) {
        let asked = self.reader.asked;
        let filters = &mut self.reader.filters;
        let is_money = filters.category.as_ref().is_some_and(Category::is_of_money);
        if let Some(amount) = filters
            .amount
            .filter(|amount| amount.unit.is_none() && !is_money)
            && let Some(last) = filters.says.iter_mut().find(|one| one.is_understood())
        {
            last.number = Some(amount);
            filters.amount = None;
        }
        let recurring = filters
            .says
            .iter_mut()
            .find(|one| one.families().any(Family::recurs));
        if let (Some(one), Some(dating)) = (recurring, filters.period)
            && let (Some(from), Some(to)) = (dating.period.from, dating.period.to)
            && !says_year(asked)
            && from.month == to.month
        {
            one.yearly = Some((from.month, (from == to).then_some(from.day)));
            filters.period = None;
        }
    }
}

/// Whether a question says a year, or one that is relative to now.
fn says_year(asked: &Asked<'_>) -> bool {
    asked.has("year|ano|this|last|next|este|esta|pasado|proximo")
        || asked
            .words
            .iter()
            .any(|word| word.text.len() == 4 && word.text.bytes().all(|byte| byte.is_ascii_digit()))
}
