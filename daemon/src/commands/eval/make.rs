//! `vade eval --make`: questions that the language model makes of sentences of a person's own documents, in a case
//! file that the person then edits.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde_json::json;
use vade_models::language::{Generation, LanguageModelHandle, Message, Request, Role, Sampling};
use vade_retriever::eval::{Case, Wanted, language_of};

use super::asking::{Listed, Service, fetch};
use crate::Ended;
use crate::compose::Setup;
use crate::output;

const TASK: &str = "You write questions about texts. Write one short question, in the language of the text, that the \
                    given sentence answers. Name what it is about, and do not speak of a text or a sentence. Write \
                    only the question.";

const HEAD: &str = "# Questions made of your own documents. Edit them, add what you expect, delete what is no good;\n\
                    # then run `vade eval` on this file.\n\n";

/// How often a document is asked for a sentence, at most.
const ROUNDS: u64 = 3;

/// The words that a sentence worth asking about has.
const WORDS: std::ops::RangeInclusive<usize> = 5..=40;

#[derive(Serialize)]
struct Made {
    question: Vec<Case>,
}

pub(super) async fn run(
    setup: &Setup,
    file: &Path,
    questions: usize,
    model: Option<&str>,
) -> Result<Ended> {
    ensure!(!file.exists(), "{} is there already", file.display());
    fetch(setup, model)?;
    let service = Service::own(setup, None).await?;
    let mut documents = service.documents().await?;
    ensure!(!documents.is_empty(), "nothing is indexed yet");
    // In an order that has nothing to do with folders, and is the same each time.
    documents.sort_by_key(|document| hash(&document.path));
    let handle = setup.language_model()?;
    let mut cases = Vec::new();
    'made: for round in 0..ROUNDS {
        for document in &documents {
            if cases.len() == questions {
                break 'made;
            }
            let text = service.text(&document.id).await;
            let drawn = hash(&document.path).wrapping_add(round);
            let Some((chunk, sentence)) = pick(&text, drawn) else {
                continue;
            };
            if let Some(question) = question(&handle, model, chunk, sentence).await? {
                output::say(&format!("{}/{questions} {question}", cases.len() + 1));
                cases.push(case(document, question, sentence));
            }
        }
    }
    ensure!(!cases.is_empty(), "no sentence made a question");
    let count = cases.len();
    let text = toml::to_string_pretty(&Made { question: cases })?;
    std::fs::write(file, format!("{HEAD}{text}"))
        .with_context(|| format!("cannot write {}", file.display()))?;
    if setup.json {
        output::json(&json!({ "questions": count, "file": file }))?;
    } else {
        output::line(&format!("{count} questions in {}", output::path(file)));
    }
    Ok(Ended::Done)
}

fn case(document: &Listed, question: String, sentence: &str) -> Case {
    Case {
        language: language_of(&question).map(str::to_owned),
        question,
        kind: "made".to_owned(),
        quote: Some(sentence.to_owned()),
        cites: Wanted::One(document.path.clone()),
        found: true,
        ..Case::default()
    }
}

/// Asks the model; none where what it writes is no question.
async fn question(
    handle: &LanguageModelHandle,
    model: Option<&str>,
    chunk: &str,
    sentence: &str,
) -> Result<Option<String>> {
    let told = format!("Text:\n{chunk}\n\nSentence:\n{sentence}\n\nQuestion:");
    let request = Request {
        messages: vec![
            Message::new(Role::System, TASK),
            Message::new(Role::User, told),
        ],
        max_tokens: 48,
        sampling: Sampling::default(),
        stop: vec!["\n".to_owned()],
        endless: false,
        drafting: true,
        ..Request::default()
    };
    let mut stream = handle.generate(model, request)?;
    let mut said = String::new();
    loop {
        match stream.recv().await {
            Some(Generation::Text(piece)) => said.push_str(&piece),
            Some(Generation::Done(_)) => break,
            Some(Generation::Failed(error)) => return Err(error.into()),
            None => bail!("the language model stopped"),
        }
    }
    let question = said.trim().trim_matches(['"', '“', '”']);
    Ok(question.ends_with('?').then(|| question.to_owned()))
}

/// A block of a text, and a sentence of it that is long enough to be asked about: the `drawn`th.
fn pick(text: &str, drawn: u64) -> Option<(&str, &str)> {
    let blocks = text.split("\n\n").map(str::trim);
    let all: Vec<(&str, &str)> = blocks
        .flat_map(|block| sentences(block).into_iter().map(move |one| (block, one)))
        .filter(|(_, sentence)| WORDS.contains(&sentence.split_whitespace().count()))
        .collect();
    let place = drawn.checked_rem(u64::try_from(all.len()).ok()?)?;
    all.get(usize::try_from(place).ok()?).copied()
}

/// The sentences and lines of a block, without the signs of lists and headings.
fn sentences(block: &str) -> Vec<&str> {
    let (mut sentences, mut start) = (Vec::new(), 0);
    for (at, character) in block.char_indices() {
        let end = at + character.len_utf8();
        let next_word = block[end..].starts_with(' ');
        if character == '\n' || (matches!(character, '.' | '?' | '!') && next_word) {
            sentences.push(&block[start..end]);
            start = end;
        }
    }
    sentences.push(&block[start..]);
    let bare = sentences.into_iter().map(|sentence| {
        let sentence = sentence.trim();
        sentence.trim_start_matches(['-', '*', '#', '>', ' '])
    });
    bare.filter(|sentence| !sentence.is_empty()).collect()
}

/// FNV-1a: the same on every machine.
fn hash(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Club\n\nThe slipway opens at half past six. Short one. A berth costs £310 a year.\n\n\
                        - bring your own rope and a light";

    #[test]
    fn sentences_end_at_full_stops_and_lines() {
        let block = "One 3.5 m rope. Two!\n- three";
        assert_eq!(sentences(block), ["One 3.5 m rope.", "Two!", "three"]);
    }

    #[test]
    fn a_sentence_is_picked_with_its_block() {
        let (block, sentence) = pick(TEXT, 1).unwrap();
        assert!(block.starts_with("The slipway"));
        assert_eq!(sentence, "A berth costs £310 a year.");
        assert_eq!(pick(TEXT, 5).unwrap().1, "bring your own rope and a light");
        assert_eq!(pick("Too short.", 0), None);
    }

    #[test]
    fn made_cases_are_read_again() {
        let document = Listed {
            id: "1".to_owned(),
            path: "/n/club \"a\".md".to_owned(),
        };
        let made = case(
            &document,
            "When does the slipway open?".to_owned(),
            "It opens\nat six.",
        );
        let text = toml::to_string_pretty(&Made {
            question: vec![made.clone()],
        })
        .unwrap();
        let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        std::fs::write(file.path(), format!("{HEAD}{text}")).unwrap();
        let set = super::super::set::Set::read(file.path(), Path::new("/nowhere"), 0.0).unwrap();
        assert_eq!(set.cases, [made]);
        assert!(set.notes.is_none());
    }
}
