//! Data files: JSON, YAML, TOML. The text stays the source where it is readable.
//!
//! Owns what makes a file's top-level keys headings, and writing JSON anew where it was written for
//! machines: on one line, or with escapes in place of letters. Nothing is parsed into values, so depth
//! and errors are harmless.

use std::borrow::Cow;

use super::super::{Extracted, Heading, Limits, Rejection, cut, text};

/// Longer lines are not for reading.
const MAX_LINE_BYTES: usize = 1000;

/// Lists and objects up to this size stay on one line.
const INLINE_BYTES: usize = 80;

/// Deeper levels are not indented further.
const MAX_INDENT: usize = 8;

/// Top-level keys are headings where there are a few of them with much below each.
const MAX_KEYS: usize = 50;
const MAX_KEY_BYTES: usize = 80;
const MIN_VALUE_BYTES: usize = 200;

/// Low enough that small values share a passage.
const KEY_LEVEL: u8 = 3;

/// Reads a data file.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let decoded = text::decode(bytes).ok_or_else(|| Rejection::skipped("binary file"))?;
    let json = is_json(&decoded.text);
    let source_is_text = decoded.exact && !(json && is_unreadable(&decoded.text));
    let mut text = if json && is_unreadable(&decoded.text) {
        Writer::new(&decoded.text, limits.max_text_bytes).write()
    } else {
        decoded.text.into_owned()
    };
    let notice = cut(&mut text, limits.max_text_bytes);
    let keys = if json {
        json_keys(&text)
    } else {
        line_keys(&text)
    };
    Ok(Extracted {
        headings: headings(keys, text.len()),
        body: 0..text.len(),
        text,
        source_is_text,
        extractor: Cow::Borrowed("data"),
        notice,
        ..Extracted::default()
    })
}

/// Keys with where their lines start as headings, where that helps.
fn headings(mut keys: Vec<(usize, &str)>, length: usize) -> Vec<Heading> {
    keys.retain(|(_, key)| !key.trim().is_empty());
    let few = (2..=MAX_KEYS).contains(&keys.len());
    // A file of records that are all called the same has no parts.
    let mut names: Vec<&str> = keys.iter().map(|(_, key)| *key).collect();
    names.sort_unstable();
    names.dedup();
    if !few || length / keys.len() < MIN_VALUE_BYTES || 2 * names.len() <= keys.len() {
        return Vec::new();
    }
    let heading = |(start, key): (usize, &str)| Heading {
        start,
        level: KEY_LEVEL,
        text: key.trim().to_owned(),
    };
    keys.into_iter().map(heading).collect()
}

/// Whether the text begins as JSON does, with an object or a list. Tables of TOML begin like lists.
fn is_json(text: &str) -> bool {
    let text = text.trim_start();
    let next = text.get(1..).unwrap_or_default().trim_start();
    if text.starts_with('{') {
        return next.is_empty() || next.starts_with(['"', '}']);
    }
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let table = lines.next().is_some_and(|line| toml_table(line).is_some())
        && lines
            .next()
            .is_some_and(|line| line.contains('=') || line.starts_with(['[', '#']));
    text.starts_with('[')
        && !table
        && next.starts_with(|c: char| "{[\"]-tfn".contains(c) || c.is_ascii_digit())
}

/// Whether lines are too long to be cut well, or escapes stand for letters or between words.
fn is_unreadable(text: &str) -> bool {
    text.lines().any(|line| line.len() > MAX_LINE_BYTES) || hides_words(text)
}

fn hides_words(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let escape = &rest[at + 1..];
        match escape.as_bytes() {
            [b'n' | b'r' | b't', next, ..] if next.is_ascii_alphanumeric() => return true,
            [b'u', ..] if unicode(escape).is_some() => return true,
            _ => {}
        }
        rest = escape
            .get(escape.chars().next().map_or(0, char::len_utf8)..)
            .unwrap_or_default();
    }
    false
}

/// The character that `uXXXX` (or two of them) stands for, and the length of that; `None` for
/// control characters, which are better left as they are.
fn unicode(escape: &str) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = escape
            .get(at + 1..at + 5)
            .filter(|_| escape[at..].starts_with('u'))?;
        u16::from_str_radix(digits, 16).ok()
    };
    let first = unit(0)?;
    if let Some(Ok(character)) = char::decode_utf16([first]).next() {
        return (character >= '\u{a0}').then_some((character, 5));
    }
    let second = escape
        .get(5..)
        .filter(|rest| rest.starts_with("\\u"))
        .and_then(|_| unit(6))?;
    let character = char::decode_utf16([first, second]).next()?.ok()?;
    Some((character, 11))
}

/// Writes JSON so that it can be read and cut: a line for each value, letters instead of escapes.
/// What is not JSON comes through as it is.
struct Writer<'a> {
    rest: &'a str,
    out: String,
    max_bytes: usize,
    depth: usize,
    /// Brackets open on the current line.
    inline: usize,
}

