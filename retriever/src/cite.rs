//! Citations: which passage says what an answer says, and in which words.
//!
//! Small models put `[2]` where they should put `[1]`, or nothing at all. So markers are not taken
//! from the model: for each sentence of an answer the words are looked for that prove it (`proof`), in the passages
//! and what they stand under. A sentence that nothing proves gets no marker.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::fold::{listed, plain};
use crate::language::Language;
use crate::passage::Passage;
use crate::proof::Claim;

/// Sentences of a document that are taken together for one quote, at most.
const LONGEST_QUOTE: usize = 3;

/// The share of an answer's words that one quote must have, where no sentence of it is proven for itself.
const HARDLY_SAID: f32 = 0.25;

/// A place in a document that an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The number in the answer.
    pub marker: usize,
    /// Id of the document.
    pub document: String,
    /// Absolute path of the document.
    pub path: String,
    /// Title of the document.
    pub title: String,
    /// The page, in documents that have pages.
    pub page: Option<u32>,
    /// The headings the quote stands under, joined by ` > `.
    pub heading: Option<String>,
    /// Where the quote begins in the document's text (byte).
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// The document's own words.
    pub quote: String,
}

/// Finds the words that prove a sentence.
pub(crate) struct Attribution<'a> {
    passages: &'a [Passage],
    quotes: Vec<Quote<'a>>,
    /// What is asked: a short answer says nothing without it.
    question: Claim,
    /// The language of each passage.
    languages: Vec<Language>,
}

/// Words of a passage that could prove something.
pub(crate) struct Quote<'a> {
    /// The passage's place.
    pub passage: usize,
    /// Where it is in the passage's text.
    pub span: Range<usize>,
    /// How many sentences it is.
    pub sentences: usize,
    pub text: &'a str,
    /// What it stands under.
    pub around: String,
    /// The sentence that it leans on: "It is held by the bank" says nothing without the one before.
    pub before: Option<Range<usize>>,
    /// The sentence that opens its paragraph, which says what it is about.
    pub opener: Option<Range<usize>>,
}

/// Whether a sentence is proven.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Standing {
    /// By these words.
    Proven(Citation),
    /// It adds something that no passage says.
    Added,
    /// It says nothing that wants a proof.
    Idle,
}

impl<'a> Attribution<'a> {
    /// Over the passages that answer `question`.
    pub(crate) fn new(passages: &'a [Passage], question: &str) -> Self {
        let quotes = (0..passages.len())
            .flat_map(|place| quotes(&passages[place], place))
            .collect();
        let languages = passages
            .iter()
            .map(|passage| Language::of(&passage.text, None))
            .collect();
        Self {
            passages,
            quotes,
            question: Claim::of(question),
            languages,
        }
    }

    /// Where a sentence of an answer stands.
    pub(crate) fn judge(&self, sentence: &str) -> Standing {
        let claim = Claim::of(sentence).completed_by(&self.question);
        if claim.is_empty() {
            return Standing::Idle;
        }
        let proof = |quote: &Quote| claim.proven_by(quote.text, &quote.around);
        if let Some(proven) = self.best(&claim, |quote| proof(quote).holds()) {
            return Standing::Proven(proven);
        }
        // Words of another language cannot be compared; what is the same in both can.
        let language = Language::of(sentence, None);
        let foreign = |quote: &Quote| self.languages[quote.passage] != language;
        if let Some(proven) = self.best(&claim, |quote| {
            foreign(quote) && proof(quote).may_hold_translated()
        }) {
            return Standing::Proven(proven);
        }
        let translated = self.languages.iter().any(|one| *one != language);
        if claim.tells_facts() || (!translated && claim.says_much()) {
            Standing::Added
        } else {
            Standing::Idle
        }
    }

    /// What comes nearest to an answer of which no sentence is proven: its numbers and names, and some of its words.
    pub(crate) fn nearest(&self, answer: &str) -> Option<Citation> {
        let claim = Claim::of(answer).completed_by(&self.question);
        let language = Language::of(answer, None);
        self.best(&claim, |quote| {
            let proof = claim.proven_by(quote.text, &quote.around);
            let foreign = self.languages[quote.passage] != language;
            proof.exact
                && (proof.terms >= HARDLY_SAID && proof.same_side || foreign && proof.has_exact)
        })
        .filter(|_| !claim.is_empty())
    }

