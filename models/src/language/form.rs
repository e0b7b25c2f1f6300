//! Answers of a given form: one of several texts, or words of one text, chosen by the model token by token.
//!
//! At each step only tokens count that go on as a text does, so that what comes out stands there word for word
//! whatever the model would have liked to say. Where one text is left, nothing more is computed. Pure: what is
//! followed and which tokens may come; the model's thread has the logits.

use std::collections::HashMap;

use super::tokenizer::Tokenizer;

/// No token that is worth following is longer (bytes).
const LONGEST_TOKEN: usize = 24;

/// What an answer may be.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Form {
    /// Whatever the model says.
    #[default]
    Free,
    /// One of these texts, word for word. They are told apart with as few tokens as it takes.
    OneOf(Vec<Candidate>),
    /// Words as they stand in this text, from the beginning of a word to the end of one.
    SpanOf(String),
    /// Yes or no. A model that is too small to tell is not run, and nothing is chosen.
    Judgement,
}

/// How a model says yes or no: two ways of each.
const JUDGEMENTS: [&str; 4] = ["Yes", "yes", "No", "no"];

/// The most that a judgement counts (log odds).
pub(super) const SUREST: f32 = 10.0;

/// A text that may be chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its words.
    pub text: String,
    /// What speaks for it beside the model (nats; 0: nothing).
    pub favour: f32,
}

impl Candidate {
    /// A text for which nothing speaks but the model.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            favour: 0.0,
        }
    }
}

/// Which text was chosen, and how surely.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The place of the text that was chosen; 0 for words of one text.
    pub index: usize,
    /// How likely each text was among them all, favours counted; together 1.
    pub weights: Vec<f32>,
    /// How likely the model was to say this by itself, over the tokens that told texts apart (0 to 1).
    pub likelihood: f32,
}

impl Choice {
    /// The log odds of yes, of a judgement.
    #[must_use]
    pub fn log_odds(&self) -> f32 {
        let (yes, no) = self.weights.split_at(self.weights.len() / 2);
        let all = |weights: &[f32]| weights.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        (all(yes) / all(no)).ln().clamp(-SUREST, SUREST)
    }
}

/// Texts of which one is said whole, ends of words, and where each begins.
type Followed<'a> = (Vec<Text<'a>>, Option<Vec<bool>>, Vec<Cursor>);

/// Texts of which one is said whole.
fn whole<'a, E>(
    all: impl Iterator<Item = (&'a str, f32)>,
    mut encode: impl FnMut(&str) -> Result<Vec<u32>, E>,
) -> Result<Followed<'a>, E> {
    let mut texts = Vec::new();
    for (words, favour) in all {
        let tokens = Some(encode(words)?);
        texts.push(Text {
            words,
            tokens,
            favour,
        });
    }
    let cursors = (0..texts.len()).filter(|text| !texts[*text].words.is_empty());
    let cursors = cursors.map(|text| Cursor { text, at: 0 }).collect();
    Ok((texts, None, cursors))
}

/// Follows texts as tokens are chosen.
pub(super) struct Follower<'a> {
    texts: Vec<Text<'a>>,
    /// Ends of words, where words of a text may end.
    ends: Option<Vec<bool>>,
    cursors: Vec<Cursor>,
    said: Vec<u8>,
    /// What of `said` ended with a word.
    whole: usize,
    /// How likely the way so far was among all ways.
    path: f32,
    weights: Vec<f32>,
    likelihood: f32,
}

/// A text that is followed.
struct Text<'a> {
    words: &'a str,
    /// As the model reads it: a text that is chosen whole goes on in no other way. None where any word may be the first.
    tokens: Option<Vec<u32>>,
    favour: f32,
}

/// A place in a text: tokens from its beginning, or bytes.
#[derive(Clone, Copy)]
struct Cursor {
    text: usize,
    at: usize,
}

/// A token that goes on.
struct Way {
    /// What it says, where texts are followed byte by byte.
    bytes: Vec<u8>,
    /// What speaks most for a text that goes on with it.
    favour: f32,
}

/// How it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// With this token.
    Go(u32),
    /// It does not: the answer is complete.
    End,
}

