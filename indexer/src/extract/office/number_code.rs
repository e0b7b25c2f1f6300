//! The codes that say how a cell's number looks, such as `#,##0.00 "€";[Red]-0`: ECMA-376, 18.8.31.
//!
//! Owns the reading of a code: its sections, and what each character in one stands for. Colours and widths are passed
//! over. What comes of a number is `number_format`'s.

/// Codes are shorter, whoever writes them (bytes).
const LONGEST: usize = 1000;

/// A part of a code that is for some numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Section {
    pub parts: Vec<Part>,
    pub condition: Option<Condition>,
    /// The language of names (an LCID), where the code tells one.
    pub language: Option<u32>,
}

/// What a part of a section stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Literal(String),
    /// A place for a digit: `0`, `#` or `?`.
    Digit(char),
    Point,
    Comma,
    Percent,
    /// `E+` or `E-`; the first says a plus too.
    Exponent {
        plus: bool,
    },
    /// A number as it is.
    General,
    /// A text as it is.
    Text,
    /// A part of a date or time, and how many letters ask for it.
    Time(Unit, usize),
    /// Hours, minutes or seconds that go on counting.
    Elapsed(Unit, usize),
    /// Digits of a second.
    Fraction(usize),
    /// The two words for the halves of a day.
    HalfDay(String, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// Which numbers a section is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Condition {
    order: Order,
    than: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    Equal,
    Other,
}

impl Condition {
    pub(super) fn holds(self, value: f64) -> bool {
        #[expect(clippy::float_cmp, reason = "the code asks for exactly this number")]
        match self.order {
            Order::Less => value < self.than,
            Order::LessOrEqual => value <= self.than,
            Order::More => value > self.than,
            Order::MoreOrEqual => value >= self.than,
            Order::Equal => value == self.than,
            Order::Other => value != self.than,
        }
    }

    fn read(text: &str) -> Option<Self> {
        let signs = [
            ("<=", Order::LessOrEqual),
            (">=", Order::MoreOrEqual),
            ("<>", Order::Other),
            ("<", Order::Less),
            (">", Order::More),
            ("=", Order::Equal),
        ];
        let found = signs
            .into_iter()
            .find_map(|(sign, order)| Some((text.strip_prefix(sign)?, order)));
        let (than, order) = found?;
        let than = than.trim().parse().ok()?;
        Some(Self { order, than })
    }
}

/// Reads a code into its sections; `None` where it says something that is not known here.
pub(super) fn sections(code: &str) -> Option<Vec<Section>> {
    if code.len() > LONGEST {
        return None;
    }
    let mut sections = vec![Section::default()];
    let mut rest = code;
    while let Some(character) = rest.chars().next() {
        let section = sections.last_mut()?;
        let after = &rest[character.len_utf8()..];
        if character == ';' {
            sections.push(Section::default());
            rest = after;
            continue;
        }
        rest = section.take(character, rest, after)?;
    }
    sections.truncate(4);
    for section in &mut sections {
        tell_minutes_from_months(&mut section.parts);
    }
    Some(sections)
}

impl Section {
    /// Reads what begins with this character, and gives the rest of the code.
    fn take<'a>(&mut self, character: char, rest: &'a str, after: &'a str) -> Option<&'a str> {
        let skip = |text: &'a str| {
            let mut characters = text.chars();
            characters.next();
            characters.as_str()
        };
        match character {
            '"' => {
                let (inner, after) = after.split_once('"').unwrap_or((after, ""));
                self.literal(inner);
                return Some(after);
            }
            '\\' | '!' => {
                let literal = after.chars().next().unwrap_or_default();
                self.literal(literal.encode_utf8(&mut [0; 4]));
                return Some(skip(after));
            }
            // As wide as the next character, or filled with it.
            '_' => {
                self.literal(" ");
                return Some(skip(after));
            }
            '*' => return Some(skip(after)),
            '[' => {
                let (inner, after) = after.split_once(']')?;
                self.bracket(inner);
                return Some(after);
            }
            '0' | '#' | '?' => self.parts.push(Part::Digit(character)),
            '.' if self.is_after_seconds() => {
                let digits = after.bytes().take_while(|byte| *byte == b'0').count();
                if digits > 0 {
                    self.parts.push(Part::Fraction(digits));
                    return Some(&after[digits..]);
                }
                self.literal(".");
            }
            '.' => self.parts.push(Part::Point),
            ',' => self.parts.push(Part::Comma),
            '%' => self.parts.push(Part::Percent),
            '@' => self.parts.push(Part::Text),
            'E' | 'e' if after.starts_with(['+', '-']) => {
                let plus = after.starts_with('+');
                self.parts.push(Part::Exponent { plus });
                return Some(&after[1..]);
            }
            'G' | 'g' if is_at_start(rest, "general") => {
                self.parts.push(Part::General);
                return Some(&rest["general".len()..]);
            }
            'A' | 'a' if is_at_start(rest, "am/pm") => {
                self.parts
                    .push(Part::HalfDay("AM".to_owned(), "PM".to_owned()));
                return Some(&rest["am/pm".len()..]);
            }
            'A' | 'a' if is_at_start(rest, "a/p") => {
                self.parts
                    .push(Part::HalfDay("A".to_owned(), "P".to_owned()));
                return Some(&rest["a/p".len()..]);
            }
            letter if let Some(unit) = unit(letter) => {
                let count = rest
                    .chars()
                    .take_while(|c| c.eq_ignore_ascii_case(&letter))
                    .count();
                self.parts.push(Part::Time(unit, count));
                return Some(&rest[count..]);
            }
            // Years of other calendars, and whatever else has a meaning of its own.
            letter if letter.is_ascii_alphabetic() => return None,
            other => self.literal(other.encode_utf8(&mut [0; 4])),
        }
        Some(after)
    }

    fn literal(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Literal(before)) => before.push_str(text),
            _ => self.parts.push(Part::Literal(text.to_owned())),
        }
    }

    /// What is in brackets: a currency, a condition, time that goes on counting, or a colour.
    fn bracket(&mut self, inner: &str) {
        if let Some(currency) = inner.strip_prefix('$') {
            let (symbol, language) = currency.rsplit_once('-').unwrap_or((currency, ""));
            self.literal(symbol);
            self.language = u32::from_str_radix(language, 16).ok().or(self.language);
            return;
        }
        if let Some(condition) = Condition::read(inner.trim()) {
            self.condition = Some(condition);
            return;
        }
        let lower = inner.to_lowercase();
        let elapsed = match lower.trim_matches(|c| lower.starts_with(c)) {
            "" => lower.chars().next().and_then(unit),
            _ => None,
        };
        match elapsed {
            Some(Unit::Hour) => self.parts.push(Part::Elapsed(Unit::Hour, lower.len())),
            Some(Unit::Month) => self.parts.push(Part::Elapsed(Unit::Minute, lower.len())),
            Some(Unit::Second) => self.parts.push(Part::Elapsed(Unit::Second, lower.len())),
            _ => {}
        }
    }

    fn is_after_seconds(&self) -> bool {
        matches!(
            self.parts.last(),
            Some(Part::Time(Unit::Second, _) | Part::Elapsed(Unit::Second, _))
        )
    }
}