    /// Of the quotes that prove a claim the one that says most of it and of the question, and of equals the shorter,
    /// and the better ranked.
    fn best(&self, claim: &Claim, proves: impl Fn(&Quote) -> bool) -> Option<Citation> {
        let mut best: Option<(f32, &Quote)> = None;
        for quote in self.quotes.iter().filter(|quote| proves(quote)) {
            let says = claim.proven_by(quote.text, "").share();
            let around = claim.proven_by(quote.text, &quote.around).share();
            let asked = self.question.proven_by(quote.text, &quote.around).share();
            #[expect(clippy::cast_precision_loss, reason = "quotes are short")]
            let length = quote.sentences as f32 + quote.text.len() as f32 / 1000.0;
            let score = says + 0.5 * around + 0.5 * asked - 0.15 * length;
            if best.is_none_or(|(highest, _)| score > highest + 1e-4) {
                best = Some((score, quote));
            }
        }
        best.map(|(_, quote)| cite(&self.passages[quote.passage], quote.span.clone()))
    }
}

/// The quotes that a passage has: each sentence, row or line, and few of them together.
pub(crate) fn quotes(passage: &Passage, place: usize) -> impl Iterator<Item = Quote<'_>> {
    let spans = sentences(&passage.text);
    let under = passage.around();
    let starts = 0..spans.len();
    starts.flat_map(move |first| {
        // Rows say each something for itself.
        let is_row = |at: usize| passage.text[spans[at].clone()].starts_with('|');
        let most = LONGEST_QUOTE.min(spans.len() - first);
        let most = (1..most)
            .find(|more| is_row(first) || is_row(first + more))
            .unwrap_or(most);
        let header = header_of(passage, &spans[first]);
        let head = run_in_head(&passage.text, &spans[first]);
        let around = format!("{under}\n{header} {head}");
        let before = leans_on(&passage.text, &spans, first);
        let opener = opener_of(&passage.text, &spans, first);
        let ends: Vec<usize> = (1..=most)
            .map(|count| spans[first + count - 1].end)
            .collect();
        let start = spans[first].start;
        (1..)
            .zip(ends)
            .map(move |(sentences, end)| Quote {
                passage: place,
                span: start..end,
                sentences,
                text: &passage.text[start..end],
                around: around.clone(),
                before: before.clone(),
                opener: opener.clone(),
            })
            .collect::<Vec<_>>()
    })
}

/// Words that a sentence begins with that leans on the one before it. Spanish leaves out the subject, so a verb does.
const LEANING: &str = "it its it's they their he she his her him this that these those both there \
    lo ella ellos ellas el este esta esto ese esa eso se su sus ambos ambas es son esta estan cuesta cuestan vale \
    tiene tienen mide pesa dura abre cierra vive trabaja viene incluye admite funciona caduca vence termina empieza sale \
    llega fue era pertenece il elle ils elles cela ce er sie es ihr ihre dies egli essa ele ela hij zij";

/// A task without the box that says whether it is done.
pub(crate) fn without_box(line: &str) -> &str {
    let rest = line.strip_prefix("- [ ] ");
    rest.or_else(|| line.strip_prefix("- [x] ")).unwrap_or(line)
}

/// Whether a line is an item of a list.
pub(crate) fn is_item(line: &str) -> bool {
    line.starts_with(['-', '*', '+', '•'])
}

/// The sentence before one that leans on it, in the same paragraph; for an item of a list, the line that opens the list;
/// for a row, the header of its table.
fn leans_on(text: &str, spans: &[Range<usize>], at: usize) -> Option<Range<usize>> {
    let sentence = &text[spans[at].clone()];
    if sentence.starts_with('|') {
        let header = header_in(text, &spans[at]);
        let start = header.as_ptr() as usize - text.as_ptr() as usize;
        let is_header = (start..=start + header.len()).contains(&spans[at].start);
        return (!is_header && !header.is_empty()).then(|| start..start + header.len());
    }
    if is_item(sentence) {
        let opener = (0..at)
            .rev()
            .find(|one| !is_item(&text[spans[*one].clone()]))?;
        let opens = text[spans[opener].clone()].ends_with(':');
        return opens.then(|| spans[opener].clone());
    }
    let before = spans.get(at.checked_sub(1)?)?;
    let gap = &text[before.end..spans[at].start];
    let first = sentence.split_whitespace().next()?;
    let first = plain(first.trim_matches(|c: char| !c.is_alphanumeric()));
    // "El" is an article, "Él" is none.
    let is_pronoun = listed(LEANING, &first) && (first != "el" || sentence.starts_with('É'));
    let same_paragraph =
        gap.matches('\n').count() < 2 && !text[before.clone()].starts_with(['|', '#', '-', '*']);
    (is_pronoun && same_paragraph).then(|| before.clone())
}

