//! Calendars (.ics): each event or task below a heading, with when, where, who and how often.
//!
//! Owns what the components and properties of iCalendar (RFC 5545) mean as text. Time zones, alarms and what
//! programs note for themselves are left out. Lines are read by `content_lines`, days by `moment`.

use super::super::html;
use super::super::transcript::{Transcript, single_line};
use super::super::{Extracted, Limits, Rejection, push_once};
use super::content_lines::{Property, joined, properties};
use super::moment::{Moment, duration};
use super::recurrence;

/// People of one event, days left out of it, and its properties.
const MOST_PEOPLE: usize = 50;
const MOST_DAYS: usize = 50;
const MOST_LINES: usize = 5000;

/// What is written down.
const ENTRIES: &[&str] = &["VEVENT", "VTODO", "VJOURNAL"];

/// Reads a calendar.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let text = joined(bytes).ok_or_else(|| Rejection::skipped("binary file"))?;
    let mut transcript = Transcript::new(limits);
    let mut tags = Vec::new();
    let mut count = 0;
    for entry in entries(&text) {
        if transcript.is_full() {
            break;
        }
        count += 1;
        write(&entry, &mut transcript);
        for line in entry.lines.iter().filter(|line| line.name == "CATEGORIES") {
            line.parts(',')
                .iter()
                .for_each(|tag| push_once(&mut tags, tag));
        }
    }
    let mut document = transcript.finish("calendar", None, limits)?;
    if let Some(name) = name(&text) {
        document.title = Some(name);
    } else if count > 1 {
        // Its first event is not what it is called.
        document.title = None;
    }
    document.tags = tags;
    Ok(document)
}

/// An event, a task or a note.
struct Entry {
    kind: &'static str,
    lines: Vec<Property>,
}

impl Entry {
    fn first(&self, name: &str) -> Option<&Property> {
        self.lines.iter().find(|line| line.name == name)
    }

    fn text(&self, name: &str) -> Option<String> {
        let text = single_line(&self.first(name)?.text());
        (!text.is_empty()).then_some(text)
    }

    fn moment(&self, name: &str) -> Option<Moment> {
        Moment::read(self.first(name)?.raw())
    }
}

/// What the calendar is called.
fn name(text: &str) -> Option<String> {
    let is_outside =
        |line: &Property| line.name != "BEGIN" || line.raw().eq_ignore_ascii_case("VCALENDAR");
    let mut lines = properties(text).take_while(is_outside);
    let line = lines.find(|line| matches!(&*line.name, "X-WR-CALNAME" | "NAME"))?;
    Some(single_line(&line.text())).filter(|name| !name.is_empty())
}

/// The entries of a calendar, without what is nested in them.
fn entries(text: &str) -> impl Iterator<Item = Entry> {
    let mut lines = properties(text);
    std::iter::from_fn(move || {
        let mut entry: Option<Entry> = None;
        let mut nested = 0_usize;
        for line in lines.by_ref() {
            let Some(open) = &mut entry else {
                if line.name == "BEGIN" {
                    let name = line.raw().to_uppercase();
                    let kind = ENTRIES.iter().find(|kind| **kind == name);
                    let lines = Vec::new();
                    entry = kind.map(|kind| Entry { kind, lines });
                }
                continue;
            };
            match line.name.as_str() {
                "BEGIN" => nested += 1,
                "END" if nested == 0 => break,
                "END" => nested -= 1,
                _ if nested == 0 && open.lines.len() < MOST_LINES => open.lines.push(line),
                _ => {}
            }
        }
        entry
    })
}

fn write(entry: &Entry, transcript: &mut Transcript) {
    let nameless = match entry.kind {
        "VTODO" => "A task without a name",
        "VJOURNAL" => "A note without a name",
        _ => "An event without a name",
    };
    let name = entry.text("SUMMARY");
    transcript.heading(1, name.as_deref().unwrap_or(nameless));
    let mut line = |label: &str, text: Option<String>| {
        if let Some(text) = text {
            transcript.line(&format!("{label}: {text}"));
        }
    };
    line("When", when(entry));
    line(
        "Due",
        entry
            .moment("DUE")
            .map(|due| placed(due, entry.first("DUE"))),
    );
    line(
        "Done",
        entry.moment("COMPLETED").map(|done| done.to_string()),
    );
    line(
        "Instead of the one on",
        entry.moment("RECURRENCE-ID").map(|day| day.to_string()),
    );
    line(
        "Repeats",
        entry
            .first("RRULE")
            .and_then(|rule| recurrence::words(rule.raw())),
    );
    line("Also on", days(entry, "RDATE"));
    line("Not on", days(entry, "EXDATE"));
    line("Where", entry.text("LOCATION"));
    line("Organizer", entry.first("ORGANIZER").map(person));
    line("With", attendees(entry));
    line("Status", status(entry));
    line("Categories", entry.text("CATEGORIES"));
    line("Link", entry.text("URL"));
    for name in ["DESCRIPTION", "COMMENT"] {
        if let Some(description) = entry.first(name) {
            transcript.paragraph(&plain(&description.text()));
        }
    }
}

