//! Exact decimal numbers: what is added up is what is written.

use serde::{Serialize, Serializer};

/// Decimals that are kept.
const DECIMALS: usize = 4;
const ONE: i128 = 10_000;

/// A decimal number with four decimals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Number(i128);

impl Number {
    /// From its digits before and after the decimal sign; none where there are too many.
    pub(crate) fn parse(whole: &str, decimals: &str) -> Option<Self> {
        let digits =
            |text: &str| text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) {
            return None;
        }
        let kept = &decimals[..decimals.len().min(DECIMALS)];
        let padded = format!("{whole}{kept:0<DECIMALS$}");
        padded.parse().ok().map(Self)
    }

    pub(crate) fn negated(self) -> Self {
        Self(-self.0)
    }

    pub(crate) fn times(self, factor: i64) -> Self {
        Self(self.0.saturating_mul(i128::from(factor)))
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The mean of `count` numbers whose sum this is, to the last decimal.
    pub(crate) fn shared_by(self, count: usize) -> Option<Self> {
        let count = i128::try_from(count).ok().filter(|count| *count > 0)?;
        let half = if self.0 < 0 { -count / 2 } else { count / 2 };
        Some(Self((self.0 + half) / count))
    }

    /// Rounded to two decimals, a half away from nought.
    pub(crate) fn in_cents(self) -> Self {
        let half = if self.0 < 0 { -50 } else { 50 };
        Self((self.0 + half) / 100 * 100)
    }

    /// As it is written in English or Spanish; two decimals where it has some.
    pub(crate) fn written(self, spanish: bool) -> String {
        let (thousands, point) = if spanish { ('.', ',') } else { (',', '.') };
        let (whole, decimals) = self.parts();
        let mut text = String::new();
        if self.0 < 0 {
            text.push('-');
        }
        for (place, digit) in whole.chars().enumerate() {
            // Spanish groups digits from five on; both do here, for one look.
            if place > 0 && (whole.len() - place).is_multiple_of(3) {
                text.push(thousands);
            }
            text.push(digit);
        }
        if !decimals.is_empty() {
            text.push(point);
            text.push_str(&format!("{decimals:0<2}"));
        }
        text
    }

    /// The digits before and after the decimal sign, without zeros at the end.
    fn parts(self) -> (String, String) {
        let value = self.0.unsigned_abs();
        let one = ONE.unsigned_abs();
        let decimals = format!("{:04}", value % one);
        let decimals = decimals.trim_end_matches('0').to_owned();
        ((value / one).to_string(), decimals)
    }
}

/// `1250.5`: as programs read it.
impl std::fmt::Display for Number {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        match self.parts() {
            (whole, decimals) if decimals.is_empty() => write!(formatter, "{sign}{whole}"),
            (whole, decimals) => write!(formatter, "{sign}{whole}.{decimals}"),
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.to_string().parse::<f64>() {
            Ok(number) => serializer.serialize_f64(number),
            Err(_) => serializer.collect_str(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn number(whole: &str, decimals: &str) -> Number {
        Number::parse(whole, decimals).expect("a number")
    }

    #[test]
    fn numbers_are_written_in_both_notations() {
        for (whole, decimals, english, spanish) in [
            ("1250", "5", "1,250.50", "1.250,50"),
            ("995", "", "995", "995"),
            ("1234567", "125", "1,234,567.125", "1.234.567,125"),
            ("0", "07", "0.07", "0,07"),
        ] {
            let number = number(whole, decimals);
            assert_eq!(number.written(false), english);
            assert_eq!(number.written(true), spanish);
        }
        assert_eq!(number("12", "50").negated().to_string(), "-12.5");
        assert_eq!(Number::parse("1234567890123456789", ""), None);
    }

    #[test]
    fn sums_and_means_are_exact() {
        let tenth = number("0", "1");
        let sum = (0..3).fold(Number::default(), |sum, _| sum.plus(tenth));
        assert_eq!(sum, number("0", "3"));
        assert_eq!(number("10", "").shared_by(3), Some(number("3", "3333")));
        assert_eq!(number("2", "").shared_by(3), Some(number("0", "6667")));
        assert_eq!(number("2", "").shared_by(0), None);
        assert_eq!(number("733", "6278").in_cents(), number("733", "63"));
        assert_eq!(
            number("0", "005").negated().in_cents(),
            number("0", "01").negated()
        );
    }
}
