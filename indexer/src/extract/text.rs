//! Plain text: telling it from binary data and decoding it to UTF-8.
//!
//! Owns the guess of a file's character encoding, which the Markdown and HTML readers use too. It
//! knows nothing of document structure.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

use super::{Extracted, Limits, Rejection, cut};

/// How much of a file decides whether it is text and in which encoding.
const SAMPLE_BYTES: usize = 64 * 1024;

/// A file's bytes as text.
pub(super) struct Decoded<'a> {
    pub text: Cow<'a, str>,
    /// The text is byte for byte the file.
    pub exact: bool,
}

/// Reads a file that is text and nothing more.
pub(super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let decoded = decode(bytes).ok_or_else(|| Rejection::skipped("binary file"))?;
    let mut text = decoded.text.into_owned();
    let notice = cut(&mut text, limits.max_text_bytes);
    Ok(Extracted {
        body: 0..text.len(),
        text,
        source_is_text: decoded.exact,
        extractor: "text".into(),
        notice,
        ..Extracted::default()
    })
}

/// Whether the start of the file reads as text in some encoding.
pub(super) fn looks_like_text(bytes: &[u8]) -> bool {
    // A multi-byte character cut by the sample's end would look like damage; leaving off the last
    // line avoids that for every encoding that is not UTF-16, whose units are two bytes long.
    let mut sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    if sample.len() < bytes.len()
        && let Some(line_end) = sample.iter().rposition(|byte| *byte == b'\n')
        && line_end > 0
    {
        sample = &sample[..line_end - line_end % 2];
    }
    decode(sample).is_some()
}

/// Decodes text of unknown encoding; `None` where the bytes are not text.
pub(super) fn decode(bytes: &[u8]) -> Option<Decoded<'_>> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return decode_as(encoding, &bytes[mark..]);
    }
    // Zero bytes are asked about before UTF-8: ASCII text in UTF-16 is valid UTF-8, with zeros in it.
    if bytes.contains(&0) {
        return decode_as(utf16_without_mark(bytes)?, bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return plausible(text).then_some(Decoded {
            text: Cow::Borrowed(text),
            exact: true,
        });
    }
    damaged_utf8(bytes).or_else(|| decode_as(guess(bytes), bytes))
}

/// Decodes in a known encoding; `None` where the result is not believable.
pub(super) fn decode_as<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Option<Decoded<'a>> {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    plausible(&text).then_some(Decoded { text, exact: false })
}

/// A log or a file cut in the middle of a character is still UTF-8: reading all of it as some
/// legacy encoding for the sake of one bad byte would garble every accent in it.
fn damaged_utf8(bytes: &[u8]) -> Option<Decoded<'_>> {
    let text = String::from_utf8_lossy(bytes);
    let damaged = text.matches(char::REPLACEMENT_CHARACTER).count();
    let sound = text.chars().filter(|c| !c.is_ascii()).count() - damaged;
    (sound >= 8 * damaged && plausible(&text)).then_some(Decoded { text, exact: false })
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&bytes[..bytes.len().min(SAMPLE_BYTES)], true);
    detector.guess(None, Utf8Detection::Deny)
}

/// UTF-16 text of a western language without a byte order mark: every other byte is zero.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(4096) & !1];
    let pairs = sample.len() / 2;
    let zeros = |offset: usize| {
        sample
            .iter()
            .skip(offset)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    let (mostly, hardly) = (pairs * 2 / 3, pairs / 50);
    if pairs == 0 {
        None
    } else if odd > mostly && even <= hardly {
        Some(UTF_16LE)
    } else if even > mostly && odd <= hardly {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Text has next to no control characters and few that could not be decoded. Escape and backspace
/// are let through: logs are full of them.
fn plausible(text: &str) -> bool {
    let sample = &text[..text.floor_char_boundary(SAMPLE_BYTES)];
    let mut characters = 0_usize;
    let mut strange = 0_usize;
    for character in sample.chars() {
        characters += 1;
        match character {
            '\0' => return false,
            '\t' | '\n' | '\r' | '\x0c' | '\x1b' | '\x08' => {}
            char::REPLACEMENT_CHARACTER => strange += 1,
            other if other.is_control() => strange += 1,
            _ => {}
        }
    }
    strange <= characters / 100 + 1
}

#[cfg(test)]
mod tests {
    use super::{decode, looks_like_text};

    #[track_caller]
    fn check(bytes: &[u8], expected: Option<(&str, bool)>) {
        let found = decode(bytes).map(|decoded| (decoded.text.into_owned(), decoded.exact));
        assert_eq!(
            found,
            expected.map(|(text, exact)| (text.to_owned(), exact))
        );
    }

    #[test]
    fn utf8_is_taken_as_it_is() {
        check("naïve café".as_bytes(), Some(("naïve café", true)));
        check(b"a\r\n\tb\x1b[0m\x0c", Some(("a\r\n\tb\x1b[0m\x0c", true)));
    }

    #[test]
    fn marks_are_dropped_and_spans_no_longer_match_the_file() {
        check(b"\xef\xbb\xbfhello", Some(("hello", false)));
        check(b"\xff\xfeh\0i\0", Some(("hi", false)));
        check(b"\xfe\xff\0h\0i", Some(("hi", false)));
    }

    #[test]
    fn utf16_is_known_without_its_mark() {
        let text = "The train leaves at nine.";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        check(&little, Some((text, false)));
        check(&big, Some((text, false)));
    }

    #[test]
    fn legacy_encodings_are_guessed() {
        check(
            b"Le caf\xe9 est ferm\xe9 \xe0 midi.",
            Some(("Le café est fermé à midi.", false)),
        );
        let (japanese, _, _) =
            encoding_rs::SHIFT_JIS.encode("明日の会議は中止になりました。よろしくお願いします。");
        check(
            &japanese,
            Some((
                "明日の会議は中止になりました。よろしくお願いします。",
                false,
            )),
        );
    }

    #[test]
    fn one_bad_byte_does_not_turn_utf8_into_something_else() {
        let mut bytes = "Größe, Länge, Höhe, Tür, Öl, Ärger, Übung, süß"
            .as_bytes()
            .to_vec();
        bytes.push(0xff);
        let text = decode(&bytes).expect("text").text.into_owned();
        assert!(text.starts_with("Größe, Länge"), "{text}");
    }

    #[test]
    fn binary_data_is_not_text() {
        check(b"abc\0def", None);
        check(b"\x01\x02\x03\x04abcdef", None);
        let noise: Vec<u8> = (1..=255).rev().cycle().step_by(7).take(2000).collect();
        assert!(decode(&noise).is_none());
    }

    #[test]
    fn a_sample_may_end_inside_a_character() {
        let long = "日本語のテキスト\n".repeat(6000);
        assert!(long.len() > super::SAMPLE_BYTES);
        assert!(looks_like_text(long.as_bytes()));
        let one_line = "é".repeat(40_000) + "x";
        assert!(looks_like_text(format!("x{one_line}").as_bytes()));
    }
}
