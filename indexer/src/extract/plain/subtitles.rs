//! Subtitles (.srt, .vtt): what is said, with the time it is said at.
//!
//! Owns the joining of cues into paragraphs, each of which begins with its time (`[00:12:05]`). What
//! captions repeat while they roll up the screen is written once.

use super::super::{Extracted, Limits, Rejection, text, transcript::Transcript};

/// A paragraph holds this much at most: any passage should have a time near.
const MAX_SECONDS: u64 = 30;
const MAX_BYTES: usize = 600;

/// From here on the end of a sentence ends the paragraph.
const SENTENCE_SECONDS: u64 = 15;

/// So long a silence ends a paragraph.
const SILENCE: u64 = 4_000;

/// Reads subtitles.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let decoded = text::decode(bytes).ok_or_else(|| Rejection::skipped("binary file"))?;
    let mut writer = Writer {
        transcript: Transcript::new(limits),
        paragraph: String::new(),
        start: 0,
        end: 0,
        said: Vec::new(),
        speaker: String::new(),
    };
    for cue in Cues::new(&decoded.text) {
        writer.add(&cue);
        if writer.transcript.is_full() {
            break;
        }
    }
    writer.end_paragraph();
    writer.transcript.finish("subtitles", None, limits)
}

/// One caption. Times are in milliseconds.
#[derive(Debug)]
struct Cue<'a> {
    start: u64,
    end: u64,
    lines: Vec<&'a str>,
}

/// The cues of a file. What is outside of them (numbers, notes, styles) is passed over.
struct Cues<'a> {
    lines: std::str::Lines<'a>,
    /// The times of the next cue, whose line was read already.
    next: Option<(u64, u64)>,
}

impl<'a> Cues<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            lines: text.lines(),
            next: None,
        }
    }
}

impl<'a> Iterator for Cues<'a> {
    type Item = Cue<'a>;

    fn next(&mut self) -> Option<Cue<'a>> {
        let next = self.next.take();
        let (start, end) = next.or_else(|| self.lines.find_map(times))?;
        let mut lines = Vec::new();
        for line in self.lines.by_ref() {
            // Rolling captions have lines of nothing but a space.
            if line.is_empty() {
                break;
            }
            self.next = times(line);
            if self.next.is_some() {
                // Its number stands above it, where the blank line between them is missing.
                lines.pop_if(|line: &mut &str| is_number(line));
                break;
            }
            lines.push(line);
        }
        Some(Cue { start, end, lines })
    }
}

fn is_number(line: &str) -> bool {
    line.trim().bytes().all(|byte| byte.is_ascii_digit())
}

/// `00:01:02,500 --> 00:01:04,000` with whatever settings after it.
fn times(line: &str) -> Option<(u64, u64)> {
    let (start, rest) = line.split_once("-->")?;
    let start = time(start.trim())?;
    let end = rest.split_whitespace().next().and_then(time);
    Some((start, end.unwrap_or(start)))
}

/// `[hours:]minutes:seconds[.fraction]` in milliseconds.
fn time(text: &str) -> Option<u64> {
    let (clock, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let mut seconds = 0_u64;
    for part in clock.split(':') {
        if part.is_empty() || part.len() > 4 {
            return None;
        }
        seconds = seconds.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).take(3);
    let millis = digits.chain(*b"000").take(3);
    let millis = millis.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    (clock.contains(':')).then(|| seconds.saturating_mul(1000).saturating_add(millis))
}

struct Writer {
    transcript: Transcript,
    paragraph: String,
    /// Where the paragraph starts and the last cue ends.
    start: u64,
    end: u64,
    /// The last cue's lines.
    said: Vec<String>,
    speaker: String,
}

impl Writer {
    fn add(&mut self, cue: &Cue<'_>) {
        let lines: Vec<String> = cue.lines.iter().map(|line| self.spoken(line)).collect();
        let lines: Vec<String> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        let fresh = self.fresh(&lines, cue.start);
        if self.paragraph_ends(cue.start) {
            self.end_paragraph();
        }
        for line in &fresh {
            if self.paragraph.is_empty() {
                self.start = cue.start;
            } else {
                self.paragraph.push(' ');
            }
            self.paragraph.push_str(line);
            if self.paragraph.len() > MAX_BYTES {
                self.end_paragraph();
            }
        }
        if !lines.is_empty() {
            self.said = lines;
        }
        self.end = cue.end.max(cue.start);
    }

    /// A line as text; the name of a voice stays where another one speaks.
    fn spoken(&mut self, line: &str) -> String {
        let (voice, text) = without_tags(line);
        match voice {
            Some(voice) if !voice.is_empty() && voice != self.speaker => {
                let line = format!("{voice}: {text}");
                self.speaker = voice;
                line
            }
            _ => text,
        }
    }

    /// What of `lines` was not on the screen already: rolling captions show each line again while
    /// the next one is written.
    fn fresh(&self, lines: &[String], start: u64) -> Vec<String> {
        let rolling = start <= self.end.saturating_add(100);
        let most = self.said.len().min(lines.len());
        let known = (1..=most)
            .rev()
            .find(|count| self.said[self.said.len() - count..] == lines[..*count])
            .filter(|_| rolling)
            .unwrap_or_default();
        let mut fresh = lines[known..].to_vec();
        if rolling
            && known == 0
            && let [said] = self.said.as_slice()
            && let Some(first) = fresh.first_mut()
            && let Some(rest) = first.strip_prefix(said.as_str())
            && rest.starts_with(' ')
        {
            // A line that grows word by word.
            *first = rest.trim_start().to_owned();
        }
        fresh
    }

    fn paragraph_ends(&self, start: u64) -> bool {
        let lasted = start.saturating_sub(self.start);
        let sentence = self
            .paragraph
            .ends_with(['.', '!', '?', '…', '。', '！', '？', '"', '”']);
        lasted >= MAX_SECONDS * 1000
            || (sentence && lasted >= SENTENCE_SECONDS * 1000)
            || start.saturating_sub(self.end) >= SILENCE
            // Time running backwards is another recording.
            || start < self.start
    }

    fn end_paragraph(&mut self) {
        if !self.paragraph.is_empty() {
            let seconds = self.start / 1000;
            let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
            let time = format!("[{hours:02}:{minutes:02}:{:02}]", seconds % 60);
            self.transcript
                .paragraph(&format!("{time} {}", self.paragraph));
            self.paragraph.clear();
        }
    }
}

/// A line without `<i>`, `{\an8}` and the like, and the voice that one of them named.
fn without_tags(line: &str) -> (Option<String>, String) {
    let mut voice = None;
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['<', '{']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(length) = tag_length(rest) else {
            text.push_str(&rest[..1]);
            rest = &rest[1..];
            continue;
        };
        let tag = &rest[1..length - 1];
        if let Some(("v" | "v.loud", name)) = tag.split_once([' ', '\t']) {
            voice = Some(entities(name.trim()));
        }
        rest = &rest[length..];
    }
    text.push_str(rest);
    let words: Vec<&str> = text.split_whitespace().collect();
    (voice, entities(&words.join(" ")))
}

