//! Which language a text is written in, as far as a short sample tells.
//!
//! Owns the sample size and the mapping to ISO 639-1 codes. Called once per document by the parent
//! module.

use whatlang::Lang;

/// Trigram statistics are settled long before this, and detection costs milliseconds per
/// kilobyte-scale sample: over a whole vault of notes that would be felt.
const SAMPLE_BYTES: usize = 2048;

/// The ISO 639-1 code of the language of `text`, where the guess is reliable.
pub(super) fn detect(text: &str) -> Option<&'static str> {
    let text = text.trim_start();
    let sample = &text[..text.floor_char_boundary(SAMPLE_BYTES)];
    let guess = whatlang::detect(sample)?;
    guess.is_reliable().then(|| two_letters(guess.lang()))
}

/// Most codes are those of ISO 639-3 with the last letter dropped; the rest are spelt out.
fn two_letters(language: Lang) -> &'static str {
    match language {
        Lang::Epo => "eo",
        Lang::Cmn => "zh",
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Ben => "bn",
        Lang::Jpn => "ja",
        Lang::Pol => "pl",
        Lang::Jav => "jv",
        Lang::Nob => "nb",
        Lang::Swe => "sv",
        Lang::Tur => "tr",
        Lang::Ces => "cs",
        Lang::Bul => "bg",
        Lang::Mar => "mr",
        Lang::Kan => "kn",
        Lang::Lit => "lt",
        Lang::Lav => "lv",
        Lang::Est => "et",
        Lang::Ind => "id",
        Lang::Pes => "fa",
        Lang::Mal => "ml",
        Lang::Khm => "km",
        Lang::Tuk => "tk",
        Lang::Slk => "sk",
        Lang::Tgl => "tl",
        other => &other.code()[..2],
    }
}

#[cfg(test)]
mod tests {
    use super::{detect, two_letters};
    use whatlang::Lang;

    #[test]
    fn names_the_language_of_ordinary_text() {
        let english = "The meeting was moved to Thursday because the room was not available. \
                       Please tell everybody who wanted to come, and bring the minutes with you.";
        let spanish = "La reunión se ha movido al jueves porque la sala no estaba disponible. \
                       Avisad por favor a todos los que querían venir, y traed las actas.";
        assert_eq!(detect(english), Some("en"));
        assert_eq!(detect(spanish), Some("es"));
        assert_eq!(
            detect("これは日本語の文章です。明日は雨が降るでしょう。"),
            Some("ja")
        );
    }

    #[test]
    fn stays_silent_where_there_is_too_little() {
        assert_eq!(detect("42 17 3.5"), None);
        assert_eq!(detect(""), None);
    }

    #[test]
    fn every_language_has_its_own_code() {
        let mut codes: Vec<_> = Lang::all().iter().copied().map(two_letters).collect();
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count, "two languages share a code: {codes:?}");
    }
}
