//! The digits of a number as a format places them: rounded as decimals, with leading zeros, groups and exponents.
//!
//! Owns the arithmetic, which is done on decimal digits: what a person counts as half is rounded up, whatever its
//! binary value. Called by `number_format`.

use super::number_code::Part;

/// A number that is not negative: `0.digits` times ten to `point`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: Vec<u8>,
    point: i32,
}

/// Larger exponents are no numbers.
const LARGEST: i32 = 400;

impl Decimal {
    /// A number by the fifteen digits that spreadsheets keep.
    pub(super) fn of(value: f64) -> Self {
        let text = format!("{:.14e}", value.abs());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = mantissa
            .bytes()
            .filter(u8::is_ascii_digit)
            .map(|digit| digit - b'0');
        let mut decimal = Self {
            digits: digits.collect(),
            point: exponent.parse::<i32>().unwrap_or(0) + 1,
        };
        decimal.trim();
        decimal
    }

    /// The number times ten to the power of `by`.
    pub(super) fn shifted(mut self, by: i32) -> Self {
        self.point = (self.point + by).clamp(-LARGEST, LARGEST);
        self
    }

    pub(super) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Rounded to so many decimals.
    pub(super) fn rounded(mut self, decimals: i32) -> Self {
        let kept = usize::try_from(self.point + decimals);
        let Ok(kept) = kept else {
            self.digits.clear();
            return self;
        };
        let Some(next) = self.digits.get(kept).copied() else {
            return self;
        };
        self.digits.truncate(kept);
        if next >= 5 {
            let mut carried = true;
            for digit in self.digits.iter_mut().rev() {
                *digit = (*digit + 1) % 10;
                carried = *digit == 0;
                if !carried {
                    break;
                }
            }
            if carried {
                self.digits.insert(0, 1);
                self.point += 1;
            }
        }
        self.trim();
        self
    }

    /// Digits before the point, without leading zeros, and after it, without trailing ones.
    pub(super) fn split(&self) -> (Vec<u8>, Vec<u8>) {
        let before = usize::try_from(self.point).unwrap_or(0);
        let zeros = usize::try_from(-self.point).unwrap_or(0);
        let mut whole: Vec<u8> = self.digits.iter().take(before).copied().collect();
        if !self.is_zero() {
            whole.resize(before, 0);
        }
        let rest = self.digits.iter().skip(before).copied();
        let after = if self.is_zero() { 0 } else { zeros };
        (whole, std::iter::repeat_n(0, after).chain(rest).collect())
    }

    /// The power of ten of the first digit.
    fn magnitude(&self) -> i32 {
        if self.is_zero() { 0 } else { self.point - 1 }
    }

    fn trim(&mut self) {
        while self.digits.pop_if(|digit| *digit == 0).is_some() {}
        let leading = self.digits.iter().take_while(|digit| **digit == 0).count();
        self.digits.drain(..leading);
        self.point -= i32::try_from(leading).unwrap_or(0);
        if self.digits.is_empty() {
            self.point = 0;
        }
    }
}

/// How a section places digits.
struct Layout {
    /// Digits after the point.
    decimals: i32,
    /// Places before it.
    whole: usize,
    grouped: bool,
    /// Powers of ten by which the number is shown larger.
    shift: i32,
    exponent: Option<usize>,
}