/// `2026-03-04 09:00 to 10:30 (Europe/Berlin)`; the days of an event without times are counted in full.
fn when(entry: &Entry) -> Option<String> {
    let start = entry.moment("DTSTART")?;
    let end = entry.moment("DTEND");
    let zone = zone(entry.first("DTSTART"));
    let length = || duration(entry.first("DURATION")?.raw());
    if start.clock.is_none() {
        let last = end.and_then(Moment::day_before).map(Moment::date);
        return Some(match (last.filter(|last| *last > start.date()), length()) {
            (Some(last), _) => format!("{} to {last}", start.date()),
            (None, Some(length)) if end.is_none() && length != "1 day" => {
                format!("{}, for {length}", start.date())
            }
            _ => start.date(),
        });
    }
    Some(match end {
        Some(end) if end == start => format!("{start}{zone}"),
        Some(end) if end.date() == start.date() && end.is_utc == start.is_utc => {
            let begin = Moment {
                is_utc: false,
                ..start
            };
            let utc = if end.is_utc { " UTC" } else { "" };
            format!("{begin} to {}{utc}{zone}", end.time().unwrap_or_default())
        }
        Some(end) => format!("{start} to {end}{zone}"),
        None => match length() {
            Some(length) => format!("{start}, for {length}{zone}"),
            None => format!("{start}{zone}"),
        },
    })
}

fn placed(moment: Moment, line: Option<&Property>) -> String {
    let zone = if moment.clock.is_some() {
        zone(line)
    } else {
        String::new()
    };
    format!("{moment}{zone}")
}

/// The time zone that a line names.
fn zone(line: Option<&Property>) -> String {
    let zone = line
        .and_then(|line| line.parameter("TZID"))
        .map(single_line);
    let zone = zone.filter(|zone| !zone.is_empty() && zone.len() <= 100);
    zone.map(|zone| format!(" ({zone})")).unwrap_or_default()
}

fn days(entry: &Entry, name: &str) -> Option<String> {
    let lines = entry.lines.iter().filter(|line| line.name == name);
    let days = lines.flat_map(|line| line.raw().split(','));
    // A period is told by its start.
    let days = days.filter_map(|day| Moment::read(day.split('/').next()?));
    let days: Vec<String> = days.take(MOST_DAYS).map(|day| day.to_string()).collect();
    (!days.is_empty()).then(|| days.join(", "))
}

fn attendees(entry: &Entry) -> Option<String> {
    let mut lines = entry.lines.iter().filter(|line| line.name == "ATTENDEE");
    let people = lines.by_ref().take(MOST_PEOPLE).map(|line| {
        let person = person(line);
        let answer = line
            .parameter("PARTSTAT")
            .unwrap_or_default()
            .to_lowercase();
        match answer.as_str() {
            "accepted" | "declined" | "tentative" => format!("{person} ({answer})"),
            _ => person,
        }
    });
    let people: Vec<String> = people.filter(|person| !person.is_empty()).collect();
    let more = match lines.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!people.is_empty()).then(|| people.join(", ") + &more)
}

/// `Bo <bo@example.org>`
fn person(line: &Property) -> String {
    let address = single_line(line.raw());
    let lower = address.to_lowercase();
    let plain = if lower.starts_with("mailto:") {
        &address[7..]
    } else {
        &address
    };
    let name = line
        .parameter("CN")
        .map(single_line)
        .filter(|name| !name.is_empty());
    match name {
        Some(name) if name == plain || plain.is_empty() => name,
        Some(name) => format!("{name} <{plain}>"),
        None => plain.to_owned(),
    }
}

/// What became of it, unless it goes without saying.
fn status(entry: &Entry) -> Option<String> {
    let status = entry.text("STATUS")?.to_lowercase();
    (!matches!(status.as_str(), "confirmed" | "final")).then(|| status.replace('-', " "))
}

