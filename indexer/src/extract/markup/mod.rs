//! Markup that people write by hand. The text stays the source. Markdown has a room of its own.

pub(super) mod latex;
mod latex_text;
pub(super) mod org;
pub(super) mod rst;

use super::Extracted;

impl Extracted {
    /// Where a document names itself nowhere else, its first heading of the first level does.
    pub(super) fn take_title_from_heading(&mut self) {
        let first = self.headings.iter().find(|heading| heading.level == 1);
        let title = first.map(|heading| heading.text.clone());
        self.title = self
            .title
            .take()
            .or(title.filter(|title| !title.is_empty()));
    }
}

/// The lines of `text` without their ends, each with where it starts.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> + Clone {
    let mut next = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = next;
        next += line.len();
        (start, line.trim_end_matches(['\r', '\n']))
    })
}

/// What the readers' tests share.
#[cfg(test)]
mod tests {
    use super::super::{Extracted, Limits, Rejection};

    type Reader = fn(&[u8], &Limits) -> Result<Extracted, Rejection>;

    pub(super) fn read(reader: Reader, source: &str) -> Extracted {
        reader(source.as_bytes(), &Limits::new("unused".into())).expect("text")
    }

    /// Title, and each heading's level, text and first line.
    pub(super) fn outline(document: &Extracted) -> String {
        let lines: Vec<String> = document
            .headings
            .iter()
            .map(|heading| {
                let line = document.text[heading.start..].lines().next();
                let line = line.unwrap_or_default();
                format!("{} {:?} at {line:?}", heading.level, heading.text)
            })
            .collect();
        format!("{:?}\n{}", document.title, lines.join("\n"))
    }

    /// Reads every beginning of `source` and every text with a byte of it spoilt.
    pub(super) fn survives(reader: Reader, source: &str) {
        let limits = Limits::new("unused".into());
        for end in 0..source.len() {
            let _ = reader(&source.as_bytes()[..end], &limits);
            let mut spoilt = source.as_bytes().to_vec();
            spoilt[end] = 0xff;
            let _ = reader(&spoilt, &limits);
            let short = Limits {
                max_text_bytes: end,
                ..limits.clone()
            };
            let _ = reader(source.as_bytes(), &short);
        }
    }
}
