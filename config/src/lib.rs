//! Settings: one tree, a documented `default.toml`, validation, and the platform's folders.
//!
//! Every other crate is handed its own section and never the whole tree. This crate knows nothing
//! of models, documents or HTTP; it only says what the user asked for, or which line is wrong.

mod duration;
mod paths;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use duration::Seconds;
pub use paths::Paths;

/// The commented file that lists every setting with its default; also what a missing file means.
pub const DEFAULT_TOML: &str = include_str!("../default.toml");

/// What can be wrong with settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file named by the user cannot be read.
    #[error("cannot read the settings file {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not valid TOML, or has an unknown or ill-typed key.
    #[error("in the settings file {path}: {message}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line, key and what was expected.
        message: String,
    },
    /// The platform tells no home directory and none was given.
    #[error("no home directory is known: name a data directory with --data-dir")]
    NoHome,
}

/// The whole settings tree. Unknown keys are errors.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How files become chunks.
    pub index: IndexSettings,
    /// How questions become passages.
    pub search: SearchSettings,
    /// Which models run and how.
    pub model: ModelSettings,
    /// Where the daemon listens.
    pub server: ServerSettings,
}

/// `[index]`: how files become chunks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IndexSettings {
    /// Files larger than this are skipped (MiB).
    pub max_file_mib: u64,
    /// Patterns in `.gitignore` syntax that are never indexed, in every folder.
    pub ignore: Vec<String>,
    /// Whether files and folders whose name starts with a dot are indexed.
    pub hidden: bool,
    /// The size a chunk aims at (bytes of text).
    pub chunk_target_bytes: usize,
    /// The size no chunk exceeds (bytes of text).
    pub chunk_max_bytes: usize,
    /// Memory the process that reads one PDF may use (MiB).
    pub extract_memory_mib: u64,
    /// Time the process that reads one PDF may take (seconds).
    pub extract_seconds: u64,
    /// Quiet time after a change before the file is read (milliseconds).
    pub debounce_milliseconds: u64,
    /// Threads that embed (0: as many as cores, at most 4).
    pub threads: usize,
    /// From this many chunks on, the nearest in meaning are found through an index, which misses a few
    /// (0: never, every chunk is compared).
    pub approximate_from: usize,
}

impl Default for IndexSettings {
    fn default() -> Self {
        Self {
            max_file_mib: 64,
            ignore: Vec::new(),
            hidden: false,
            chunk_target_bytes: 1000,
            chunk_max_bytes: 1400,
            extract_memory_mib: 1024,
            extract_seconds: 60,
            debounce_milliseconds: 200,
            threads: 0,
            approximate_from: 200_000,
        }
    }
}

/// `[search]`: how questions become passages.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchSettings {
    /// Candidates taken from each of the two legs, words and vectors.
    pub candidates: usize,
    /// Share of the vector score in the fused score, 0 to 1.
    pub vector_weight: f32,
    /// The same for questions in a language the embedding model was not trained for.
    pub foreign_vector_weight: f32,
    /// From this many passages of one document on, further ones give way to those of others that are nearly as good.
    pub per_document: usize,
    /// Evidence below this (0 to 1) is answered with "not in your documents".
    pub evidence_threshold: f32,
    /// Tokens of passages put into a prompt, at most.
    pub passage_tokens: usize,
    /// Passages put into a prompt, at most.
    pub passages: usize,
}

impl Default for SearchSettings {
    fn default() -> Self {
        Self {
            candidates: 100,
            vector_weight: 0.5,
            foreign_vector_weight: 0.35,
            per_document: 3,
            evidence_threshold: 0.36,
            passage_tokens: 500,
            passages: 8,
        }
    }
}

/// `[model]`: which models run and how.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSettings {
    /// Catalog id of the embedding model.
    pub embedding: String,
    /// Catalog id of the language model, or `auto` to choose by memory and cores.
    pub language: String,
    /// What reads text in images: `auto`, `off`, `tesseract` or a catalog id.
    pub ocr: String,
    /// Threads for the language model (0: one per physical core).
    pub threads: usize,
    /// Context length used (tokens), at most what the model was trained for.
    pub context: usize,
    /// Idle time after which weights leave memory; `0s` keeps them.
    pub idle_unload: Seconds,
    /// Memory for what was read before, kept so that it need not be read again (MiB).
    pub prefix_cache: usize,
    /// Guess ahead from the passages: faster, with the same answers.
    pub drafting: bool,
    /// How far generation gives way to other programs (0 to 19).
    pub nice: i32,
    /// Tokens an answer may take, at most.
    pub answer_tokens: usize,
    /// 0 is greedy; higher is more varied.
    pub temperature: f32,
    /// Nucleus: keep the likeliest tokens that sum to this (1: all).
    pub top_p: f32,
    /// Keep the k likeliest tokens (0: all).
    pub top_k: usize,
    /// Keep tokens at least this share of the likeliest one (0: all).
    pub min_p: f32,
    /// Divide the logits of recent tokens by this (1: off).
    pub repetition_penalty: f32,
    /// Seed for sampling.
    pub seed: u64,
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            embedding: "multilingual-e5-small-q4".to_owned(),
            language: "auto".to_owned(),
            ocr: "auto".to_owned(),
            threads: 0,
            context: 4096,
            idle_unload: Seconds(600),
            prefix_cache: 256,
            drafting: true,
            nice: 5,
            answer_tokens: 320,
            temperature: 0.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            seed: 0,
        }
    }
}

