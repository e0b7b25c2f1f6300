//! A length of time as people write it in settings: `90s`, `10m`, `2h`, or plain seconds.

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// Whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds(pub u64);

impl Seconds {
    /// The same length for the standard library; `None` for zero, which means "never".
    #[must_use]
    pub fn duration(self) -> Option<std::time::Duration> {
        (self.0 > 0).then(|| std::time::Duration::from_secs(self.0))
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecondsVisitor)
    }
}

struct SecondsVisitor;

impl Visitor<'_> for SecondsVisitor {
    type Value = Seconds;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a length of time such as \"90s\", \"10m\" or \"2h\"")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Seconds, E> {
        u64::try_from(value)
            .map(Seconds)
            .map_err(|_| E::invalid_value(de::Unexpected::Signed(value), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Seconds, E> {
        let wrong = || E::invalid_value(de::Unexpected::Str(text), &self);
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let factor = match &text[digits.len()..] {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(wrong()),
        };
        let count: u64 = digits.trim().parse().map_err(|_| wrong())?;
        count.checked_mul(factor).map(Seconds).ok_or_else(wrong)
    }
}