/// The header of the table that a row stands in.
pub(crate) fn header_of<'a>(passage: &'a Passage, row: &Range<usize>) -> &'a str {
    let first = header_in(&passage.text, row);
    match &passage.table_header {
        Some(header)
            if passage.text.starts_with('|') && passage.text[row.clone()].starts_with('|') =>
        {
            let begins = first.as_ptr() as usize - passage.text.as_ptr() as usize;
            if first.is_empty() || begins == 0 {
                header
            } else {
                first
            }
        }
        // Rows without bars before them: those of the first block.
        Some(header) if first.is_empty() && !passage.text[..row.end].contains("\n\n") => header,
        _ => first,
    }
}

/// Bytes of a run-in head, at most.
const LONGEST_HEAD: usize = 60;

/// What the paragraph of a sentence opens with as its heading: "**Rehearsals.** On Mondays. The hall is cold." Nothing for
/// what stands in the head itself.
pub(crate) fn run_in_head<'a>(text: &'a str, span: &Range<usize>) -> &'a str {
    let paragraph = &text[paragraph_of(text, span).start..span.start];
    let marks = |c: char| c.is_whitespace() || matches!(c, '-' | '+' | '•' | '>');
    let bold = paragraph.trim_start_matches(marks).strip_prefix("**");
    let head = bold.and_then(|bold| Some(bold.split_once("**")?.0));
    let head = head.filter(|head| head.len() <= LONGEST_HEAD && !head.contains('\n'));
    head.unwrap_or_default().trim_end_matches(['.', ':', ' '])
}

/// The sentence that opens the paragraph of another one.
fn opener_of(text: &str, spans: &[Range<usize>], at: usize) -> Option<Range<usize>> {
    let paragraph = paragraph_of(text, &spans[at]);
    let mut before = spans[..at].iter();
    let opener = before.find(|span| paragraph.start <= span.start)?;
    (!text[opener.clone()].starts_with(['|', '#'])).then(|| opener.clone())
}

/// The paragraph, or the item of a list, that a sentence stands in.
pub(crate) fn paragraph_of(text: &str, span: &Range<usize>) -> Range<usize> {
    let mut start = span.start;
    for line in text[..span.start].split_inclusive('\n').rev() {
        let is_own = line.trim_end_matches('\n').len() == line.len();
        let is_apart = line.trim().is_empty() || line.starts_with(['#', '|']);
        if is_apart && !is_own {
            break;
        }
        start -= line.len();
        if is_item(line.trim_start()) && !line.trim_start().starts_with("**") {
            break;
        }
    }
    let rest = &text[span.end..];
    let mut end = span.end;
    for (at, line) in rest.split_inclusive('\n').enumerate() {
        let is_apart =
            line.trim().is_empty() || is_item(line.trim_start()) || line.starts_with(['#', '|']);
        if at > 0 && is_apart {
            break;
        }
        end += line.len();
    }
    start..end
}

/// The first row of the table that a row stands in.
fn header_in<'a>(text: &'a str, row: &Range<usize>) -> &'a str {
    if !text[row.clone()].starts_with('|') {
        return "";
    }
    let mut header = &text[row.start..row.start];
    for line in text[..row.start].lines().rev() {
        if !line.trim_start().starts_with('|') {
            break;
        }
        header = line;
    }
    header
}

pub(crate) fn cite(passage: &Passage, span: Range<usize>) -> Citation {
    Citation {
        marker: passage.n,
        document: passage.document.clone(),
        path: passage.path.clone(),
        title: passage.title.clone(),
        page: passage.page,
        heading: passage.heading.clone(),
        start: passage.start + span.start,
        end: passage.start + span.end,
        quote: passage.text[span].to_owned(),
    }
}