impl<'a> Writer<'a> {
    fn new(source: &'a str, max_bytes: usize) -> Self {
        Self {
            rest: source,
            out: String::with_capacity(source.len().min(max_bytes)),
            max_bytes,
            depth: 0,
            inline: 0,
        }
    }

    fn write(mut self) -> String {
        // One byte too many tells that the text was cut.
        while self.out.len() <= self.max_bytes
            && let Some(next) = self.rest.chars().next()
        {
            match next {
                '"' => self.string(),
                '{' | '[' => self.open(next),
                '}' | ']' => self.close(next),
                ',' => self.comma(),
                ':' => self.push(": "),
                _ if next.is_whitespace() => self.space(),
                _ => {
                    let end = self.rest.find(|c: char| "\"{}[],: \t\r\n".contains(c));
                    let (literal, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                    self.out.push_str(literal);
                    self.rest = rest;
                }
            }
        }
        self.out
    }

    /// Writes `text` in place of one character.
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        let mut rest = self.rest.chars();
        rest.next();
        self.rest = rest.as_str();
    }

    fn open(&mut self, bracket: char) {
        let short = self.inline > 0 || is_short(self.rest);
        self.push(bracket.encode_utf8(&mut [0; 4]));
        if short {
            self.inline += 1;
        } else {
            self.depth += 1;
            self.new_line();
        }
    }

    fn close(&mut self, bracket: char) {
        if self.inline > 0 {
            self.inline -= 1;
        } else {
            self.depth = self.depth.saturating_sub(1);
            self.new_line();
        }
        self.push(bracket.encode_utf8(&mut [0; 4]));
    }

    fn comma(&mut self) {
        if self.inline > 0 {
            self.push(", ");
        } else {
            self.push(",");
            self.new_line();
        }
    }

    /// White space matters only between the records of a file that has several.
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
        if self.depth == 0 && self.inline == 0 && !self.out.is_empty() && !self.rest.is_empty() {
            self.out.push_str("\n\n");
        }
    }

    fn new_line(&mut self) {
        self.out.push('\n');
        for _ in 0..self.depth.min(MAX_INDENT) {
            self.out.push_str("  ");
        }
    }

    /// Writes a string with the characters its escapes stand for; quotation marks stay escaped.
    fn string(&mut self) {
        self.push("\"");
        loop {
            let end = self.rest.find(['"', '\\']).unwrap_or(self.rest.len());
            let (plain, rest) = self.rest.split_at(end);
            self.out.push_str(plain);
            self.rest = rest;
            if !rest.starts_with('\\') {
                return self.push(if rest.is_empty() { "" } else { "\"" });
            }
            self.escape(&rest[1..]);
        }
    }

    fn escape(&mut self, escape: &'a str) {
        let (character, length) = match escape.as_bytes().first() {
            Some(b'n') => ('\n', 1),
            Some(b't') => ('\t', 1),
            Some(b'/') => ('/', 1),
            Some(b'u') if let Some(found) = unicode(escape) => found,
            _ => {
                let length = escape.chars().next().map_or(0, char::len_utf8);
                self.out.push('\\');
                self.out.push_str(&escape[..length]);
                self.rest = &escape[length..];
                return;
            }
        };
        // The end of a line is one character, whatever it was.
        if character == '\n' && self.out.ends_with("\\r") {
            self.out.truncate(self.out.len() - 2);
        }
        self.out.push(character);
        self.rest = &escape[length..];
    }
}

/// Whether the bracket that `text` starts with is closed soon.
fn is_short(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes().take(INLINE_BYTES) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return true,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    false
}

/// The keys of the outermost object that start a line, each with where that is.
fn json_keys(text: &str) -> Vec<(usize, &str)> {
    let mut keys = Vec::new();
    if !text.trim_start().starts_with('{') {
        return keys;
    }
    let (mut depth, mut at, mut line) = (0_usize, 0, 0);
    while let Some(offset) = text[at..].find(['"', '{', '}', '[', ']', '\n']) {
        at += offset + 1;
        match text.as_bytes()[at - 1] {
            b'\n' => line = at,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {
                let start = at;
                at = string_end(text, start);
                let first = text[line..start - 1].trim().is_empty();
                let rest = text.get(at + 1..).unwrap_or_default();
                if depth == 1 && first && rest.trim_start().starts_with(':') {
                    keys.push((line, &text[start..at]));
                    line = at;
                }
                at = (at + 1).min(text.len());
            }
        }
        if keys.len() > MAX_KEYS {
            break;
        }
    }
    keys.retain(|(_, key)| key.len() <= MAX_KEY_BYTES);
    keys
}

/// Where the string that starts at `start` ends.
fn string_end(text: &str, start: usize) -> usize {
    let mut escaped = false;
    let end = text[start..].bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |length| start + length)
}