/// Some programs write pages where text should be.
fn plain(text: &str) -> String {
    let lower = text.to_lowercase();
    let is_page = ["<br", "<p>", "<p ", "<a href", "<div", "<html"]
        .iter()
        .any(|tag| lower.contains(tag));
    let page = is_page
        .then(|| html::render(&text.replace('\n', "<br>")).ok())
        .flatten();
    page.map_or_else(|| text.to_owned(), |page| page.text)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::tests::{headings, limits, read, survives};
    use super::extract;

    const CALENDAR: &str = "\
BEGIN:VCALENDAR\r
X-WR-CALNAME:Harbour\r
BEGIN:VTIMEZONE\r
TZID:Europe/Madrid\r
BEGIN:STANDARD\r
DTSTART:19701025T030000\r
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r
END:STANDARD\r
END:VTIMEZONE\r
BEGIN:VEVENT\r
SUMMARY:Pilots' meeting\\, weekly\r
DTSTART;TZID=Europe/Madrid:20260304T090000\r
DTEND;TZID=Europe/Madrid:20260304T103000\r
RRULE:FREQ=WEEKLY;BYDAY=WE;UNTIL=20260630T000000Z\r
EXDATE;TZID=Europe/Madrid:20260318T090000,20260401T090000\r
LOCATION:Room 7\\, harbour office\r
ORGANIZER;CN=Ana Pérez:mailto:ana@example.org\r
ATTENDEE;CN=\"Novák, Jan\";PARTSTAT=DECLINED:mailto:jan@example.org\r
ATTENDEE:MAILTO:bo@example.org\r
STATUS:CONFIRMED\r
CATEGORIES:pilots,work\r
DESCRIPTION:Bring the tide tables.\\nCoffee is\r
  there.\r
BEGIN:VALARM\r
DESCRIPTION:Reminder\r
END:VALARM\r
END:VEVENT\r
BEGIN:VEVENT\r
SUMMARY:Fair\r
DTSTART;VALUE=DATE:20260501\r
DTEND;VALUE=DATE:20260504\r
STATUS:TENTATIVE\r
DESCRIPTION:<p>Boats &amp\\; music</p><br>All day\r
END:VEVENT\r
BEGIN:VEVENT\r
DTSTART:20260510T080000Z\r
DURATION:PT1H30M\r
END:VEVENT\r
BEGIN:VTODO\r
SUMMARY:Paint the buoy\r
DUE;VALUE=DATE:20260601\r
STATUS:NEEDS-ACTION\r
END:VTODO\r
END:VCALENDAR\r
";

    #[test]
    fn events_say_when_where_who_and_how_often() {
        let document = read(extract, CALENDAR);
        expect![[r#"
            Pilots' meeting, weekly
            When: 2026-03-04 09:00 to 10:30 (Europe/Madrid)
            Repeats: every week on Wednesday, until 2026-06-30
            Not on: 2026-03-18 09:00, 2026-04-01 09:00
            Where: Room 7, harbour office
            Organizer: Ana Pérez <ana@example.org>
            With: Novák, Jan <jan@example.org> (declined), bo@example.org
            Categories: pilots,work

            Bring the tide tables.
            Coffee is there.

            Fair
            When: 2026-05-01 to 2026-05-03
            Status: tentative

            Boats & music

            All day

            An event without a name
            When: 2026-05-10 08:00 UTC, for 1 hour 30 minutes

            Paint the buoy
            Due: 2026-06-01
            Status: needs action"#]]
        .assert_eq(&document.text);
        assert_eq!(document.title.as_deref(), Some("Harbour"));
        assert_eq!(document.tags, ["pilots", "work"]);
        assert_eq!(headings(&document).len(), 4);
    }

    #[test]
    fn an_event_of_one_day_or_one_moment_is_told_once() {
        let when = |lines: &str| {
            let source = format!("BEGIN:VEVENT\nSUMMARY:x\n{lines}\nEND:VEVENT");
            read(extract, source).text
        };
        assert_eq!(
            when("DTSTART:20260501\nDTEND:20260502"),
            "x\nWhen: 2026-05-01"
        );
        assert_eq!(
            when("DTSTART:20260501T070000Z\nDTEND:20260501T070000Z"),
            "x\nWhen: 2026-05-01 07:00 UTC"
        );
        assert_eq!(
            when("DTSTART:20260501T220000\nDTEND:20260502T010000"),
            "x\nWhen: 2026-05-01 22:00 to 2026-05-02 01:00"
        );
        assert_eq!(
            when("DTSTART:20260501T070000Z\nDTEND:20260501T080000Z"),
            "x\nWhen: 2026-05-01 07:00 to 08:00 UTC"
        );
        assert_eq!(when("DTSTART:soon"), "x");
    }

    #[test]
    fn hostile_calendars_are_harmless() {
        survives(extract, CALENDAR.as_bytes());
        assert!(extract(b"BEGIN:VCALENDAR\nEND:VCALENDAR", &limits()).is_err());
        let deep = "BEGIN:VEVENT\n".repeat(200_000);
        assert_eq!(read(extract, deep).headings.len(), 1);
        let many = format!(
            "BEGIN:VEVENT\n{}",
            "ATTENDEE:a\nEXDATE:20260101\n".repeat(200_000)
        );
        assert!(read(extract, many).text.len() < 5000);
        let page = format!("BEGIN:VEVENT\nDESCRIPTION:{}", "<div>".repeat(100_000));
        assert!(read(extract, page).text.contains("<div>"));
    }
}
