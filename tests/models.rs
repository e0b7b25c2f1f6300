//! Models: the list, verification, and files that are damaged or not there.

use std::path::Path;

use serde_json::Value;

use crate::harness::{EMBEDDING, EMBEDDING_FILE, MODELS, Place, damaged_models, text};

const LANGUAGE: &str = "smollm2-135m-instruct";

/// Adds a model to the catalog whose only source is a folder that is not there.
fn catalog_with_unreachable_model(place: &Place) {
    let entry = format!(
        "[[model]]\nid = \"far-away\"\nrole = \"language-model\"\nname = \"Far away\"\n\
         licence = \"MIT\"\nstatus = \"listed\"\n\
         files = [{{ name = \"far.gguf\", bytes = 10, sha256 = \"{}\" }}]\n\
         [model.language-model]\narchitecture = \"llama\"\nengine = \"ours\"\ncontext = 2048\n\
         [[model.sources]]\nkind = \"local\"\npath = \"/nowhere/at/all\"\n",
        "0".repeat(64)
    );
    for folder in [".config/vade", "Library/Application Support/vade"] {
        let folder = place.root.join(folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("catalog.toml"), &entry).expect("writes");
    }
}

fn gguf(models: &Path) -> String {
    let names = std::fs::read_dir(models.join(LANGUAGE)).expect("the model is there");
    let mut names = names.map(|entry| {
        entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned()
    });
    names
        .find(|name| name.ends_with(".gguf"))
        .expect("its weights")
}

#[test]
fn the_list_says_what_is_here_and_in_use() {
    let list = Place::new().json(&["models", "list"]);
    let rows = list["models"].as_array().expect("models");
    let row = |id: &str| rows.iter().find(|row| row["id"] == id).expect("a row");
    for id in [EMBEDDING, LANGUAGE] {
        assert_eq!(
            (&row(id)["present"], &row(id)["active"]),
            (&true.into(), &true.into()),
            "{id}"
        );
        assert!(row(id)["bytes"].as_u64().expect("a size") > 1 << 20, "{id}");
        assert!(!text(&row(id)["licence"]).is_empty(), "{id}");
    }
    assert_eq!(row("qwen2.5-coder-1.5b-instruct")["active"], false);
    assert_eq!(row(LANGUAGE)["role"], "language-model");
}

#[test]
fn good_files_verify_and_a_damaged_one_is_named() {
    let mut place = Place::new();
    place.models = damaged_models(&place, EMBEDDING_FILE);
    let good = place.json(&["models", "verify", MODELS[0], LANGUAGE]);
    let states = good["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| &file["state"]);
    assert_eq!(states.collect::<Vec<_>>(), ["verified", "verified"]);
    let words = [&*format!("vade models pull {EMBEDDING}")];
    let ran = place.ends(&["models", "verify", "--json"], 1, &words);
    let checks: Value = serde_json::from_str(&ran.out).expect("JSON");
    let files = checks["files"].as_array().expect("files");
    let wrong: Vec<&str> = files
        .iter()
        .filter(|file| file["state"] != "verified")
        .map(|file| text(&file["file"]))
        .collect();
    assert_eq!(wrong, ["e5-small-q4.bin"]);
}

#[test]
fn a_damaged_model_is_refused_wherever_it_is_needed() {
    let mut place = Place::new();
    place.write("a.md", "The ferry leaves at nine.");
    place.json(&["index", "notes"]);
    let weights = gguf(&place.models);
    place.models = damaged_models(&place, &format!("{LANGUAGE}/{weights}"));
    let words = [
        &*format!("{weights} of {LANGUAGE} is damaged"),
        &format!("vade models pull {LANGUAGE}"),
    ];
    place.ends(&["ask", "When does the ferry leave?"], 1, &words);
    place.json(&["search", "ferry"]);
    std::fs::remove_dir_all(&place.models).expect("removes");
    place.models = Place::new().models;
    place.models = damaged_models(&place, EMBEDDING_FILE);
    let words = [
        &*format!("e5-small-q4.bin of {EMBEDDING} is damaged"),
        &format!("vade models pull {EMBEDDING}"),
    ];
    // Words are found without it, and it is said why not more is.
    place.ends(&["search", "ferry"], 0, &words);
    place.write("b.md", "The bus leaves at ten.");
    place.ends(&["index", "notes"], 1, &words);
    place.ends(&["doctor"], 1, &[]);
}

#[test]
fn a_model_that_cannot_be_fetched_is_named_with_its_sources() {
    let place = Place::new();
    catalog_with_unreachable_model(&place);
    let words = ["far-away could not be fetched", "local /nowhere/at/all"];
    place.ends(&["models", "pull", "far-away"], 1, &words);
    std::fs::write(
        place.root.join("vade.toml"),
        "[model]\nlanguage = \"far-away\"\n",
    )
    .expect("writes");
    let status = place.json(&["status"]);
    assert_eq!(status["models"]["language_model"]["state"], "missing");
    place.ends(&["ask", "Who is far away?"], 1, &words);
    place.ends(&["up", "--port", "0"], 1, &words);
}

#[test]
fn an_unknown_model_is_named_with_the_nearest() {
    let place = Place::new();
    std::fs::write(
        place.root.join("vade.toml"),
        "[model]\nlanguage = \"qwen3-0.6\"\n",
    )
    .expect("writes");
    place.ends(
        &["status"],
        1,
        &[
            "no model is called `qwen3-0.6`",
            "qwen3-0.6b",
            "vade models list",
        ],
    );
}

#[test]
fn a_missing_model_named_in_a_question_is_an_error_of_that_question() {
    let place = Place::new();
    catalog_with_unreachable_model(&place);
    place.write("a.md", "The ferry leaves at nine.");
    let daemon = place.up(&["notes"]);
    let question =
        serde_json::json!({ "question": "When does the ferry leave?", "model": "far-away" });
    let events = daemon.events(&question);
    let last = events.last().expect("an event");
    assert_eq!(
        (&*last.name, &last.data["error"]["code"]),
        ("error", &"model-missing".into())
    );
    assert!(text(&last.data["error"]["message"]).contains("vade models pull far-away"));
}