/// Spans of a text's sentences and lines, trimmed.
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next_is_space = characters
            .peek()
            .is_none_or(|(_, next)| next.is_whitespace());
        let ends = (character == '\n' && !is_wrapped(text, at))
            || (matches!(character, '.' | '!' | '?' | '…')
                && next_is_space
                && !is_short_word(&text[start..at])
                && !(character == '.' && is_abbreviated(&text[start..at], &text[at + 1..])))
            || matches!(character, '。' | '！' | '？');
        if ends {
            spans.push(start..at + character.len_utf8());
            start = at + character.len_utf8();
        }
    }
    spans.push(start..text.len());
    spans
        .into_iter()
        .filter_map(|span| {
            let part = &text[span.clone()];
            let trimmed = part.trim();
            let start = span.start + (part.len() - part.trim_start().len());
            (!trimmed.is_empty()).then(|| start..start + trimmed.len())
        })
        .collect()
}

/// A line of prose is at least so long where it is wrapped (characters).
const WRAPPED: usize = 64;

/// Whether the line break at `at` only wraps a sentence: its line is long prose, and the next one goes on.
fn is_wrapped(text: &str, at: usize) -> bool {
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    let next = text[at + 1..].split('\n').next().unwrap_or_default();
    let marks = ['|', '#', '-', '*', '+', '>', '='];
    let goes_on = next
        .trim_start()
        .starts_with(|c: char| c.is_alphabetic() || matches!(c, '(' | '"' | '“' | '«' | '\''));
    line.chars().count() >= WRAPPED
        && !line.trim_start().starts_with(['|', '#'])
        && !line.ends_with("  ")
        && !line.trim_end().ends_with(':')
        && goes_on
        && !next.trim_start().starts_with(marks)
        && next.chars().take(WRAPPED).filter(|c| *c == ':').count() == 0
}

/// Whether a text ends with an abbreviation or a number with its point: "St", "p", "3".
pub(crate) fn is_short_word(text: &str) -> bool {
    let word = text
        .rsplit(|c: char| c.is_whitespace())
        .next()
        .unwrap_or_default();
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    word.chars().count() <= 2
        && (letters == 1 || word.chars().next().is_some_and(char::is_uppercase))
}

