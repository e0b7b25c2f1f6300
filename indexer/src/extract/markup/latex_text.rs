//! LaTeX as a line of text, for headings.
//!
//! Owns what the commands that stand in headings leave behind. Called by the LaTeX reader.

use unicode_normalization::UnicodeNormalization;

use super::super::transcript::single_line;
use super::latex::{Scanner, command};

/// Commands that leave nothing of their argument in a line of text.
const DROPPED: &[&str] = &[
    "cite",
    "citep",
    "citet",
    "color",
    "footnote",
    "footnotemark",
    "hspace",
    "includegraphics",
    "index",
    "label",
    "pageref",
    "ref",
    "texorpdfstring",
    "thanks",
    "vspace",
];

/// Commands that are a character.
const LETTERS: &[(&str, &str)] = &[
    ("ss", "ß"),
    ("o", "ø"),
    ("O", "Ø"),
    ("ae", "æ"),
    ("AE", "Æ"),
    ("oe", "œ"),
    ("OE", "Œ"),
    ("aa", "å"),
    ("AA", "Å"),
    ("l", "ł"),
    ("L", "Ł"),
    ("i", "i"),
    ("j", "j"),
    ("S", "§"),
    ("dots", "…"),
    ("ldots", "…"),
    ("textendash", "–"),
    ("textemdash", "—"),
    ("LaTeX", "LaTeX"),
    ("TeX", "TeX"),
    ("quad", " "),
    ("qquad", " "),
    ("newline", " "),
    ("linebreak", " "),
    ("and", " "),
];

/// Accents by command, as combining characters.
const ACCENTS: &[(&str, char)] = &[
    ("`", '\u{300}'),
    ("'", '\u{301}'),
    ("^", '\u{302}'),
    ("~", '\u{303}'),
    ("=", '\u{304}'),
    ("u", '\u{306}'),
    (".", '\u{307}'),
    ("\"", '\u{308}'),
    ("r", '\u{30a}'),
    ("H", '\u{30b}'),
    ("v", '\u{30c}'),
    ("d", '\u{323}'),
    ("c", '\u{327}'),
    ("k", '\u{328}'),
    ("b", '\u{331}'),
];

/// LaTeX as text on one line: commands without their names, accents put on their letters.
pub(super) fn plain(source: &str) -> String {
    let mut scanner = Scanner::new(source);
    let mut text = String::new();
    while let Some(offset) = scanner.rest().find(['\\', '%', '{', '}', '~', '$']) {
        let start = scanner.at + offset;
        text.push_str(&source[scanner.at..start]);
        scanner.at = start + 1;
        match source.as_bytes()[start] {
            b'\\' => expand(&mut scanner, &mut text),
            b'%' => scanner.skip_to("\n"),
            b'~' => text.push(' '),
            _ => {}
        }
    }
    text.push_str(scanner.rest());
    let text = text.replace("---", "—").replace("--", "–");
    let text = text.replace("``", "“").replace("''", "”");
    single_line(&text.nfc().collect::<String>())
}

/// Reads one command after its backslash.
fn expand(scanner: &mut Scanner<'_>, text: &mut String) {
    let name = match command(scanner.rest()) {
        "" => {
            let rest = scanner.rest();
            &rest[..rest.chars().next().map_or(0, char::len_utf8)]
        }
        name => name,
    };
    scanner.at += name.len();
    if let Some((_, accent)) = ACCENTS.iter().find(|(known, _)| *known == name) {
        let rest = scanner.rest();
        let letter = rest.trim_start_matches([' ', '{', '\\']);
        if let Some(letter) = letter.chars().next().filter(|c| c.is_alphabetic()) {
            let skipped = rest.find(letter).unwrap_or(0);
            scanner.at += skipped + letter.len_utf8();
            text.extend([letter, *accent]);
        }
    } else if let Some((_, letters)) = LETTERS.iter().find(|(known, _)| *known == name) {
        text.push_str(letters);
        let rest = scanner.rest();
        scanner.at += usize::from(rest.starts_with(' '));
    } else if DROPPED.contains(&name) {
        scanner.skip_optional();
        scanner.argument();
    } else if matches!(name, "&" | "%" | "$" | "#" | "_" | "{" | "}") {
        text.push_str(name);
    } else if matches!(name, "\\" | "," | ";" | ":" | " ") {
        text.push(' ');
    } else if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        scanner.skip_optional();
        // Its space only ends the name, where no argument follows.
        let rest = scanner.rest();
        scanner.at += rest.len() - rest.trim_start_matches(' ').len();
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn commands_leave_their_text() {
        for (source, text) in [
            (
                r"\v{C}esk\'y \textbf{les}\footnote{x \emph{y}}",
                "Český les",
            ),
            (r"\LaTeX\ and \TeX{}", "LaTeX and TeX"),
            (r"A~B\\C --- D", "A B C — D"),
            (r"\texorpdfstring{$\alpha$}{alpha} ``rays''", "alpha “rays”"),
            (r#"Stra\ss e na\"{\i}ve $x^2$"#, "Straße naïve x^2"),
            ("\\", ""),
        ] {
            assert_eq!(plain(source), text, "{source}");
        }
    }
}
