//! What must hold in a catalog entry beyond its shape, checked once when a catalog is read.
//!
//! Names end up in paths and in other programs' arguments, so they are held to plain characters
//! here; the rest of the crate relies on it. Pure: an entry in, the first fault out.

use std::collections::BTreeSet;

use super::entry::{Model, ModelFile, NpmSource, PipSource, Role, Source};

/// The first thing wrong with an entry, naming the key.
pub(super) fn entry(model: &Model) -> Result<(), String> {
    let fault = |key: &str, what: &str| Err(format!("model `{}`, key `{key}`: {what}", model.id));
    if !is_plain(&model.id) {
        return fault(
            "id",
            "use lower case letters, digits, `.`, `-` and `_` only",
        );
    }
    if model.files.is_empty() && model.role != Role::Runtime {
        return fault("files", "an entry needs at least one");
    }
    if model.role == Role::LanguageModel
        && (model.language_model.is_none() || model.file_ending(".gguf").is_none())
    {
        return fault(
            "language-model",
            "a language model needs it and a .gguf file",
        );
    }
    let ending = model.embedding.as_ref().map(|spec| spec.engine.ending());
    if let Some(ending) = ending
        && model.file_ending(ending).is_none()
    {
        return fault(
            "embedding",
            &format!("it needs a file that ends in {ending}"),
        );
    }
    if model.role == Role::Ocr
        && (model.file_ending("det.onnx").is_none() || model.file_ending("rec.onnx").is_none())
    {
        return fault("files", "an ocr entry needs det.onnx and rec.onnx");
    }
    let mut names = BTreeSet::new();
    for item in &model.files {
        if let Err(what) = file(item) {
            return fault("files", &what);
        }
        if !names.insert(item.name.as_str()) {
            return fault("files", &format!("{} is there twice", item.name));
        }
    }
    for item in &model.sources {
        if let Err(what) = source(item, &names) {
            return fault("sources", &what);
        }
    }
    Ok(())
}

fn file(file: &ModelFile) -> Result<(), String> {
    let name = &file.name;
    if !is_file_name(name) {
        return Err(format!("`{name}` is not a plain file name"));
    }
    if file.sha256.is_empty() {
        return Ok(());
    }
    let is_hash = file.sha256.len() == 64
        && file
            .sha256
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hash {
        return Err(format!(
            "sha256 of {name} is not 64 lower case hexadecimal digits"
        ));
    }
    if file.bytes == 0 {
        return Err(format!("bytes of {name} is missing"));
    }
    Ok(())
}

fn source(source: &Source, names: &BTreeSet<&str>) -> Result<(), String> {
    match source {
        Source::HuggingFace(hub) => {
            let paths = hub.files.values().chain([&hub.repository, &hub.revision]);
            for path in paths {
                if !is_relative_path(path) {
                    return Err(format!("`{path}` cannot be part of an address"));
                }
            }
            all_known(hub.files.keys(), names)
        }
        Source::Pip(wheels) => {
            pip(wheels)?;
            all_known(wheels.members.keys().chain(&wheels.carriage_returns), names)
        }
        Source::Npm(package) => {
            npm(package)?;
            all_known(package.members.keys(), names)
        }
        Source::Local(local) if local.path.is_absolute() => Ok(()),
        Source::Local(local) => Err(format!("{} is not absolute", local.path.display())),
    }
}

fn all_known<'a>(
    mut files: impl Iterator<Item = &'a String>,
    names: &BTreeSet<&str>,
) -> Result<(), String> {
    match files.find(|file| !names.contains(file.as_str())) {
        Some(unknown) => Err(format!("`{unknown}` is not among the files")),
        None => Ok(()),
    }
}

fn pip(source: &PipSource) -> Result<(), String> {
    let options = [&source.platform, &source.python, &source.implementation];
    let mut names = source
        .packages
        .iter()
        .chain([&source.version])
        .chain(options.into_iter().flatten());
    if let Some(name) = names.find(|name| !is_package_name(name)) {
        return Err(format!("`{name}` cannot be given to pip"));
    }
    let packages = source.packages.len();
    if packages == 0 {
        return Err("packages is empty".to_owned());
    }
    let uneven =
        |parts: &&Vec<String>| parts.is_empty() || (packages > 1 && parts.len() != packages);
    match source.members.values().find(uneven) {
        Some(_) => Err("each member needs one path for each package".to_owned()),
        None => Ok(()),
    }
}

fn npm(source: &NpmSource) -> Result<(), String> {
    let bare = source.package.strip_prefix('@').unwrap_or(&source.package);
    let is_name = bare.split('/').all(is_package_name) && bare.split('/').count() <= 2;
    if is_name && is_package_name(&source.version) {
        Ok(())
    } else {
        Err(format!("`{}` cannot be given to npm", source.package))
    }
}

fn is_plain(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_'))
}

fn is_package_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// Not hidden, so that it cannot be one of the store's own files.
fn is_file_name(name: &str) -> bool {
    is_package_name(name) && !name.to_ascii_lowercase().ends_with(".partial")
}

fn is_relative_path(path: &str) -> bool {
    path.split('/')
        .all(|part| part != ".." && is_package_name(part.trim_start_matches('_')))
}