/// Whether a text ends with an abbreviation that leads to what follows: "Part no. 4", "approx. 3 km", "Avda. del Mar".
fn is_abbreviated(text: &str, rest: &str) -> bool {
    const BEFORE_NUMBERS: &str = "no nr núm num nos art arts fig figs pág pag págs pp vol vols cap caps ch sec ext tel \
        ap apdo ref abs";
    const TITLES: &str = "mrs prof sra dra dña sres avda pza ctra";
    const BEFORE_WORDS: &str =
        "approx aprox incl excl dept depto misc vs cf esq str bzw ca etc inc ltd jr";
    let word = text.rsplit(|c: char| !c.is_alphanumeric()).next();
    let word = word.unwrap_or_default().to_lowercase();
    rest.trim_start().chars().next().is_some_and(|next| {
        next.is_ascii_digit() && listed(BEFORE_NUMBERS, &word)
            || !next.is_uppercase() && listed(BEFORE_WORDS, &word)
    }) || listed(TITLES, &word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(n: usize, start: usize, text: &str) -> Passage {
        Passage {
            n,
            document: format!("d{n}"),
            path: format!("/notes/{n}.md"),
            page: Some(2),
            start,
            end: start + text.len(),
            score: 1.0,
            text: text.to_owned(),
            ..Passage::default()
        }
    }

    fn lease() -> Passage {
        passage(
            1,
            100,
            "The flat is let unfurnished. The deposit is £995, due on 3 May. Pets are not allowed.",
        )
    }

    #[test]
    fn a_paragraph_has_its_head() {
        let text = "# Minutes\n\n**Fair.** It has moved. The stand costs £150.\nBring it.\n\nNo head. None.\n\n- **Swap:** at \
                    ten. In the hut.\n- Tea at four. Cake.";
        let head = |sentence: &str| {
            let at = text.find(sentence).expect("stands there");
            run_in_head(text, &(at..at + sentence.len()))
        };
        assert_eq!(head("The stand"), "Fair");
        assert_eq!(head("Bring it"), "Fair");
        assert_eq!(head("In the hut"), "Swap");
        assert_eq!(head("**Fair.** It has moved."), "");
        assert_eq!(head("None."), "");
        assert_eq!(head("Cake"), "");
        let paragraph = |sentence: &str| {
            let at = text.find(sentence).expect("stands there");
            text[paragraph_of(text, &(at..at + sentence.len()))].trim()
        };
        assert_eq!(
            paragraph("The stand"),
            "**Fair.** It has moved. The stand costs £150.\nBring it."
        );
        assert_eq!(paragraph("No head."), "No head. None.");
        assert_eq!(paragraph("In the hut"), "- **Swap:** at ten. In the hut.");
    }

    #[test]
    fn a_sentence_is_cited_from_the_passage_that_says_it() {
        let passages = [
            passage(1, 0, "The deposit of the house is £800, due in June."),
            lease(),
        ];
        let citation = proven(&passages, "", "You paid a deposit of £995").expect("it is said");
        assert_eq!(citation.quote, "The deposit is £995, due on 3 May.");
        assert_eq!(
            &passages[1].text[citation.start - 100..citation.end - 100],
            citation.quote
        );
    }

    fn proven(passages: &[Passage], question: &str, sentence: &str) -> Option<Citation> {
        match Attribution::new(passages, question).judge(sentence) {
            Standing::Proven(citation) => Some(citation),
            Standing::Added | Standing::Idle => None,
        }
    }

    #[test]
    fn what_no_passage_says_is_not_cited() {
        let passages = [lease()];
        let attribution = Attribution::new(&passages, "");
        for added in [
            "Mongolia exports copper and cashmere",
            "The deposit is £865",
            "Pets are allowed",
        ] {
            assert_eq!(attribution.judge(added), Standing::Added, "{added}");
        }
        assert_eq!(attribution.nearest("Ulaanbaatar"), None);
        let nearest = attribution.nearest("La fianza es de 995 libras");
        assert_eq!(nearest.map(|citation| citation.marker), Some(1));
        assert_eq!(Attribution::new(&[], "").nearest("anything"), None);
    }

    #[test]
    fn of_equals_the_better_ranked_is_cited() {
        let passages = [lease(), passage(2, 0, &lease().text)];
        let citation = proven(&passages, "", "The deposit is £995").expect("it is said");
        assert_eq!(citation.marker, 1);
    }

    #[test]
    fn a_short_answer_is_proven_together_with_its_question() {
        let passages = [
            passage(1, 0, "The chimney is swept 2 times a year."),
            passage(2, 0, "Metformin 850 mg, 2 times a day."),
        ];
        let citation =
            proven(&passages, "How often does he take metformin?", "2 times").expect("it is said");
        assert_eq!(citation.marker, 2);
        let cabin = [passage(1, 0, "Dogs are welcome. Cats are not permitted.")];
        let question = "Are cats permitted in the cabin?";
        assert_eq!(
            proven(&cabin, question, "No.").expect("it is said").quote,
            "Cats are not permitted."
        );
        assert_eq!(proven(&cabin, question, "Yes, cats are permitted."), None);
    }

    #[test]
    fn a_row_is_proven_with_the_head_of_its_table() {
        let table = "| article | price (EUR) |\n|---|---|\n| RG-84 | 24.00 |\n| RG-86 | 24.50 |";
        let passages = [passage(1, 0, table)];
        let citation =
            proven(&passages, "", "The price of RG-86 is 24.50 EUR").expect("it is said");
        assert_eq!(citation.quote, "| RG-86 | 24.50 |");
        assert_eq!(
            proven(&passages, "", "The price of RG-86 is 24.00 EUR").map(|one| one.quote),
            None
        );
    }

    #[test]
    fn sentences_keep_abbreviations_and_decimals_together() {
        let text = "Dr. A. Vale paid 3.50 at St. Mary's. ¡Sí! Línea\n- item";
        for whole in [
            "New hanger £17 (part no. 4) is here.",
            "It is approx. 3 km along the Avda. del Mar.",
        ] {
            assert_eq!(sentences(whole).len(), 1, "{whole}");
        }
        assert_eq!(sentences("Can we? No. 4 is shut.").len(), 2);
        let parts: Vec<_> = sentences(text)
            .into_iter()
            .map(|span| &text[span])
            .collect();
        assert_eq!(
            parts,
            [
                "Dr. A. Vale paid 3.50 at St. Mary's.",
                "¡Sí!",
                "Línea",
                "- item"
            ]
        );
    }
}
