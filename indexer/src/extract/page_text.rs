//! The raw lines of a PDF page to text that can be read and searched.
//!
//! Owns what typesetting did to the words and has to be undone: ligatures, hyphens at line ends,
//! lines broken in the middle of a sentence. Pure functions; called by `pdf`, page by page.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// A line shorter than this part of the page's usual line was ended on purpose: a title, a list, a
/// table, the end of a paragraph.
const FULL_LINE: f64 = 0.65;

/// Between the columns of a table's row.
const COLUMN: &str = " | ";

const BULLETS: &[&str] = &[
    "•", "◦", "▪", "‣", "●", "○", "■", "–", "-", "*", "·", "\u{f0b7}",
];

/// The readable text of a page given as lines, with blank lines between paragraphs.
pub(super) fn tidy(raw: &str) -> String {
    let lines: Vec<String> = raw.lines().map(tidy_line).collect();
    let full = full_length(&lines);
    let mut text = String::with_capacity(raw.len());
    let mut previous: Option<&str> = None;
    for line in &lines {
        match previous {
            _ if line.is_empty() => {
                previous = None;
                continue;
            }
            None if text.is_empty() => {}
            None => text.push_str("\n\n"),
            Some(previous) => join(&mut text, previous, line, full),
        }
        text.push_str(line);
        previous = Some(line);
    }
    // A soft hyphen that is still here marks a place where no line was broken.
    text.retain(|character| character != '\u{ad}');
    text
}

/// Whether most of a page is characters that mean nothing: a font without a usable encoding.
pub(super) fn is_garbled(text: &str) -> bool {
    let (mut characters, mut meaningless) = (0_usize, 0_usize);
    for character in text.chars().filter(|c| !c.is_whitespace()) {
        characters += 1;
        let private = ('\u{e000}'..='\u{f8ff}').contains(&character);
        if private || character == char::REPLACEMENT_CHARACTER || character.is_control() {
            meaningless += 1;
        }
    }
    meaningless * 10 > characters * 3
}

/// A line with bars between its columns, unless the first column is just the mark of a list item.
fn tidy_line(line: &str) -> String {
    let line = &reading_direction(line);
    let mut tidied = String::with_capacity(line.len());
    for cell in line
        .split('\t')
        .map(tidy_words)
        .filter(|cell| !cell.is_empty())
    {
        if !tidied.is_empty() {
            tidied.push_str(if is_item_mark(&tidied) { " " } else { COLUMN });
        }
        tidied.push_str(&cell);
    }
    tidied
}

/// Words without ligatures, control characters, runs of spaces and the dots that lead from a title
/// to its page number.
fn tidy_words(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len());
    let mut dots = 0;
    for word in text.split_whitespace() {
        // Between the characters of scripts without spaces, one is typesetting.
        let last = tidied.chars().rev().nth(1);
        if last.is_some_and(is_cjk) && word.starts_with(is_cjk) && !text.contains('\u{3000}') {
            tidied.pop();
        }
        if word.bytes().all(|byte| byte == b'.') {
            dots += word.len();
            continue;
        }
        push_dots(&mut tidied, &mut dots);
        let before = tidied.len();
        for character in word.nfc() {
            match ligature(character) {
                Some(letters) => tidied.push_str(letters),
                None if is_presentation_form(character) => tidied.extend(character.nfkc()),
                None if character.is_control() => {}
                None => tidied.push(character),
            }
        }
        if tidied.len() > before {
            tidied.push(' ');
        }
    }
    push_dots(&mut tidied, &mut dots);
    tidied.truncate(tidied.trim_end().len());
    tidied
}

/// Writes dots that stood alone: a few as they were, a line of them as a column's border.
fn push_dots(tidied: &mut String, dots: &mut usize) {
    match std::mem::take(dots) {
        0 => {}
        few @ 1..=3 => {
            tidied.extend(std::iter::repeat_n('.', few));
            tidied.push(' ');
        }
        _ => tidied.push_str(COLUMN.trim_start()),
    }
}

fn ligature(character: char) -> Option<&'static str> {
    Some(match character {
        'ﬀ' => "ff",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'ﬃ' => "ffi",
        'ﬄ' => "ffl",
        'ﬅ' | 'ﬆ' => "st",
        _ => return None,
    })
}

/// Arabic and Hebrew letters as they look within a word; search knows only the letters as such.
fn is_presentation_form(character: char) -> bool {
    matches!(character, '\u{fb13}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}')
}

