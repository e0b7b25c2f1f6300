//! Numbers that a format shows as fractions, such as `# ?/?`.
//!
//! Owns the nearest fraction with as many digits as the code has places for, or with the divisor that it says. Called by
//! `number_format`.

use super::number_code::Part;

/// Divisors have at most so many digits.
const MOST_DIGITS: u32 = 4;

/// Larger numbers show no fraction that means anything.
const LARGEST: f64 = 1e12;

/// A number that is not negative as a section with its line at `slash` shows it; `None` where that cannot be told.
pub(super) fn write(parts: &[Part], slash: usize, value: f64) -> Option<String> {
    let is_digit = |part: &Part| matches!(part, Part::Digit(_));
    let (before, after) = (&parts[..slash], &parts[slash + 1..]);
    let first = before.iter().position(is_digit)?;
    let last = before.iter().rposition(is_digit)?;
    let has_whole = before[first..last].iter().any(|part| !is_digit(part));
    let stated = divisor(parts, slash);
    let end = match stated {
        Some(_) => zeros(after),
        None => after.iter().take_while(|part| is_digit(part)).count(),
    };
    if !(0.0..LARGEST).contains(&value) {
        return None;
    }
    let whole = if has_whole { value.floor() } else { 0.0 };
    let (above, below) = match stated {
        Some(divisor) => (((value - whole) * f64::from(divisor)).round(), divisor),
        None => nearest(value - whole, u32::try_from(end).ok()?)?,
    };
    // What is rounded up to one is a whole.
    let (whole, above) = if has_whole && above >= f64::from(below) {
        (whole + 1.0, 0.0)
    } else {
        (whole, above)
    };
    let fraction = match (above > 0.0 || !has_whole, whole > 0.0) {
        (true, true) => format!("{whole} {above}/{below}"),
        (true, false) => format!("{above}/{below}"),
        (false, _) => whole.to_string(),
    };
    let literals = |parts: &[Part]| -> String {
        let texts = parts.iter().map(|part| match part {
            Part::Literal(text) => text.as_str(),
            _ => "",
        });
        texts.collect()
    };
    Some(literals(&before[..first]) + &fraction + &literals(&after[end..]))
}

/// The divisor that a code says itself, as in `# ?/16`.
pub(super) fn divisor(parts: &[Part], slash: usize) -> Option<u32> {
    let Part::Literal(text) = parts.get(slash)? else {
        return None;
    };
    let digits = text.rsplit_once('/')?.1.trim();
    let zeros = zeros(parts.get(slash + 1..)?);
    let is_stated = !digits.is_empty();
    let divisor = is_stated.then(|| format!("{digits}{}", "0".repeat(zeros)).parse().ok())??;
    (1..10_u32.pow(MOST_DIGITS))
        .contains(&divisor)
        .then_some(divisor)
}

/// Zeros at the end of a divisor are read as places.
fn zeros(parts: &[Part]) -> usize {
    let is_zero = |part: &&Part| matches!(part, Part::Digit('0'));
    parts.iter().take_while(is_zero).count()
}

/// The nearest fraction whose divisor has at most so many digits.
fn nearest(value: f64, digits: u32) -> Option<(f64, u32)> {
    let most = 10_u32.pow(digits.min(MOST_DIGITS));
    let fractions = (1..most).map(|below| ((value * f64::from(below)).round(), below));
    let distance = |(above, below): &(f64, u32)| (value - above / f64::from(*below)).abs();
    // The first of those that are equally near has the smallest divisor.
    fractions.min_by(|one, other| distance(one).total_cmp(&distance(other)))
}

#[cfg(test)]
mod tests {
    use super::super::grid::Epoch;
    use super::super::number_format::NumberFormat;

    #[track_caller]
    fn check(code: &str, value: f64, expected: &str) {
        let (text, _) = NumberFormat::read(code).show(value, Epoch::Year1900);
        assert_eq!(text, expected, "{code} {value}");
    }

    #[test]
    fn fractions_are_shown_as_such() {
        check("# ?/?", 2.75, "2 3/4");
        check("# ?/?", 0.5, "1/2");
        check("# ?/?", 3.0, "3");
        check("# ?/?", 0.0, "0");
        check("# ?/?", 1.999, "2");
        check("# ??/??", 0.125, "1/8");
        check("# ??/??", -1.3125, "-1 5/16");
        check("?/?", 2.75, "11/4");
        check("# ?/16", 0.75, "12/16");
        check("# ?/2", 1.5, "1 1/2");
        check("# ?/100", 0.25, "25/100");
        check("# ?/?\" in\"", 0.25, "1/4 in");
    }
}
