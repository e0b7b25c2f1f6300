//! Contacts (.vcf): each person or firm below a heading, every number and address with what it is.
//!
//! Owns what the properties of a vCard (RFC 6350 and the two versions before) mean as text. Pictures, keys and what
//! programs note for themselves are left out. Lines are read by `content_lines`.

use super::super::transcript::{Transcript, single_line};
use super::super::{Extracted, Limits, Rejection, push_once};
use super::content_lines::{Property, joined, properties};
use super::moment;

/// Lines of one contact beyond this are left out.
const MOST_LINES: usize = 300;

/// Properties in the order they are written, with what they are called.
const SHOWN: &[(&str, &str)] = &[
    ("FN", "Name"),
    ("NICKNAME", "Nickname"),
    ("ORG", "Organisation"),
    ("TITLE", "Position"),
    ("ROLE", "Role"),
    ("TEL", "Phone"),
    ("EMAIL", "E-mail"),
    ("IMPP", "Messages"),
    ("ADR", "Address"),
    ("BDAY", "Birthday"),
    ("ANNIVERSARY", "Anniversary"),
    ("DEATHDATE", "Died"),
    ("X-ABDATE", "Date"),
    ("RELATED", "Related"),
    ("X-ABRELATEDNAMES", "Related"),
    ("X-SPOUSE", "Spouse"),
    ("X-MANAGER", "Manager"),
    ("X-ASSISTANT", "Assistant"),
    ("URL", "Website"),
    ("X-SOCIALPROFILE", "Profile"),
    ("CATEGORIES", "Groups"),
    ("NOTE", "Note"),
];

/// Reads a file of contacts.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let text = joined(bytes).ok_or_else(|| Rejection::skipped("binary file"))?;
    let mut transcript = Transcript::new(limits);
    let mut tags = Vec::new();
    let mut count = 0;
    for card in cards(&text) {
        if transcript.is_full() {
            break;
        }
        count += 1;
        write(&card, &mut transcript, &mut tags);
    }
    let mut document = transcript.finish("contacts", None, limits)?;
    if count > 1 {
        // Its first contact is not what it is called.
        document.title = None;
    }
    document.tags = tags;
    Ok(document)
}

/// The lines of each contact.
fn cards(text: &str) -> impl Iterator<Item = Vec<Property>> {
    let mut lines = properties(text).filter(|line| !line.raw().is_empty());
    let is_end = |line: &Property| line.name == "END" && line.raw().eq_ignore_ascii_case("VCARD");
    let cards = std::iter::from_fn(move || {
        let mut card = vec![lines.next()?];
        for line in lines.by_ref().take_while(|line| !is_end(line)) {
            if card.len() < MOST_LINES {
                card.push(line);
            }
        }
        Some(card)
    });
    let is_frame = |line: &Property| matches!(&*line.name, "BEGIN" | "END");
    cards.filter(move |card| !card.iter().all(is_frame))
}

fn write(card: &[Property], transcript: &mut Transcript, tags: &mut Vec<String>) {
    let name = name(card);
    transcript.heading(1, name.as_deref().unwrap_or("A contact without a name"));
    if let Some(name) = name
        && !card.iter().any(|line| line.name == "FN")
    {
        transcript.line(&format!("Name: {name}"));
    }
    for (property, label) in SHOWN {
        for line in card.iter().filter(|line| line.name == *property) {
            let value = value(line);
            if value.is_empty() {
                continue;
            }
            let label = labelled(label, line, card);
            transcript.line(&format!("{label}: {value}"));
        }
    }
    for line in card.iter().filter(|line| line.name == "CATEGORIES") {
        line.parts(',').iter().for_each(|tag| push_once(tags, tag));
    }
}

/// What the contact is called: as it says, by the parts of the name, or by anything that tells it from others.
fn name(card: &[Property]) -> Option<String> {
    let first = |name: &str| card.iter().find(|line| line.name == name);
    let full = first("FN").map(|line| single_line(&line.text()));
    let in_parts = || {
        let [family, given, more, before, after] = parts(first("N")?);
        Some(single_line(&[before, given, more, family, after].join(" ")))
    };
    let other = || {
        ["ORG", "NICKNAME", "EMAIL", "TEL"]
            .into_iter()
            .find_map(|name| Some(value(first(name)?)))
    };
    let names = [full, in_parts(), other()].into_iter().flatten();
    names.into_iter().find(|name| !name.is_empty())
}