/// `[server]`: where the daemon listens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// IP address to bind; beyond loopback every request needs the access token.
    pub address: std::net::IpAddr,
    /// TCP port; 0 takes a free one.
    pub port: u16,
    /// Host names besides `localhost` and the address that requests may name.
    pub hosts: Vec<String>,
    /// Ask the programs of the user who runs `vade`, too, for the access token.
    pub token: bool,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            port: 4747,
            hosts: Vec::new(),
            token: false,
        }
    }
}

impl Settings {
    /// Reads `file`, or gives the defaults when none is named and `fallback` does not exist.
    ///
    /// # Errors
    /// A named file that cannot be read, or any file with a wrong or unknown key.
    pub fn load(file: Option<&Path>, fallback: &Path) -> Result<Self, ConfigError> {
        let path = match file {
            Some(path) => path,
            None if fallback.exists() => fallback,
            None => return Ok(Self::default()),
        };
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Parses settings; `path` is only named in errors.
    ///
    /// # Errors
    /// A wrong type, an unknown key or a value out of range.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let invalid = |message: String| ConfigError::Invalid {
            path: path.to_owned(),
            message,
        };
        let settings: Self =
            toml::from_str(text).map_err(|error| invalid(error.to_string().trim().to_owned()))?;
        settings.validate().map_err(invalid)?;
        Ok(settings)
    }

    fn validate(&self) -> Result<(), String> {
        let Self {
            index,
            search,
            model,
            ..
        } = self;
        let share = |name: &str, value: f32| {
            (0.0..=1.0)
                .contains(&value)
                .then_some(())
                .ok_or_else(|| format!("{name} must be between 0 and 1, not {value}"))
        };
        let at_least = |name: &str, value: usize, least: usize| {
            (value >= least)
                .then_some(())
                .ok_or_else(|| format!("{name} must be at least {least}, not {value}"))
        };
        share("search.vector_weight", search.vector_weight)?;
        share("search.foreign_vector_weight", search.foreign_vector_weight)?;
        share("search.evidence_threshold", search.evidence_threshold)?;
        share("model.top_p", model.top_p)?;
        share("model.min_p", model.min_p)?;
        at_least("search.candidates", search.candidates, 1)?;
        at_least("search.per_document", search.per_document, 1)?;
        at_least("search.passages", search.passages, 1)?;
        at_least("search.passage_tokens", search.passage_tokens, 64)?;
        at_least("model.context", model.context, 512)?;
        at_least("model.answer_tokens", model.answer_tokens, 8)?;
        at_least("index.chunk_target_bytes", index.chunk_target_bytes, 200)?;
        at_least(
            "index.chunk_max_bytes",
            index.chunk_max_bytes,
            index.chunk_target_bytes,
        )?;
        if !(0..=19).contains(&model.nice) {
            return Err(format!(
                "model.nice must be between 0 and 19, not {}",
                model.nice
            ));
        }
        if model.temperature < 0.0 {
            return Err("model.temperature must not be negative".to_owned());
        }
        if model.repetition_penalty < 1.0 {
            return Err("model.repetition_penalty must be at least 1".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, String> {
        Settings::parse(text, Path::new("vade.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_documented_defaults_are_the_defaults() {
        let documented = parse(DEFAULT_TOML).expect("default.toml is valid");
        assert_eq!(
            format!("{documented:?}"),
            format!("{:?}", Settings::default())
        );
    }

    #[test]
    fn every_setting_is_documented() {
        let documented: toml::Table = toml::from_str(DEFAULT_TOML).expect("default.toml is TOML");
        for (section, count) in [("index", 10), ("search", 7), ("model", 16), ("server", 4)] {
            let keys = documented[section].as_table().expect("a section").len();
            assert_eq!(keys, count, "keys of [{section}] in default.toml");
        }
    }

    #[test]
    fn an_unknown_setting_is_named() {
        let error = parse("[model]\nlangage = \"auto\"\n").expect_err("a typing mistake");
        assert!(error.contains("vade.toml"), "{error}");
        assert!(error.contains("langage"), "{error}");
        assert!(error.contains("line 2"), "{error}");
    }

    #[test]
    fn a_value_out_of_range_is_named() {
        let error = parse("[search]\nvector_weight = 2.0\n").expect_err("out of range");
        assert!(error.contains("search.vector_weight"), "{error}");
    }
}
