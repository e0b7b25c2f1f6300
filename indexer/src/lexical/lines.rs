//! Terms on their way into tantivy: one a line, each with its position before it.
//!
//! What tantivy takes as tokens it writes down as JSON and reads again; lines it takes as they are.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// The name that it is registered under, and with it the version of what is indexed as terms. Where another one is
/// written in an index, that is built again: it counts up with every change of `analysis` that changes a term.
pub(super) const LINES: &str = "vade_terms_2";

/// Terms as one text.
pub(super) fn lines<'a>(terms: impl Iterator<Item = (usize, &'a str)>) -> String {
    let mut lines = String::new();
    for (position, term) in terms {
        lines.push_str(&position.to_string());
        lines.push('\t');
        lines.push_str(term);
        lines.push('\n');
    }
    lines
}

/// Reads such a text.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    token: Token,
}

pub(super) struct Stream<'a> {
    rest: std::str::Lines<'a>,
    token: &'a mut Token,
}

impl Tokenizer for Lines {
    type TokenStream<'a> = Stream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Stream<'a> {
        self.token.reset();
        Stream {
            rest: text.lines(),
            token: &mut self.token,
        }
    }
}

impl TokenStream for Stream<'_> {
    fn advance(&mut self) -> bool {
        let line = self.rest.next().and_then(|line| line.split_once('\t'));
        let Some((position, term)) = line else {
            return false;
        };
        self.token.position = position.parse().unwrap_or_default();
        self.token.text.clear();
        self.token.text.push_str(term);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_come_back_with_their_positions() {
        let terms = [(0, "dec0054"), (0, "dec"), (1, "en a b")];
        let text = lines(terms.into_iter());
        let mut tokenizer = Lines::default();
        let mut stream = tokenizer.token_stream(&text);
        let mut back = Vec::new();
        while stream.advance() {
            back.push((stream.token().position, stream.token().text.clone()));
        }
        assert_eq!(
            back,
            terms.map(|(position, term)| (position, term.to_owned()))
        );
        assert!(!Lines::default().token_stream("").advance());
    }
}