impl Layout {
    fn of(parts: &[Part]) -> Self {
        let exponent = parts
            .iter()
            .position(|part| matches!(part, Part::Exponent { .. }));
        let mantissa = &parts[..exponent.unwrap_or(parts.len())];
        let is_digit = |part: &Part| matches!(part, Part::Digit(_));
        let point = mantissa
            .iter()
            .position(|part| *part == Part::Point)
            .unwrap_or(mantissa.len());
        let (before, after) = mantissa.split_at(point);
        let last = before.iter().rposition(is_digit);
        // Commas between digits group them; those after the last one count by thousands.
        let commas = |parts: &[Part]| parts.iter().filter(|part| **part == Part::Comma).count();
        let first = before.iter().position(is_digit);
        let grouped = first
            .zip(last)
            .is_some_and(|(first, last)| commas(&before[first..last]) > 0);
        let thousands = last.map_or(0, |last| commas(&before[last..])) + commas(after);
        let percent = parts.iter().filter(|part| **part == Part::Percent).count();
        let count = |number: usize| i32::try_from(number).unwrap_or(0);
        Self {
            decimals: count(after.iter().filter(|part| is_digit(part)).count()),
            whole: before.iter().filter(|part| is_digit(part)).count(),
            grouped,
            shift: 2 * count(percent) - 3 * count(thousands),
            exponent,
        }
    }
}

/// Writes a number that is not negative as a section places it.
pub(super) fn write(parts: &[Part], value: f64) -> String {
    let layout = Layout::of(parts);
    let mut decimal = Decimal::of(value).shifted(layout.shift);
    let mut power = 0;
    if layout.exponent.is_some() {
        // More places before the point mean exponents in steps of as many.
        let step = i32::try_from(layout.whole.max(1)).unwrap_or(1);
        let scaled = |decimal: &Decimal| {
            let power = decimal.magnitude().div_euclid(step) * step;
            (
                power,
                decimal.clone().shifted(-power).rounded(layout.decimals),
            )
        };
        let (first, rounded) = scaled(&decimal);
        power = first;
        // Rounding may have made it ten.
        let (more, again) = scaled(&rounded);
        power += more;
        decimal = again;
    } else {
        decimal = decimal.rounded(layout.decimals);
    }
    let (whole, decimals) = decimal.split();
    let end = layout.exponent.unwrap_or(parts.len());
    let mut text = mantissa(&parts[..end], &layout, &whole, &decimals);
    if let Some(Part::Exponent { plus }) = parts.get(end) {
        text.push('E');
        if power < 0 {
            text.push('-');
        } else if *plus {
            text.push('+');
        }
        let digits: Vec<u8> = power
            .unsigned_abs()
            .to_string()
            .bytes()
            .map(|b| b - b'0')
            .collect();
        let tail = &parts[end + 1..];
        let places = tail
            .iter()
            .filter(|part| matches!(part, Part::Digit(_)))
            .count();
        let layout = Layout {
            decimals: 0,
            whole: places,
            grouped: false,
            shift: 0,
            exponent: None,
        };
        text.push_str(&mantissa(tail, &layout, &digits, &[]));
    }
    text
}

/// Digits around the point, with what stands between them.
fn mantissa(parts: &[Part], layout: &Layout, whole: &[u8], decimals: &[u8]) -> String {
    let grouped = layout.grouped && (layout.decimals > 0 || whole.len() > 6);
    let mut text = String::new();
    let mut places = layout.whole;
    let mut shown = 0_usize;
    let mut after = decimals.iter();
    let mut is_whole = true;
    for part in parts {
        match part {
            Part::Digit(place) if is_whole => {
                // The first place takes all digits for which there is none.
                let from = whole.len().saturating_sub(places);
                let start = if shown == 0 && places == layout.whole {
                    0
                } else {
                    from
                };
                let digits = if whole.len() < places {
                    &[]
                } else {
                    &whole[start..=from]
                };
                if whole.len() < places {
                    text.push_str(empty(*place));
                }
                for (index, digit) in digits.iter().enumerate() {
                    let left = places - 1 + digits.len() - index;
                    if grouped && shown > 0 && left.is_multiple_of(3) {
                        text.push(',');
                    }
                    text.push(char::from(b'0' + digit));
                    shown += 1;
                }
                places -= 1;
            }
            Part::Digit(place) => match after.next() {
                Some(digit) => text.push(char::from(b'0' + digit)),
                None => text.push_str(empty(*place)),
            },
            Part::Point if is_whole => {
                is_whole = false;
                // A point before nothing is not read.
                let asked = parts.iter().skip_while(|part| **part != Part::Point);
                let mut asked = asked.filter(|part| matches!(part, Part::Digit('0')));
                if asked.next().is_some() || !decimals.is_empty() {
                    text.push('.');
                }
            }
            Part::Literal(literal) => text.push_str(literal),
            Part::Percent => text.push('%'),
            _ => {}
        }
    }
    text
}

