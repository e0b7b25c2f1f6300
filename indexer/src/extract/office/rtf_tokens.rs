//! The tokens of RTF: groups, control words, bytes of text.
//!
//! Owns the syntax and no meaning. Nothing in a file can make it fail: what is not RTF is text. Called
//! by `rtf`.

/// The longest name that a control word has.
const LONGEST_WORD: usize = 32;

/// A piece of an RTF file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    /// A control word with its number.
    Word(&'a str, Option<i32>),
    /// A control symbol such as `\~`.
    Symbol(u8),
    /// A byte of text, written as `\'hh` or as itself.
    Byte(u8),
}

/// The tokens of a file.
pub(super) struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Tokens<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn escape(&mut self) -> Option<Token<'a>> {
        let (&first, after) = self.rest.split_first()?;
        match first {
            b'\'' => {
                let code = after
                    .get(..2)
                    .and_then(|code| std::str::from_utf8(code).ok());
                let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
                self.rest = after.get(if byte.is_some() { 2.. } else { 0.. })?;
                Some(Token::Byte(byte.unwrap_or(b'\'')))
            }
            b'{' | b'}' | b'\\' => {
                self.rest = after;
                Some(Token::Byte(first))
            }
            first if first.is_ascii_alphabetic() => Some(self.word()),
            first => {
                self.rest = after;
                Some(Token::Symbol(first))
            }
        }
    }

    fn word(&mut self) -> Token<'a> {
        let length = self.rest.iter().take(LONGEST_WORD);
        let length = length.take_while(|byte| byte.is_ascii_alphabetic()).count();
        let (name, after) = self.rest.split_at(length);
        let name = std::str::from_utf8(name).unwrap_or_default();
        let signed = after.first() == Some(&b'-');
        let digits = after.iter().skip(usize::from(signed)).take(10);
        let digits = digits.take_while(|byte| byte.is_ascii_digit()).count();
        let end = if digits > 0 {
            digits + usize::from(signed)
        } else {
            0
        };
        let (number, after) = after.split_at(end);
        let number = std::str::from_utf8(number)
            .ok()
            .and_then(|number| number.parse().ok());
        // One space after a control word belongs to it.
        self.rest = after.strip_prefix(b" ").unwrap_or(after);
        if name == "bin" {
            let length = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
            self.rest = self.rest.get(length..).unwrap_or_default();
        }
        Token::Word(name, number)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let (&first, after) = self.rest.split_first()?;
            self.rest = after;
            return match first {
                b'{' => Some(Token::Open),
                b'}' => Some(Token::Close),
                b'\\' => self.escape(),
                // Lines are ended for the eyes only.
                b'\r' | b'\n' | 0 => continue,
                byte => Some(Token::Byte(byte)),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_take_their_number_and_a_space() {
        let tokens: Vec<_> =
            Tokens::new(b"{\\rtf1\\b  a\\u-10179?\\'e8\\~\\{\r\n\\bin3 {}{b}").collect();
        assert_eq!(
            tokens,
            [
                Token::Open,
                Token::Word("rtf", Some(1)),
                Token::Word("b", None),
                Token::Byte(b' '),
                Token::Byte(b'a'),
                Token::Word("u", Some(-10179)),
                Token::Byte(b'?'),
                Token::Byte(0xe8),
                Token::Symbol(b'~'),
                Token::Byte(b'{'),
                Token::Word("bin", Some(3)),
                Token::Byte(b'b'),
                Token::Close,
            ]
        );
    }

    #[test]
    fn nothing_makes_it_fail() {
        for text in [
            "\\",
            "\\'",
            "\\'e",
            "\\'zz",
            "\\bin99999999999 x",
            "\\bin-5 x",
            "\\a-",
        ] {
            let _ = Tokens::new(text.as_bytes()).count();
        }
    }
}