fn is_at_start(text: &str, word: &str) -> bool {
    text.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn unit(letter: char) -> Option<Unit> {
    Some(match letter.to_ascii_lowercase() {
        'y' => Unit::Year,
        'm' => Unit::Month,
        'd' => Unit::Day,
        'h' => Unit::Hour,
        's' => Unit::Second,
        _ => return None,
    })
}

/// The letter for months is minutes after hours and before seconds.
fn tell_minutes_from_months(parts: &mut [Part]) {
    let units: Vec<(usize, Unit)> = parts
        .iter()
        .enumerate()
        .filter_map(|(index, part)| match part {
            Part::Time(unit, _) | Part::Elapsed(unit, _) => Some((index, *unit)),
            _ => None,
        })
        .collect();
    for (place, (index, unit)) in units.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|before| units.get(before));
        let after = units.get(place + 1);
        let is_minute = before.is_some_and(|(_, unit)| *unit == Unit::Hour)
            || after.is_some_and(|(_, unit)| *unit == Unit::Second);
        if *unit == Unit::Month
            && is_minute
            && let Some(Part::Time(unit, count)) = parts.get_mut(*index)
            && *count <= 2
        {
            *unit = Unit::Minute;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(code: &str) -> Vec<Part> {
        sections(code).expect("known").remove(0).parts
    }

    #[test]
    fn months_and_minutes_are_told_apart() {
        use Unit::{Day, Hour, Minute, Month, Second, Year};
        for (code, expected) in [
            ("d/m/yyyy h:mm", vec![Day, Month, Year, Hour, Minute]),
            ("mm:ss", vec![Minute, Second]),
            ("mm", vec![Month]),
            ("h AM/PM", vec![Hour]),
            ("mmm h", vec![Month, Hour]),
            ("[h]:mm:ss.00", vec![Minute, Second]),
        ] {
            let units = only(code).into_iter().filter_map(|part| match part {
                Part::Time(unit, _) => Some(unit),
                _ => None,
            });
            assert_eq!(units.collect::<Vec<_>>(), expected, "{code}");
        }
        assert_eq!(only("ss.00").last(), Some(&Part::Fraction(2)));
        assert_eq!(only("[mm]").first(), Some(&Part::Elapsed(Unit::Minute, 2)));
    }

    #[test]
    fn literals_and_brackets_are_read() {
        let literal = |text: &str| Part::Literal(text.to_owned());
        assert_eq!(only("[Red]\"a\"\\b_)*-€"), [literal("ab €")]);
        assert_eq!(only("[$€-407] 0"), [literal("€ "), Part::Digit('0')]);
        assert_eq!(only("[$-407]0"), [literal(""), Part::Digit('0')]);
        let found = sections("[<=100]0;[>100]#;General;@;0").expect("known");
        assert_eq!(found.len(), 4);
        assert!(
            found[0]
                .condition
                .is_some_and(|c| c.holds(100.0) && !c.holds(101.0))
        );
        assert_eq!(
            sections("[$-407]d. mmmm").expect("known")[0].language,
            Some(0x407)
        );
        assert_eq!(found[3].parts, [Part::Text]);
    }

    #[test]
    fn what_is_not_known_is_told() {
        for code in ["[Red", "ggge", "bbbb", "xyz", &"0".repeat(2000)] {
            assert_eq!(sections(code), None, "{code}");
        }
        for code in [
            "",
            "\"",
            "\\",
            "_",
            "*",
            ";;;;;;",
            "é",
            "[]",
            "[$]",
            "0.",
            "é\\é\"é",
            "gENERAL",
        ] {
            assert!(sections(code).is_some(), "{code}");
        }
    }
}
