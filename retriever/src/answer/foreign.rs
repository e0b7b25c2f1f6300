//! A quote in another language than the question.

use vade_models::language::Form;

use super::wording::{capitalised, past_reference, repeats, speaks_of_text, worded};
use super::{Asked, Part, Shape, rows};
use crate::cite::Quote;
use crate::error::Result;
use crate::language::Language;
use crate::prompt::Then;
use crate::proof::Claim;

impl Asked<'_> {
    /// What a quote of another language says in the question's: the model's answer from it, where that is proven; else
    /// the words that are `told`, said to be the document's. None when nobody listens any more.
    ///
    /// A small model translates a sentence badly, and no proof sees it: "Le secrétaire" for the treasurer.
    pub(super) async fn translated(
        &mut self,
        part: &Part,
        quote: &Quote<'_>,
        phrase: Option<&str>,
        told: &str,
    ) -> Result<Option<String>> {
        let language = self.asking.language;
        let said = self.say_then(Then::Answer, part, quote, Form::Free);
        let Some((words, _)) = said.await? else {
            return Ok(None);
        };
        let words = past_reference(words.trim().trim_matches('"'));
        // A phrase that is all that is told is told in other words.
        let phrase = phrase.filter(|phrase| told.len() > phrase.len() + 1);
        let (yes_no, named) = match part.shape {
            Shape::YesNo => (phrase, None),
            _ => (None, phrase),
        };
        let answers = !repeats(&part.text, &words)
            && named.is_none_or(|phrase| Claim::of(phrase).lacks(&words).0 == 0);
        if answers && self.is_proven(part, quote, &words) {
            return Ok(Some(worded(yes_no, &words)));
        }
        let says = language.says(told);
        Ok(Some(match phrase {
            Some(phrase) => worded(Some(phrase), &says),
            None => capitalised(&says),
        }))
    }

    /// Whether words in the question's language say no more than a quote of another: its names, its numbers, its no.
    fn is_proven(&self, part: &Part, quote: &Quote<'_>, words: &str) -> bool {
        let language = self.asking.language;
        let passage = &part.excerpts[quote.passage].passage;
        let known = format!("{} {} {}", quote.around, passage.text, part.text);
        let claim = language.claim(words);
        !words.is_empty()
            && Language::of(words, Some(language)) == language
            && claim.lacks(&known).0 == 0
            && (speaks_of_text(quote.text) || !speaks_of_text(words))
            && claim.says_no() == Claim::of(quote.text).says_no()
            && words.contains('?') == quote.text.contains('?')
    }

    /// Whether a quote is in another language than the question: itself, or, of few words, its passage; what a table
    /// says beside its row tells nothing of it ("Mon", "Sol").
    pub(super) fn is_foreign(&self, part: &Part, quote: &Quote<'_>) -> bool {
        let asked = self.asking.language;
        let passage = &part.excerpts[quote.passage].passage;
        let language = if rows::is_row(quote.text) {
            asked
        } else {
            Language::of(&passage.text, Some(asked))
        };
        Language::of(quote.text, Some(language)) != asked
    }
}
