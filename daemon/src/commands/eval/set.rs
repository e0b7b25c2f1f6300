//! The sets: case files, and files in SQuAD layout, whose paragraphs become documents.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;
use vade_retriever::eval::{Case, Wanted, is_left_out};

use crate::commands::absolute;

/// Questions, and the folder of the documents they are about.
pub(super) struct Set {
    pub name: String,
    /// None where they are about the person's own documents.
    pub notes: Option<PathBuf>,
    pub cases: Vec<Case>,
}

/// A case file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    name: Option<String>,
    documents: Option<Documents>,
    #[serde(default, rename = "question")]
    cases: Vec<Case>,
}

/// A folder beside the file, or texts by their paths.
#[derive(Deserialize)]
#[serde(untagged)]
enum Documents {
    Folder(PathBuf),
    Texts(BTreeMap<String, String>),
}

/// SQuAD 1.1 (Rajpurkar et al. 2016), and 2.0, where a question may have no answer.
#[derive(Deserialize)]
struct Squad {
    data: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    paragraphs: Vec<Paragraph>,
}

#[derive(Deserialize)]
struct Paragraph {
    context: String,
    qas: Vec<Asked>,
}

#[derive(Deserialize)]
struct Asked {
    question: String,
    #[serde(default)]
    answers: Vec<Gold>,
}

#[derive(Deserialize)]
struct Gold {
    text: String,
}

impl Set {
    /// Reads a file; documents that are in it are written to `work`.
    pub(super) fn read(file: &Path, work: &Path, absent: f64) -> Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let name = |part: Option<&std::ffi::OsStr>| {
            let part = part.unwrap_or(file.as_os_str());
            part.to_string_lossy().into_owned()
        };
        let wrong = || format!("{} is no case file", file.display());
        let cases: CaseFile = if file.extension().is_some_and(|kind| kind == "json") {
            let value: Value = serde_json::from_str(&text).with_context(wrong)?;
            if value["data"].is_array() {
                let squad: Squad = serde_json::from_value(value).with_context(wrong)?;
                let name = name(file.file_name());
                let (texts, cases) = cases_of(squad, language(&name), absent);
                let notes = Some(write(&texts, work)?);
                return Ok(Self { name, notes, cases });
            }
            serde_json::from_value(value).with_context(wrong)?
        } else {
            toml::from_str(&text).with_context(wrong)?
        };
        if let Some(mistake) = cases.cases.iter().find_map(Case::mistake) {
            bail!("{}: {mistake}", file.display());
        }
        let notes = match &cases.documents {
            None => None,
            Some(Documents::Texts(texts)) => Some(write(texts, work)?),
            Some(Documents::Folder(folder)) => {
                let beside = file.parent().unwrap_or(Path::new(""));
                Some(absolute(&beside.join(folder))?)
            }
        };
        Ok(Self {
            name: cases.name.unwrap_or_else(|| name(file.file_stem())),
            notes,
            cases: cases.cases,
        })
    }
}

/// Writes texts into a folder.
fn write(texts: &BTreeMap<String, String>, folder: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    for (name, text) in texts {
        let name = Path::new(name);
        let mut parts = name.components();
        ensure!(
            parts.all(|part| matches!(part, Component::Normal(_))),
            "{} lies outside of the set",
            name.display()
        );
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    absolute(folder)
}

/// `en` of `xquad.en.json`.
fn language(name: &str) -> Option<&str> {
    let (_, language) = name.strip_suffix(".json")?.rsplit_once('.')?;
    (language.len() == 2).then_some(language)
}

/// The paragraphs as documents, but for a share of them, and the questions on all.
fn cases_of(
    squad: Squad,
    language: Option<&str>,
    absent: f64,
) -> (BTreeMap<String, String>, Vec<Case>) {
    let (mut texts, mut cases) = (BTreeMap::new(), Vec::new());
    let paragraphs = squad
        .data
        .into_iter()
        .flat_map(|article| article.paragraphs);
    for (number, paragraph) in paragraphs.enumerate() {
        let name = format!("{number:04}.txt");
        let left_out = is_left_out(number, absent);
        for asked in paragraph.qas {
            let golds = Wanted::Any(asked.answers.into_iter().map(|gold| gold.text).collect());
            let case = Case {
                question: asked.question,
                language: language.map(str::to_owned),
                ..Case::default()
            };
            cases.push(if left_out || golds.is_none() {
                Case {
                    kind: "absent".to_owned(),
                    ..case
                }
            } else {
                Case {
                    kind: "fact".to_owned(),
                    found: true,
                    expect: vec![golds.clone()],
                    phrase: golds,
                    cites: Wanted::One(name.clone()),
                    ..case
                }
            });
        }
        if !left_out {
            texts.insert(name, paragraph.context);
        }
    }
    (texts, cases)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_become_documents_and_those_left_out_have_no_answers() {
        let text = r#"{"data": [{"paragraphs": [
            {"context": "Tides.", "qas": [{"question": "What?", "answers": [{"text": "Tides"}]}]},
            {"context": "Ropes.", "qas": [{"question": "Which?", "answers": [{"text": "Ropes"}]}]}]}]}"#;
        let squad = serde_json::from_str(text).unwrap();
        let (texts, cases) = cases_of(squad, Some("en"), 0.5);
        assert_eq!(texts.keys().collect::<Vec<_>>(), ["0000.txt"]);
        assert_eq!((cases[0].found, cases[1].found), (true, false));
        assert_eq!(cases[0].cites, Wanted::One("0000.txt".to_owned()));
        assert_eq!(cases[1].kind, "absent");
    }

    #[test]
    fn a_case_file_may_hold_its_documents() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("cases.toml");
        let text = "[documents]\n\"a/b.md\" = \"Tides.\"\n[[question]]\nquestion = \"What?\"\nexpect = [[\"a\", \"b\"], \"c\"]\n";
        std::fs::write(&file, text).unwrap();
        let set = Set::read(&file, &directory.path().join("notes"), 0.0).unwrap();
        assert_eq!(set.name, "cases");
        assert!(set.notes.unwrap().join("a/b.md").is_file());
        assert_eq!(
            (set.cases[0].kind.as_str(), set.cases[0].expect.len()),
            ("fact", 2)
        );
        std::fs::write(&file, text.replace("a/b.md", "../b.md")).unwrap();
        assert!(Set::read(&file, &directory.path().join("notes"), 0.0).is_err());
    }

    #[test]
    fn a_file_name_tells_its_language() {
        assert_eq!(language("xquad.es.json"), Some("es"));
        assert_eq!(language("squad.json"), None);
    }
}