impl<'a> Follower<'a> {
    /// None where any answer will do. Empty texts are never chosen. `encode` gives the tokens of a text.
    ///
    /// # Errors
    /// Those of `encode`.
    pub(super) fn new<E>(
        form: &'a Form,
        encode: impl FnMut(&str) -> Result<Vec<u32>, E>,
    ) -> Result<Option<Self>, E> {
        let (texts, ends, cursors) = match form {
            Form::Free => return Ok(None),
            Form::OneOf(candidates) => {
                let candidates = candidates.iter();
                let texts = candidates.map(|one| (one.text.as_str(), one.favour));
                whole(texts, encode)?
            }
            Form::Judgement => whole(JUDGEMENTS.into_iter().map(|text| (text, 0.0)), encode)?,
            Form::SpanOf(text) => {
                let cursors = starts(text).map(|at| Cursor { text: 0, at }).collect();
                let ends = Some(ends(text));
                let text = Text {
                    words: text,
                    tokens: None,
                    favour: 0.0,
                };
                (vec![text], ends, cursors)
            }
        };
        Ok(Some(Self {
            weights: vec![0.0; texts.len()],
            texts,
            ends,
            cursors,
            said: Vec::new(),
            whole: 0,
            path: 1.0,
            likelihood: 1.0,
        }))
    }

    /// Whether there is nothing left to choose.
    pub(super) fn is_decided(&self) -> bool {
        let mut texts = self.cursors.iter().map(|cursor| cursor.text);
        let first = texts.next();
        self.ends.is_none() && texts.all(|text| Some(text) == first)
    }

    /// The next step, by what the model thinks of each token.
    pub(super) fn step(&mut self, tokenizer: &Tokenizer, logits: &[f32]) -> Step {
        let ways = self.ways(|bytes| tokenizer.token(bytes));
        self.choose(&ways, logits)
    }

    /// The tokens that go on; `token` gives the one that says just these bytes.
    fn ways(&self, token: impl Fn(&[u8]) -> Option<u32>) -> HashMap<u32, Way> {
        let mut ways: HashMap<u32, Way> = HashMap::new();
        let mut add = |id: u32, bytes: &[u8], favour: f32| {
            let way = ways.entry(id).or_insert_with(|| Way {
                bytes: bytes.to_vec(),
                favour,
            });
            way.favour = way.favour.max(favour);
        };
        for cursor in &self.cursors {
            let text = &self.texts[cursor.text];
            if let Some(tokens) = &text.tokens {
                if let Some(id) = tokens.get(cursor.at) {
                    add(*id, &[], text.favour);
                }
                continue;
            }
            let rest = &text.words.as_bytes()[cursor.at..];
            for length in 1..=rest.len().min(LONGEST_TOKEN) {
                if let Some(id) = token(&rest[..length]) {
                    add(id, &rest[..length], text.favour);
                }
            }
        }
        ways
    }

    fn choose(&mut self, ways: &HashMap<u32, Way>, logits: &[f32]) -> Step {
        let logit = |token: u32| {
            let place = usize::try_from(token).ok();
            place.and_then(|place| logits.get(place)).copied()
        };
        let score = |token: u32, way: &Way| Some(logit(token)? + way.favour);
        let scored: Vec<(u32, f32)> = ways
            .iter()
            .filter_map(|(token, way)| Some((*token, score(*token, way)?)))
            .collect();
        let best = scored
            .iter()
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        let Some(&(token, best)) = best else {
            return Step::End;
        };
        let highest = logit(token).unwrap_or(f32::NEG_INFINITY);
        let wanted = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if self.may_end() && highest < wanted {
            // It would rather say something else: it is done with this text.
            let is_chosen = |cursor: &Cursor| self.ends.is_some() || self.is_at_end(*cursor);
            let chosen = self.cursors.iter().copied().filter(is_chosen).collect();
            self.cursors = chosen;
            return Step::End;
        }
        let all: f32 = logits.iter().map(|logit| (logit - wanted).exp()).sum();
        self.likelihood *= (highest - wanted).exp() / all;
        self.weigh(ways, &scored, (token, best));
        let way = &ways[&token];
        let mut cursors = std::mem::take(&mut self.cursors);
        cursors.retain(|cursor| self.goes_on(*cursor, token, way));
        for cursor in &mut cursors {
            cursor.at += way.bytes.len().max(1);
        }
        self.cursors = cursors;
        self.said.extend_from_slice(&way.bytes);
        if self.may_end() {
            self.whole = self.said.len();
        }
        Step::Go(token)
    }

    /// Shares the likelihood of the way so far among those that go on and those that are left behind.
    fn weigh(
        &mut self,
        ways: &HashMap<u32, Way>,
        scored: &[(u32, f32)],
        (token, best): (u32, f32),
    ) {
        let share = |score: f32| (score - best).exp();
        let all: f32 = scored.iter().map(|(_, score)| share(*score)).sum();
        for cursor in &self.cursors {
            if self.goes_on(*cursor, token, &ways[&token]) {
                continue;
            }
            let own = scored
                .iter()
                .filter(|(token, _)| self.goes_on(*cursor, *token, &ways[token]))
                .map(|(_, score)| share(*score))
                .fold(0.0, f32::max);
            let weight = &mut self.weights[cursor.text];
            *weight = weight.max(self.path * own / all);
        }
        self.path /= all;
    }

