//! Documents of one series, told by their names: the minutes of a club, the price lists of some years. What the newest
//! says holds. Pure.

use crate::calendar::{Date, Period};
use crate::expected::words;
use crate::values::{dates, month_named, quarter_named};

/// What the documents of a series have in common, by the path of one: its folder, and its name without what dates it.
/// None where nothing dates it.
pub(crate) fn of(path: &str) -> Option<String> {
    period(path)?;
    let (folder, stem) = folder_and_stem(path);
    let dates = |word: &String| {
        word.contains(|c: char| c.is_ascii_digit())
            || month_named(word).is_some()
            || quarter_named(word).is_some()
    };
    let mut name = words(stem);
    name.retain(|word| !dates(word));
    (!name.is_empty()).then(|| format!("{folder}/{}", name.join(" ")))
}

/// The span of time that a document is of by its name, at least its year.
pub(crate) fn period(path: &str) -> Option<Period> {
    let (_, stem) = folder_and_stem(path);
    let dated = dates(stem).into_iter().next();
    dated.map(|dated| dated.period).or_else(|| {
        let parts = stem.split(|c: char| !c.is_ascii_digit());
        let mut years = parts.filter(|part| part.len() == 4 && part.starts_with("20"));
        Some(Period::year(years.next_back()?.parse().ok()?))
    })
}

/// The day from which a document is by its name.
pub(crate) fn day(path: &str) -> Option<Date> {
    period(path)?.from
}

fn folder_and_stem(path: &str) -> (&str, &str) {
    let (folder, name) = path.rsplit_once(['/', '\\']).unwrap_or(("", path));
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    (folder, stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_a_series_differ_by_their_dates_alone() {
        let of = |path: &str| of(path).unwrap_or_default();
        assert_eq!(of("/n/club/minutes-2026-03.md"), "/n/club/minutes");
        assert_eq!(of("/n/club/Minutes March 2026.pdf"), "/n/club/minutes");
        assert_eq!(of("/n/price-list-2025.md"), of("/n/price-list-2026.txt"));
        assert_eq!(of("/n/besalmora-2025-t2.md"), "/n/besalmora");
        assert_ne!(
            of("/n/club/minutes-2026-03.md"),
            of("/n/band/minutes-2026-03.md")
        );
        assert_eq!(of("/n/2026-03-04.md"), "");
        assert_eq!(of("/n/lease.md"), "");
        let day = |path: &str| day(path).map(|day| day.to_string());
        assert_eq!(day("/n/minutes-2026-03.md").as_deref(), Some("2026-03-01"));
        assert_eq!(day("/n/price-list-2025.md").as_deref(), Some("2025-01-01"));
        assert_eq!(
            day("/n/besalmora-2025-t2.md").as_deref(),
            Some("2025-04-01")
        );
        assert_eq!(day("/n/lease.md"), None);
    }
}