/// The tables of TOML, or else the outermost keys of YAML.
fn line_keys(text: &str) -> Vec<(usize, &str)> {
    let mut tables = Vec::new();
    let mut keys = Vec::new();
    let (mut start, mut quote) = (0, None);
    for line in text.split_inclusive('\n') {
        match quote {
            Some(mark) if line.contains(mark) => quote = None,
            Some(_) => {}
            None => {
                quote = ["\"\"\"", "'''"]
                    .into_iter()
                    .find(|mark| line.matches(mark).count() % 2 == 1);
                tables.extend(toml_table(line).map(|key| (start, key)));
                keys.extend(yaml_key(line).map(|key| (start, key)));
            }
        }
        start += line.len();
        if tables.len().max(keys.len()) > 4 * MAX_KEYS {
            return Vec::new();
        }
    }
    if tables.is_empty() { keys } else { tables }
}

/// The name in `[name]` or `[[name]]`.
fn toml_table(line: &str) -> Option<&str> {
    let line = line.split(" #").next().unwrap_or(line).trim_end();
    let name = line.strip_prefix('[')?.strip_suffix(']')?;
    let name = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    let fits = |c: char| c.is_alphanumeric() || "_-. \"':/".contains(c);
    (!name.is_empty() && name.len() <= MAX_KEY_BYTES && name.chars().all(fits)).then_some(name)
}

/// The key in `key: value`, at the start of a line.
fn yaml_key(line: &str) -> Option<&str> {
    let (key, value) = line.split_once(':')?;
    let fits = key.starts_with(|c: char| c.is_alphanumeric() || "_\"'.$".contains(c))
        && key.len() <= MAX_KEY_BYTES
        && value.starts_with(char::is_whitespace);
    fits.then(|| key.trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{headings, read, survives};
    use super::extract;
    use expect_test::expect;

    #[test]
    fn what_is_readable_stays() {
        for source in [
            "{\n  \"name\": \"pier\",\n  \"path\": \"C:\\\\new\"\n}\n",
            "name: pier\nlist: [1, 2]\n",
            "[pier]\nlength = 412\n",
            "{\"short\": [1,2,3]}\n",
            "{{ template }}",
            "[broken",
        ] {
            let document = read(extract, source);
            assert_eq!(document.text, source);
            assert!(document.source_is_text && document.headings.is_empty());
        }
    }

    #[test]
    fn what_was_written_for_machines_is_written_anew() {
        let filler = "x".repeat(1000);
        let source = format!(
            r#"{{"name":"P\u00e9rn \ud83d\ude00","note":"one\r\ntwo \"q\"","size":[1,2,{{"a":null}}],"deep":{{"filler":"{filler}","e":{{}}}}}}"#
        );
        let document = read(extract, &source);
        expect![[r#"
            {
              "name": "Pérn 😀",
              "note": "one
            two \"q\"",
              "size": [1, 2, {"a": null}],
              "deep": {
                "filler": "…",
                "e": {}
              }
            }"#]]
        .assert_eq(&document.text.replace(&filler, "…"));
        assert!(!document.source_is_text);
        let lines = format!("{{\"a\":1}}\n{{\"a\":\"{filler}\"}}\n");
        assert!(
            read(extract, &lines)
                .text
                .starts_with("{\"a\": 1}\n\n{\n  \"a\": \"xxx")
        );
        assert_eq!(read(extract, r#"{"a": "x\ny"}"#).text, "{\"a\": \"x\ny\"}");
    }

    #[test]
    fn large_values_stand_below_their_keys() {
        let filler = "word ".repeat(60);
        let json =
            format!("{{\"one\": {{\n  \"two\": \"{filler}\"\n}},\n\"three\": \"{filler}\"}}");
        assert_eq!(
            headings(&read(extract, json.replace("{\"one", "{\n \"one"))),
            ["3 one", "3 three"]
        );
        let toml = format!(
            "top = 1\n[one]\na = '''\n[no]\n'''\n[[two.three]]\nb = \"{filler}\"\n{filler}"
        );
        assert_eq!(headings(&read(extract, toml)), ["3 one", "3 two.three"]);
        let yaml = format!("# comment\none:\n  a: {filler}\n'two': |\n  no: {filler}\nurl://x\n");
        assert_eq!(headings(&read(extract, yaml)), ["3 one", "3 two"]);
        let same = format!("[[a]]\nb = '{filler}'\n").repeat(9);
        assert!(read(extract, same).headings.is_empty());
        let many: String = (0..60).map(|i| format!("key{i}: {filler}\n")).collect();
        assert!(read(extract, many).headings.is_empty());
    }

    #[test]
    fn hostile_data_is_harmless() {
        let source =
            r#"{"a":"\ud83d\u0041\u00e9\\\"é","b":[{"c":"\n"#.to_owned() + &"x".repeat(1100);
        survives(extract, source.as_bytes());
        for bracket in ["[", "{\"a\":", "]", "[\"\\u00e9\",", "\"\\"] {
            let text = read(extract, bracket.repeat(200_000)).text;
            assert!(text.len() >= 200_000);
        }
        let deep = read(extract, format!("[{}", "[".repeat(3_000_000)));
        assert!(deep.notice.is_some());
    }
}