/// The length of the tag that `text` starts with, if it is one.
fn tag_length(text: &str) -> Option<usize> {
    let inner = text.get(1..)?;
    let (is_tag, close) = if text.starts_with('<') {
        let tag = inner.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/');
        (tag, '>')
    } else {
        (inner.starts_with('\\'), '}')
    };
    is_tag.then(|| inner.find(close))?.map(|end| end + 2)
}

fn entities(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let known = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&nbsp;", " "),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&lrm;", ""),
        ("&rlm;", ""),
        ("&amp;", "&"),
    ];
    let replace = |text: String, (name, character)| text.replace(name, character);
    known.into_iter().fold(text.to_owned(), replace)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{limits, read, survives};
    use super::extract;
    use expect_test::expect;

    const SRT: &str = "\u{feff}1\r\n00:00:01,000 --> 00:00:03,000\r\n{\\an8}<i>Where is</i>\r\n\
        the pier?\r\n\r\n2\r\n00:00:03,500 --> 00:00:05,000\r\n- Gone.\r\n3\r\n\
        00:00:05,500 --> 00:00:06,000\r\n- 1932 &amp; a < b.\r\n\r\n4\r\n01:00:00,000 --> 01:00:02,000\r\nLater.\r\n";

    #[test]
    fn cues_become_paragraphs_with_times() {
        expect![[r"
            [00:00:01] Where is the pier? - Gone. - 1932 & a < b.

            [01:00:00] Later."]]
        .assert_eq(&read(extract, SRT).text);
    }

    #[test]
    fn rolling_captions_are_written_once() {
        let vtt = "WEBVTT\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nNOTE a remark\n\n\
            00:00.000 --> 00:02.000 align:start position:0%\n \nhello<00:00:00.500><c> there</c>\n\n\
            00:02.000 --> 00:02.010\nhello there\n \n\n\
            00:02.010 --> 00:04.000\nhello there\nwe<00:00:03.000><c> begin</c>\n\n\
            00:04.000 --> 00:04.010\nwe begin\n \n\n\
            intro\n00:04.010 --> 00:06.000\nwe begin\n<v Anna>with me</v>\n\n\
            00:06.000 --> 00:08.000\n<v Anna>and you\n\n00:08.000 --> 00:09.000\n<v Bo>Yes\n";
        expect!["[00:00:00] hello there we begin Anna: with me and you Bo: Yes"]
            .assert_eq(&read(extract, vtt).text);
    }

    #[test]
    fn a_line_that_grows_is_written_once() {
        let vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\nthe old\n\n00:02.000 --> 00:03.000\nthe old pier\n\n\
            00:09.000 --> 00:10.000\nthe old pier\n";
        expect![[r"
            [00:00:01] the old pier

            [00:00:09] the old pier"]]
        .assert_eq(&read(extract, vtt).text);
    }

    #[test]
    fn a_time_is_never_far() {
        let cues = (0..600).map(|i| {
            let (start, end) = (i * 2, i * 2 + 2);
            let (minute, second) = (start / 60, start % 60);
            format!(
                "{i}\n00:{minute:02}:{second:02},000 --> 00:{:02}:{:02},000\nwords number {i}\n\n",
                end / 60,
                end % 60
            )
        });
        let text = read(extract, cues.collect::<String>()).text;
        let paragraphs: Vec<&str> = text.split("\n\n").collect();
        assert_eq!(paragraphs.len(), 40);
        assert!(
            paragraphs
                .iter()
                .all(|p| p.starts_with("[00:") && p.len() < 700)
        );
        let long = format!("00:01.000 --> 00:02.000\n{}\n", "word\n".repeat(1000));
        let text = read(extract, long).text;
        assert!(
            text.split("\n\n")
                .all(|p| p.starts_with("[00:00:01]") && p.len() < 700)
        );
    }

    #[test]
    fn hostile_subtitles_are_harmless() {
        survives(extract, SRT.as_bytes());
        assert!(extract(b"WEBVTT\n\nno cues", &limits()).is_err());
        let strange = "99999999999:1 --> 2\n9999:9999:9999:9999:9999.9 --> x\na\n<<{\\{ <v>é<v é\n";
        assert!(read(extract, strange).text.contains("é<v é"));
        let many = "0:1 --> 0:1\n<".repeat(100_000);
        let _ = extract(many.as_bytes(), &limits());
    }
}