    fn goes_on(&self, cursor: Cursor, token: u32, way: &Way) -> bool {
        let text = &self.texts[cursor.text];
        match &text.tokens {
            Some(tokens) => tokens.get(cursor.at) == Some(&token),
            None => text.words.as_bytes()[cursor.at..].starts_with(&way.bytes),
        }
    }

    fn is_at_end(&self, cursor: Cursor) -> bool {
        match (&self.texts[cursor.text].tokens, &self.ends) {
            (Some(tokens), _) => cursor.at == tokens.len(),
            (None, Some(ends)) => !self.said.is_empty() && ends[cursor.at],
            (None, None) => false,
        }
    }

    fn may_end(&self) -> bool {
        self.cursors.iter().any(|cursor| self.is_at_end(*cursor))
    }

    /// What was chosen: its words, and how surely.
    pub(super) fn finish(mut self) -> (String, Choice) {
        let index = self.cursors.first().map_or(0, |cursor| cursor.text);
        let words = match self.ends {
            Some(_) => String::from_utf8_lossy(&self.said[..self.whole]).into_owned(),
            None => self
                .texts
                .get(index)
                .map_or(String::new(), |text| text.words.to_owned()),
        };
        if let Some(weight) = self.weights.get_mut(index) {
            *weight = self.path;
        }
        let all: f32 = self.weights.iter().sum();
        if all > 0.0 {
            self.weights.iter_mut().for_each(|weight| *weight /= all);
        }
        let choice = Choice {
            index,
            weights: self.weights,
            likelihood: self.likelihood,
        };
        (words, choice)
    }
}

/// Where words begin (bytes), signs before them included.
fn starts(text: &str) -> impl Iterator<Item = usize> {
    let mut before: [Option<char>; 2] = [None; 2];
    text.char_indices().filter_map(move |(at, character)| {
        let [earlier, last] = before;
        before = [last, Some(character)];
        let begins = match last {
            _ if character.is_whitespace() => false,
            None => true,
            Some(last) if last.is_whitespace() => true,
            // "3.50", "5W-30" and "don't" are one word.
            Some(last) if joins(last) => {
                character.is_alphanumeric() && !earlier.is_some_and(char::is_alphanumeric)
            }
            Some(last) => character.is_alphanumeric() && !last.is_alphanumeric(),
        };
        begins.then_some(at)
    })
}

/// For each byte and the end, whether a word may end before it.
fn ends(text: &str) -> Vec<bool> {
    let mut ends = vec![false; text.len() + 1];
    let characters: Vec<(usize, char)> = text.char_indices().collect();
    for (place, (at, character)) in characters.iter().enumerate() {
        let last = place.checked_sub(1).map(|before| characters[before].1);
        let next = characters.get(place + 1).map(|(_, next)| *next);
        let inside = character.is_alphanumeric()
            || (joins(*character) && next.is_some_and(char::is_alphanumeric));
        ends[*at] = last.is_some_and(|last| !last.is_whitespace())
            && !(inside && last.is_some_and(|last| last.is_alphanumeric() || joins(last)));
    }
    ends[text.len()] = true;
    ends
}

