//! Dates as they are written in JSON: RFC 3339, or a plain day in a request.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Milliseconds since 1970 as RFC 3339; the epoch where they are out of range.
pub(crate) fn from_milliseconds(milliseconds: i64) -> String {
    let nanoseconds = i128::from(milliseconds) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
        .format(&Rfc3339)
        .unwrap_or_default()
}

/// Microseconds since 1970 of `2026-03-04` (its beginning, or with `end` its last moment) or of an
/// RFC 3339 time.
pub(crate) fn to_microseconds(text: &str, end: bool) -> Option<i64> {
    let (text, day) = match text.len() {
        10 => (format!("{text}T00:00:00Z"), 24 * 3_600_000_000 - 1),
        _ => (text.to_owned(), 0),
    };
    let time = OffsetDateTime::parse(&text, &Rfc3339).ok()?;
    let microseconds = i64::try_from(time.unix_timestamp_nanos() / 1000).ok()?;
    Some(if end {
        microseconds + day
    } else {
        microseconds
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_read() {
        assert_eq!(to_microseconds("1970-01-02", false), Some(86_400_000_000));
        assert_eq!(to_microseconds("1970-01-01", true), Some(86_399_999_999));
        assert_eq!(to_microseconds("1970-01-01T01:00:00+01:00", true), Some(0));
        assert_eq!(to_microseconds("yesterday", false), None);
        assert_eq!(from_milliseconds(0), "1970-01-01T00:00:00Z");
    }
}