/// A character of a script that is written from right to left.
pub(super) fn is_rtl(character: char) -> bool {
    matches!(character,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}')
}

/// A line from left to right, as it is drawn, in the order in which it is read. This is the
/// bidirectional algorithm backwards, without its finer points.
fn reading_direction(line: &str) -> Cow<'_, str> {
    if !line.chars().any(is_rtl) {
        return Cow::Borrowed(line);
    }
    let is_ltr = |c: char| (c.is_alphanumeric() && !is_rtl(c)) || is_digit(c);
    let (rtl, ltr) = line.chars().fold((0, 0), |(rtl, ltr), c| {
        (
            rtl + usize::from(is_rtl(c)),
            ltr + usize::from(is_ltr(c) && c.is_alphabetic()),
        )
    });
    let characters: Vec<char> = line.chars().collect();
    if ltr > rtl {
        return Cow::Owned(turn(&characters, &is_rtl));
    }
    let turned: Vec<char> = turn(&characters, &|_| true).chars().collect();
    Cow::Owned(turn(&turned, &is_ltr))
}

/// Digits of all scripts run from left to right.
fn is_digit(character: char) -> bool {
    matches!(character, '0'..='9' | '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}')
}

/// Reverses the runs that begin and end with characters of a kind and have none of the other in
/// between, and mirrors their brackets.
fn turn(characters: &[char], is_kind: &dyn Fn(char) -> bool) -> String {
    let is_other = |c: char| c.is_alphanumeric() && !is_kind(c);
    let mut turned = String::new();
    let mut rest = characters;
    while let Some(start) = rest.iter().position(|c| is_kind(*c)) {
        turned.extend(&rest[..start]);
        let run = &rest[start..];
        let limit = run.iter().position(|c| is_other(*c)).unwrap_or(run.len());
        let end = run[..limit]
            .iter()
            .rposition(|c| is_kind(*c))
            .map_or(limit, |last| last + 1);
        turned.extend(clusters(&run[..end]).rev().flatten().map(|c| mirror(*c)));
        rest = &run[end..];
    }
    turned.extend(rest);
    turned
}

/// Characters with the marks that belong to them.
fn clusters(characters: &[char]) -> impl DoubleEndedIterator<Item = &[char]> {
    let is_mark = |c: char| matches!(c, '\u{591}'..='\u{5bd}' | '\u{64b}'..='\u{65f}' | '\u{670}');
    characters
        .chunk_by(move |_, next| is_mark(*next))
        .collect::<Vec<_>>()
        .into_iter()
}

fn mirror(character: char) -> char {
    match character {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        '}' => '{',
        '«' => '»',
        '»' => '«',
        other => other,
    }
}

/// The length from which a line counts as full, in characters. Rows of tables say nothing of it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "line lengths are small and positive"
)]
fn full_length(lines: &[String]) -> usize {
    let mut lengths: Vec<usize> = lines
        .iter()
        .filter(|line| !line.is_empty() && !line.contains(COLUMN))
        .map(|line| line.chars().count())
        .collect();
    lengths.sort_unstable();
    let usual = lengths.get(lengths.len() * 4 / 5).copied().unwrap_or(0);
    (usual as f64 * FULL_LINE) as usize
}

/// Puts between two lines of a paragraph what belongs there: nothing, a space or a line end.
fn join(text: &mut String, previous: &str, line: &str, full: usize) {
    if ends_in_hyphen(previous) && line.starts_with(char::is_lowercase) {
        text.pop();
        return;
    }
    let is_row = previous.contains(COLUMN) || line.contains(COLUMN);
    if is_row || previous.chars().count() < full || starts_item(line) {
        text.push('\n');
        return;
    }
    let between = (previous.chars().next_back(), line.chars().next());
    if !matches!(between, (Some(left), Some(right)) if is_cjk(left) && is_cjk(right)) {
        text.push(' ');
    }
}

/// A hyphen after a letter; a soft hyphen; not a dash, which stands after a space.
fn ends_in_hyphen(line: &str) -> bool {
    let mut backwards = line.chars().rev();
    match backwards.next() {
        Some('-' | '\u{2010}') => backwards.next().is_some_and(char::is_alphabetic),
        Some('\u{ad}') => true,
        _ => false,
    }
}