/// What stands in a place without a digit.
fn empty(place: char) -> &'static str {
    match place {
        '0' => "0",
        '?' => " ",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::super::number_code::sections;
    use super::*;

    #[track_caller]
    fn check(code: &str, value: f64, expected: &str) {
        let parts = &sections(code).expect("known")[0].parts;
        assert_eq!(write(parts, value), expected, "{code} {value}");
    }

    #[test]
    fn digits_are_rounded_as_people_do() {
        check("0.00", 2.675, "2.68");
        check("0.0", 0.25, "0.3");
        check("0", 0.5, "1");
        check("0", 0.49, "0");
        check("0.00", 999.999, "1000.00");
        check("0.00", 0.1 + 0.2, "0.30");
        check("0.0", 0.04, "0.0");
        check("0", 1e15, "1000000000000000");
        check("#", 0.0, "");
        check("0.###", 12.0, "12");
        check("0.0##", 12.05, "12.05");
        check("0.00", 0.001, "0.00");
        check("#.00", 0.5, ".50");
        check("0.000", 0.0005, "0.001");
    }

    #[test]
    fn places_take_digits_from_the_right() {
        check("00000", 1067.0, "01067");
        check("000-00-0000", 123_456_789.0, "123-45-6789");
        check("(###) ###-####", 5_551_234_567.0, "(555) 123-4567");
        check("(###) ###-####", 1_234_567.0, "() 123-4567");
        check("00-00", 123_456.0, "1234-56");
        check("??0", 7.0, "  7");
        check("0\"x\"0", 7.0, "0x7");
    }

    #[test]
    fn groups_are_shown_where_they_cannot_be_decimals() {
        check("#,##0.00", 1199.0, "1,199.00");
        check("#,##0", 1199.0, "1199");
        check("#,##0", 1_234_567.0, "1,234,567");
        check("#,##0.00", 12.5, "12.50");
        check("#,##0.0", 1_000_000.0, "1,000,000.0");
        check("#,##0,", 1_234_567.0, "1235");
        check("0.0,,\" M\"", 12_345_678.0, "12.3 M");
        check("#,##0.00", 123_456.0, "123,456.00");
        check("00,000.0", 7.0, "00007.0");
    }

    #[test]
    fn percent_and_exponents_are_shown() {
        check("0.0%", 0.075, "7.5%");
        check("0%", 0.285, "29%");
        check("0 %", 1.0, "100 %");
        check("0.00E+00", 12345.0, "1.23E+04");
        check("0.00E+00", 0.000_123_45, "1.23E-04");
        check("0.0E-0", 99_999.0, "1.0E5");
        check("##0.0E+0", 12345.0, "12.3E+3");
        check("0E+0", 0.0, "0E+0");
    }

    #[test]
    fn no_number_is_too_large_or_small() {
        check("0", 1e300, &format!("1{}", "0".repeat(300)));
        check("0.00", 5e-324, "0.00");
        check(
            "0%%%%%%%%",
            f64::MAX,
            &Decimal::of(f64::MAX)
                .shifted(16)
                .split()
                .0
                .iter()
                .map(|d| char::from(b'0' + d))
                .chain("%%%%%%%%".chars())
                .collect::<String>(),
        );
        let long = format!("{}0.{}", "#,".repeat(200), "0".repeat(400));
        let parts = &sections(&long).expect("known")[0].parts;
        assert!(write(parts, 1e308).len() < 1500);
    }
}