fn parts<const N: usize>(line: &Property) -> [String; N] {
    let mut parts = line.parts(';').into_iter();
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

fn value(line: &Property) -> String {
    let listed = |mark: char, between: &str| {
        let mut parts = line.parts(mark);
        parts.retain(|part| !part.is_empty());
        single_line(&parts.join(between))
    };
    match line.name.as_str() {
        "ADR" | "ORG" => listed(';', ", "),
        "NICKNAME" | "CATEGORIES" => listed(',', ", "),
        "BDAY" | "ANNIVERSARY" | "DEATHDATE" | "X-ABDATE" => moment::day(line),
        "NOTE" => line.text(),
        _ => {
            let text = single_line(&line.text());
            let schemes = &mut ["tel:", "mailto:", "xmpp:", "sip:"].iter();
            let plain = schemes.find_map(|scheme| text.strip_prefix(scheme));
            plain.unwrap_or(&text).to_owned()
        }
    }
}

/// `Phone (work, fax)`; a person's own name for it comes first.
fn labelled(label: &str, line: &Property, card: &[Property]) -> String {
    let group = Some(&line.group).filter(|group| !group.is_empty());
    let own = group.and_then(|group| {
        let mut lines = card.iter();
        lines.find(|other| other.name == "X-ABLABEL" && other.group == *group)
    });
    let own = own.map(|own| {
        let text = single_line(&own.text());
        let inner = text
            .strip_prefix("_$!<")
            .and_then(|text| text.strip_suffix(">!$_"));
        inner.map(str::to_lowercase).unwrap_or(text)
    });
    let mut kinds: Vec<String> = own.into_iter().collect();
    for kind in line.types() {
        let kind = match kind.as_str() {
            "cell" | "iphone" => "mobile",
            "" | "voice" | "internet" | "pref" | "x400" | "intl" | "postal" | "parcel" | "msg"
            | "text" | "quoted-printable" | "other" => continue,
            kind => kind,
        };
        if !kinds.iter().any(|known| known == kind) && kinds.len() < 5 {
            kinds.push(kind.to_owned());
        }
    }
    match kinds.join(", ") {
        kinds if kinds.is_empty() => label.to_owned(),
        kinds => format!("{label} ({kinds})"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::tests::{headings, limits, read, survives};
    use super::extract;

    const CARDS: &str = "\
BEGIN:VCARD\r
VERSION:3.0\r
N:Pérez;Ana;María;Dr.;\r
FN:Dr. Ana María Pérez\r
ORG:Harbour Office;Pilots\r
TITLE:Chief pilot\r
TEL;TYPE=WORK,VOICE:+34 600 111 222\r
TEL;TYPE=CELL;TYPE=pref:+34 600 333 444\r
item1.EMAIL;type=INTERNET:ana@example.org\r
item1.X-ABLabel:_$!<Work>!$_\r
item2.TEL:+34 91 000 000\r
item2.X-ABLabel:boathouse\r
ADR;TYPE=HOME:;;Calle Mayor 7\\, 2º;Gijón;Asturias;33201;Spain\r
BDAY:19850412\r
ANNIVERSARY:--0620\r
URL:https://example.org/ana\r
CATEGORIES:pilots,friends\r
NOTE:Prefers calls\\nbefore noon.\r
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQ\r
 AAAQABAAD\r
UID:urn:uuid:1\r
END:VCARD\r
BEGIN:VCARD\r
VERSION:2.1\r
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Nov=C3=A1k;Jan;;;\r
TEL;HOME;FAX:7\r
BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12\r
END:VCARD\r
";

    #[test]
    fn contacts_read_with_their_labels() {
        let document = read(extract, CARDS);
        expect![[r#"
            Dr. Ana María Pérez
            Name: Dr. Ana María Pérez
            Organisation: Harbour Office, Pilots
            Position: Chief pilot
            Phone (work): +34 600 111 222
            Phone (mobile): +34 600 333 444
            Phone (boathouse): +34 91 000 000
            E-mail (work): ana@example.org
            Address (home): Calle Mayor 7, 2º, Gijón, Asturias, 33201, Spain
            Birthday: 1985-04-12
            Anniversary: 20 June
            Website: https://example.org/ana
            Groups: pilots, friends
            Note: Prefers calls
            before noon.

            Jan Novák
            Name: Jan Novák
            Phone (home, fax): 7
            Birthday: 12 April"#]]
        .assert_eq(&document.text);
        assert_eq!(
            headings(&document),
            ["1 Dr. Ana María Pérez", "1 Jan Novák"]
        );
        assert_eq!(
            (document.title, document.tags.join(" ")),
            (None, "pilots friends".to_owned())
        );
    }

    #[test]
    fn a_contact_without_a_name_is_told_by_what_it_has() {
        let document = read(extract, "BEGIN:VCARD\nEMAIL:ana@example.org\nEND:VCARD");
        assert_eq!(
            document.text,
            "ana@example.org\nName: ana@example.org\nE-mail: ana@example.org"
        );
        assert_eq!(document.title.as_deref(), Some("ana@example.org"));
        let document = read(extract, "BEGIN:VCARD\nNOTE:late");
        assert_eq!(document.text, "A contact without a name\nNote: late");
    }

    #[test]
    fn hostile_contacts_are_harmless() {
        survives(extract, CARDS.as_bytes());
        assert!(extract(b"", &limits()).is_err());
        assert!(extract(b"BEGIN:VCARD\nEND:VCARD\n", &limits()).is_err());
        let many = "BEGIN:VCARD\nTEL;A;B;C:1\n".repeat(100_000);
        assert!(read(extract, many).text.len() < 100_000);
        let cards = "BEGIN:VCARD\nFN:A\nEND:VCARD\n".repeat(100_000);
        assert_eq!(read(extract, cards).headings.len(), 100_000);
    }
}