/// Whether a character holds the parts of a word together.
fn joins(character: char) -> bool {
    matches!(
        character,
        '.' | ',' | ':' | '/' | '-' | '\'' | '’' | '@' | '_'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens of a vocabulary in which every byte is one, and some words.
    const WORDS: [&str; 6] = ["The", " rent", " deposit", "Rent", " is", "995"];

    fn token(bytes: &[u8]) -> Option<u32> {
        let word = WORDS.iter().position(|word| word.as_bytes() == bytes);
        match (word, bytes) {
            (Some(place), _) => u32::try_from(256 + place).ok(),
            (None, [byte]) => Some(u32::from(*byte)),
            (None, _) => None,
        }
    }

    /// The tokens of a text: the longest word first.
    fn encode(text: &str) -> Vec<u32> {
        let (mut rest, mut tokens) = (text.as_bytes(), Vec::new());
        while !rest.is_empty() {
            let longest = (1..=rest.len())
                .rev()
                .find(|end| token(&rest[..*end]).is_some());
            let (word, after) = rest.split_at(longest.expect("every byte is a token"));
            tokens.extend(token(word));
            rest = after;
        }
        tokens
    }

    /// Follows a form; the model likes tokens as given, the most liked first, and all others less.
    fn follow(form: &Form, likes: &[&[&str]]) -> (String, Choice) {
        let follower = Follower::new(form, |text| Ok::<_, ()>(encode(text)));
        let mut follower = follower.expect("encodes").expect("a form");
        for liked in likes {
            if follower.is_decided() {
                break;
            }
            let mut logits = vec![0.0; 256 + WORDS.len()];
            for (place, word) in liked.iter().enumerate() {
                let token = token(word.as_bytes()).expect("a token");
                let token = usize::try_from(token).expect("small");
                logits[token] = 9.0 - f32::from(u8::try_from(place).expect("few"));
            }
            let ways = follower.ways(token);
            if follower.choose(&ways, &logits) == Step::End {
                break;
            }
        }
        follower.finish()
    }

    #[test]
    fn a_judgement_has_its_odds() {
        let odds = |weights: [f32; 4]| {
            let choice = Choice {
                index: 0,
                weights: weights.to_vec(),
                likelihood: 1.0,
            };
            choice.log_odds()
        };
        assert!(odds([0.25; 4]).abs() < 1e-6);
        assert!((odds([0.5, 0.25, 0.25, 0.0]) - 3.0_f32.ln()).abs() < 1e-6);
        assert!((odds([0.0, 0.0, 1.0, 0.0]) + SUREST).abs() < 1e-6);
    }

    #[test]
    fn one_of_several_texts_is_chosen_by_the_tokens_that_tell_them_apart() {
        let texts = ["The deposit is £995.", "The rent is £865.", "Rent is due."];
        let form = Form::OneOf(texts.map(Candidate::new).to_vec());
        let (words, choice) = follow(&form, &[&["The"], &[" rent", " deposit"]]);
        assert_eq!((words.as_str(), choice.index), ("The rent is £865.", 1));
        assert!(choice.weights[1] > choice.weights[0] && choice.weights[0] > choice.weights[2]);
        assert!((choice.weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert!(choice.likelihood > 0.5, "{choice:?}");
        // What it would rather say does not matter.
        let (words, choice) = follow(&form, &[&["995", "Rent"]]);
        assert_eq!((words.as_str(), choice.index), ("Rent is due.", 2));
        assert!(choice.likelihood < 0.3, "{choice:?}");
        // A token that is the beginning of another does not lead where that one leads.
        let mut candidates = ["Tomorrow it rains.", "The rent is due."].map(Candidate::new);
        candidates[1].favour = 5.0;
        let form = Form::OneOf(candidates.to_vec());
        let (_, choice) = follow(&form, &[&["T", "The"]]);
        assert_eq!(choice.index, 1);
        // What speaks for a text counts as much as what the model thinks.
        let mut candidates = texts.map(Candidate::new);
        candidates[0].favour = 3.0;
        let form = Form::OneOf(candidates.to_vec());
        let (_, choice) = follow(&form, &[&["The"], &[" rent", " deposit"]]);
        assert_eq!(choice.index, 0);
    }

    #[test]
    fn a_text_that_begins_another_is_chosen_where_the_model_stops() {
        let form = Form::OneOf(["The rent", "The rent is"].map(Candidate::new).to_vec());
        assert_eq!(
            follow(&form, &[&["The"], &[" rent"], &["995"]]).0,
            "The rent"
        );
        assert_eq!(
            follow(&form, &[&["The"], &[" rent"], &[" is"]]).0,
            "The rent is"
        );
    }

    #[test]
    fn words_of_a_text_are_whole() {
        let form = Form::SpanOf("The deposit is £995, due on 3.50 May.".to_owned());
        assert_eq!(follow(&form, &[&["995"], &["The"]]).0, "995");
        let likes: [&[&str]; 4] = [&["d"], &["u"], &["995"], &["995"]];
        assert_eq!(follow(&form, &likes).0, "due");
    }

    #[track_caller]
    fn check_words(text: &str, expect: &[&str]) {
        let ends = ends(text);
        let words: Vec<&str> = starts(text)
            .map(|at| {
                let end = (at + 1..=text.len()).find(|end| ends[*end]);
                &text[at..end.expect("an end")]
            })
            .collect();
        assert_eq!(words, expect);
    }

    #[test]
    fn words_begin_and_end_where_people_see_it() {
        check_words(
            "Rent: £1,240.50 (5W-30)",
            &["Rent", "£", "1,240.50", "(", "5W-30"],
        );
        check_words("él «no» vive.", &["él", "«", "no", "vive"]);
        check_words("a@b.example, ok", &["a@b.example", "ok"]);
    }
}
