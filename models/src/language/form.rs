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
}

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

/// Follows texts as tokens are chosen.
pub(super) struct Follower<'a> {
    texts: Vec<&'a [u8]>,
    favours: Vec<f32>,
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

#[derive(Clone, Copy)]
struct Cursor {
    text: usize,
    at: usize,
}

/// A token that goes on.
struct Way {
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
    /// None where any answer will do. Empty texts are never chosen.
    pub(super) fn new(form: &'a Form) -> Option<Self> {
        let (texts, ends, cursors): (Vec<&str>, _, Vec<Cursor>) = match form {
            Form::Free => return None,
            Form::OneOf(candidates) => {
                let texts: Vec<&str> = candidates.iter().map(|one| one.text.as_str()).collect();
                let cursors = (0..texts.len()).filter(|text| !texts[*text].is_empty());
                let cursors = cursors.map(|text| Cursor { text, at: 0 }).collect();
                (texts, None, cursors)
            }
            Form::SpanOf(text) => {
                let starts = starts(text).map(|at| Cursor { text: 0, at });
                let cursors = starts.collect();
                (vec![text.as_str()], Some(ends(text)), cursors)
            }
        };
        let favours = match form {
            Form::OneOf(candidates) => candidates.iter().map(|one| one.favour).collect(),
            _ => vec![0.0; texts.len()],
        };
        Some(Self {
            weights: vec![0.0; texts.len()],
            favours,
            texts: texts.into_iter().map(str::as_bytes).collect(),
            ends,
            cursors,
            said: Vec::new(),
            whole: 0,
            path: 1.0,
            likelihood: 1.0,
        })
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

    /// The tokens that go on.
    fn ways(&self, token: impl Fn(&[u8]) -> Option<u32>) -> HashMap<u32, Way> {
        let mut ways: HashMap<u32, Way> = HashMap::new();
        let mut looked_up: HashMap<&[u8], Option<u32>> = HashMap::new();
        for cursor in &self.cursors {
            let rest = &self.texts[cursor.text][cursor.at..];
            for length in 1..=rest.len().min(LONGEST_TOKEN) {
                let bytes = &rest[..length];
                let id = *looked_up.entry(bytes).or_insert_with(|| token(bytes));
                if let Some(id) = id {
                    let favour = self.favours[cursor.text];
                    let way = ways.entry(id).or_insert_with(|| Way {
                        bytes: bytes.to_vec(),
                        favour,
                    });
                    way.favour = way.favour.max(favour);
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
        let best = ways
            .iter()
            .filter_map(|(token, way)| Some((*token, score(*token, way)?)))
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        let Some((token, best)) = best else {
            return Step::End;
        };
        let highest = logit(token).unwrap_or(f32::NEG_INFINITY);
        let may_end = self.may_end();
        let wanted = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if may_end && highest < wanted {
            // It would rather say something else: it is done with this text.
            self.cursors
                .retain(|cursor| self.ends.is_some() || cursor.at == self.texts[cursor.text].len());
            return Step::End;
        }
        let all: f32 = logits.iter().map(|logit| (logit - wanted).exp()).sum();
        self.likelihood *= (highest - wanted).exp() / all;
        self.weigh(ways, best, score);
        let bytes = &ways[&token].bytes;
        let texts = &self.texts;
        self.cursors
            .retain(|cursor| texts[cursor.text][cursor.at..].starts_with(bytes));
        for cursor in &mut self.cursors {
            cursor.at += bytes.len();
        }
        self.said.extend_from_slice(bytes);
        if self.may_end() {
            self.whole = self.said.len();
        }
        Step::Go(token)
    }

    /// Shares the likelihood of the way so far among those that go on and those that are left behind.
    fn weigh(
        &mut self,
        ways: &HashMap<u32, Way>,
        best: f32,
        score: impl Fn(u32, &Way) -> Option<f32>,
    ) {
        let shares: Vec<(&[u8], f32)> = ways
            .iter()
            .filter_map(|(token, way)| Some((&way.bytes[..], (score(*token, way)? - best).exp())))
            .collect();
        let all: f32 = shares.iter().map(|(_, share)| share).sum();
        let chosen = shares.iter().find(|(_, share)| *share >= 1.0);
        let Some((chosen, _)) = chosen else { return };
        for cursor in &self.cursors {
            let rest = &self.texts[cursor.text][cursor.at..];
            if !rest.starts_with(chosen) {
                let own = shares.iter().filter(|(bytes, _)| rest.starts_with(bytes));
                let share = own.map(|(_, share)| *share).fold(0.0, f32::max) / all;
                let weight = &mut self.weights[cursor.text];
                *weight = weight.max(self.path * share);
            }
        }
        self.path /= all;
    }

    fn may_end(&self) -> bool {
        self.cursors.iter().any(|cursor| match &self.ends {
            Some(ends) => !self.said.is_empty() && ends[cursor.at],
            None => cursor.at == self.texts[cursor.text].len(),
        })
    }

    /// What was chosen: its words, and how surely.
    pub(super) fn finish(mut self) -> (String, Choice) {
        let index = self.cursors.first().map_or(0, |cursor| cursor.text);
        let words = match self.ends {
            Some(_) => &self.said[..self.whole],
            None => self.texts.get(index).copied().unwrap_or_default(),
        };
        let words = String::from_utf8_lossy(words).into_owned();
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

    /// Follows a form; the model likes tokens as given, the most liked first, and all others less.
    fn follow(form: &Form, likes: &[&[&str]]) -> (String, Choice) {
        let mut follower = Follower::new(form).expect("a form");
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