/// Whether a line begins with the mark of a list item.
fn starts_item(line: &str) -> bool {
    line.split_once(' ')
        .is_some_and(|(mark, _)| is_item_mark(mark))
}

/// A bullet, a dash or a number such as `3.`, `b)` or `(iv)`.
fn is_item_mark(mark: &str) -> bool {
    let number = mark.trim_start_matches('(').trim_end_matches(['.', ')']);
    let is_number = match number.len() {
        0 => false,
        1 => number.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        _ => {
            // Longer numbers are years at the end of a sentence.
            let is_decimal = number.len() <= 3 && number.bytes().all(|b| b.is_ascii_digit());
            is_decimal || (number.len() <= 4 && number.bytes().all(|b| b"ivx".contains(&b)))
        }
    };
    (is_number && number.len() < mark.len()) || BULLETS.contains(&mark)
}

/// A character of a script that sets no spaces between words.
pub(super) fn is_cjk(character: char) -> bool {
    matches!(character,
        '\u{2e80}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::{is_garbled, tidy};
    use expect_test::{Expect, expect};

    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "expectations are written in place"
    )]
    fn check(raw: &str, expected: Expect) {
        expected.assert_eq(&tidy(raw));
    }

    #[test]
    fn lines_of_a_paragraph_are_joined() {
        check(
            "The first line of the paragraph is\nas long as the second one is, and the\nlast is \
             short.\n\nAnother paragraph begins here, and it\ngoes on.",
            expect![[r"
                The first line of the paragraph is as long as the second one is, and the last is short.

                Another paragraph begins here, and it goes on."]],
        );
    }

    #[test]
    fn hyphens_at_line_ends_are_undone() {
        check(
            "a matter of docu-\nmentation and Austria-\nHungary, pages 3 -\nsoft hy\u{ad}\nphens in\u{ad}side",
            expect![
                "a matter of documentation and Austria- Hungary, pages 3 - soft hyphens inside"
            ],
        );
    }

    #[test]
    fn ligatures_spaces_and_control_characters() {
        check(
            "e\u{301}tude \u{fb01}nal e\u{fb03}cient\u{a0}\u{2003}x\0y  \u{0}  z",
            expect!["étude final efficient xy z"],
        );
    }

    #[test]
    fn short_lines_and_items_stay_lines() {
        check(
            "Medal table\nGold 3\nSilver 4\n\nThis sentence is long enough to set the usual length\n\
             • an item that is as long as the sentence above, so\nthat it wraps to\nit. And more\n2. and another \
             item that is as long as the others",
            expect![[r"
                Medal table
                Gold 3
                Silver 4

                This sentence is long enough to set the usual length
                • an item that is as long as the sentence above, so that it wraps to
                it. And more
                2. and another item that is as long as the others"]],
        );
    }

    #[test]
    fn rows_of_tables_stay_lines() {
        check(
            "Block\tPrice\nFirst 15 units\t0.62\n•\tan item\n2.\tanother\n1.1 Syntax. . . . . . 2\nand so on ...",
            expect![[r"
                Block | Price
                First 15 units | 0.62
                • an item
                2. another
                1.1 Syntax. | 2
                and so on ..."]],
        );
    }

    #[test]
    fn lines_without_spaces_between_words_get_none() {
        check(
            "これは長い文章なので二行に\n分かれています。これで終わり",
            expect!["これは長い文章なので二行に分かれています。これで終わり"],
        );
    }

    #[test]
    fn spaces_between_characters_of_scripts_without_are_dropped() {
        check("目 次 の 一覧 A B", expect!["目次の一覧 A B"]);
        check("第一章\u{3000}序論", expect!["第一章 序論"]);
        check("한국어 문장", expect!["한국어 문장"]);
    }

    #[test]
    fn lines_from_right_to_left() {
        check("םלוע םולש", expect!["שלום עולם"]);
        check("(1935 תנשב) Paris-ב", expect!["ב-Paris (בשנת 1935)"]);
        check(
            "The word םולש is Hebrew",
            expect!["The word שלום is Hebrew"],
        );
        check("\u{fe94}\u{fef4}\u{fe91}\u{feae}\u{fecb}", expect!["عربية"]);
    }

    #[test]
    fn garbled_pages_are_noticed() {
        assert!(is_garbled("\u{f020}\u{f021}\u{f022} \u{fffd}a"));
        assert!(!is_garbled("Résumé \u{f0b7} item"));
        assert!(!is_garbled(""));
    }
}
