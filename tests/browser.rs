//! The page in a real browser: asking, citations, the library, languages, themes, phones.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Daemon, eventually, number, sample_folder, samples, text, until};
use crate::webdriver::{Browser, ENTER, ESCAPE};

const QUESTION: &str = "Which fault code of the boiler means that the water pressure is too low?";
/// Answered from the library, without a model.
const LISTED: &str = "Which notes mention varroa?";

/// The page of the daemon over the samples.
fn page() -> (Browser, &'static Daemon) {
    let (_, daemon) = samples();
    let browser = Browser::open(1280, 800);
    browser.go(daemon.base());
    until("the page is drawn", || {
        browser.has("#summary:not([hidden])")
    });
    (browser, daemon)
}

#[track_caller]
fn shows(browser: &Browser, selector: &str) {
    until(&format!("{selector} is shown"), || browser.has(selector));
}

/// Asks, waits for the answer, and gives it as it was kept.
fn ask(browser: &Browser, daemon: &Daemon, question: &str) -> Value {
    let answers =
        || browser.run("return document.querySelectorAll('.answer[data-state=done]').length");
    let before = number(&answers());
    browser.write("#question", &format!("{question}{ENTER}"));
    until("it is answered", || number(&answers()) > before);
    let address = browser.run("return location.hash");
    let conversation = text(&address).strip_prefix("#/c/").expect("its address");
    let kept = daemon.get(&format!("/api/conversations/{conversation}"));
    kept["messages"]
        .as_array()
        .expect("messages")
        .last()
        .expect("one")
        .clone()
}

/// What stands in the cells of this class, in the last table.
fn cells(browser: &Browser, class: &str) -> Value {
    browser.run(&format!(
        "return [...[...document.querySelectorAll('.listing')].pop().querySelectorAll('tbody .{class}')] \
           .map((cell) => cell.textContent)"
    ))
}

#[test]
fn an_answer_over_documents_is_a_table_that_opens_them_and_can_be_corrected() {
    let (browser, daemon) = page();
    let kept = ask(&browser, daemon, LISTED);
    let rows = kept["table"]["rows"].as_array().expect("rows");
    assert!((2..=10).contains(&rows.len()), "{rows:?}");
    let titles: Vec<&str> = rows.iter().map(|row| text(&row["title"])).collect();
    assert_eq!(cells(&browser, "title"), json!(titles));
    assert!(browser.has(".listing table caption + thead th[scope=col]"));
    assert!(browser.has(".listing tbody th[scope=row]"));
    let evident = rows.iter().find(|row| !row["evidence"].is_null());
    let quote = &evident.expect("words of a document")["evidence"]["quote"];
    browser.click(".listing .open:not([data-marker=''])");
    shows(&browser, "#sources mark.quote");
    assert_eq!(browser.text("#sources mark.quote"), text(quote));

    // What was understood, said again as a question, is understood in the same way.
    let understood = browser.text("button.understood");
    assert!(
        understood.contains("Listed notes that mention “varroa”"),
        "{understood}"
    );
    browser.click("button.understood");
    let again = browser.run("return document.querySelector('#question').value");
    assert!(text(&again).contains("varroa"), "{again}");
    let again = ask(&browser, daemon, "");
    assert_eq!(again["table"]["rows"], kept["table"]["rows"]);

    let looks = || (cells(&browser, "title"), browser.text("button.understood"));
    let before = looks();
    let address = browser.run("return location.hash");
    browser.go(&format!("{}/?kept{}", daemon.base(), text(&address)));
    shows(&browser, ".exchange + .exchange .listing");
    assert_eq!(looks(), before);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn long_tables_are_folded() {
    let (browser, daemon) = page();
    let folder = sample_folder();
    let folder = folder.file_name().expect("a name").to_string_lossy();
    let kept = ask(
        &browser,
        daemon,
        &format!("List the files in the folder {folder}"),
    );
    let rows = kept["table"]["rows"].as_array().expect("rows");
    assert!(rows.len() > 10, "{kept}");
    let shown = || cells(&browser, "title").as_array().map_or(0, Vec::len);
    assert_eq!(shown(), 10);
    assert!(!browser.text(".answer").contains(text(&rows[0]["title"])));
    browser.click(".listing .more");
    assert_eq!(shown(), rows.len());
    assert!(!browser.has(".listing .more"));
    let focused = browser.run("return document.activeElement.querySelector('.title')?.textContent");
    assert_eq!(focused, rows[10]["title"]);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn an_answer_is_marked_as_wrong_with_what_would_be_right() {
    let (browser, daemon) = page();
    ask(&browser, daemon, LISTED);
    browser.click(".rate.wrong");
    browser.write(".correction input", "Two hives");
    browser.write(".correction input", ENTER);
    shows(&browser, ".rate.wrong[aria-pressed=true]");
    assert!(browser.has(".correction[hidden]"));
    let said = browser.text(".rated");
    let file = said.split_once(" in ").expect("where it is noted").1;
    let noted = std::fs::read_to_string(file).expect("the file of ratings");
    assert!(noted.contains("expect = [\"Two hives\"]"), "{noted}");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_question_is_answered_and_its_citation_opens_the_quoted_words() {
    let (browser, daemon) = page();
    browser.write("#question", QUESTION);
    browser.write("#question", ENTER);
    shows(&browser, ".answer[data-state=streaming]");
    shows(&browser, "#sources:not([hidden]) .passage");
    shows(&browser, ".answer[data-state=done]");
    shows(&browser, ".answer button.citation");
    browser.click(".answer button.citation");
    shows(&browser, "#sources mark.quote");
    let conversation = eventually("the address names the conversation", || {
        let address = browser.run("return location.hash");
        text(&address).strip_prefix("#/c/").map(str::to_owned)
    });
    let kept = daemon.get(&format!("/api/conversations/{conversation}"));
    let citation = &kept["messages"][1]["citations"][0];
    assert_eq!(
        browser.text("#sources mark.quote"),
        text(&citation["quote"])
    );
    assert_eq!(
        browser.text(".answer button.citation"),
        format!("[{}]", citation["marker"])
    );
    if let Some(path) = std::env::var_os("VADE_SCREENSHOT") {
        browser.save_screenshot(Path::new(&path), 1280, 800);
    }
    browser.write("body", ESCAPE);
    until("the list of sources is back", || {
        browser.has("#sources[data-shows=list]")
    });
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_refusal_shows_the_nearest_passages() {
    let (browser, _) = page();
    browser.write("#question", "How tall is Mount Kilimanjaro?");
    browser.click("#send");
    shows(
        &browser,
        ".answer[data-state=done][data-found=false] .notice.refusal",
    );
    assert!(browser.has(".nearest li button"));
    assert!(!browser.has(".answer button.citation"));
    browser.click(".nearest li button");
    shows(&browser, "#sources mark.quote");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_library_lists_documents_with_their_states() {
    let (browser, daemon) = page();
    browser.click("#views a[data-view=library]");
    shows(&browser, "#library:not([hidden]) .document");
    let rows = browser
        .run("return document.querySelectorAll('.document[data-state=indexed] .chip').length");
    assert_eq!(rows, daemon.documents().len());
    assert!(browser.has("#library .folder"));
    browser.write("#library input[type=search]", "boiler");
    until("the list is filtered", || {
        browser.run("return document.querySelectorAll('.document').length") == 1
    });
    assert!(browser.text(".document .path").contains("boiler"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_library_says_why_a_file_is_found_or_not() {
    let (browser, daemon) = page();
    browser.click("#views a[data-view=library]");
    shows(&browser, "#library form.why");
    let explain = |path: &str, question: &str| {
        for (field, words) in [("input.path", path), ("input[type=search]", question)] {
            let field = format!("form.why {field}");
            browser.run(&format!(
                "document.querySelector({}).value = ''",
                json!(field)
            ));
            browser.write(&field, words);
        }
        browser.write("form.why input.path", ENTER);
    };
    let says = |expected: &str| {
        let verdict = || browser.text("#library .verdict");
        until(&format!("it says {expected:?}"), || verdict() == expected);
    };

    let sample = daemon.documents()[0].clone();
    let path = text(&sample["path"]);
    explain(path, "");
    says("it is indexed, by words and by meaning");
    assert!(!browser.has(".candidates li"));
    let never = sample_folder().join("there is no such file.md");
    explain(&never.to_string_lossy(), "");
    says("there is no such file");

    // With a question: where the file ranked, as `vade search --explain --expect` tells it.
    let body = json!({ "query": "boiler fault code", "k": 10, "explain": true, "expect": path });
    let found = daemon.call(Method::POST, "/api/search", &body);
    let explanation = &found["explanation"];
    explain(path, "boiler fault code");
    says(text(&explanation["expected"]["verdict"]));
    let outcomes = browser.run(
        "return [...document.querySelectorAll('.candidates li .reason')].map((one) => one.textContent)",
    );
    let candidates = explanation["candidates"].as_array().expect("candidates");
    let expected: Vec<&str> = candidates.iter().map(|one| text(&one["outcome"])).collect();
    assert!(expected.len() > 1);
    assert_eq!(outcomes, json!(expected));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn language_and_theme_are_switched_and_remembered() {
    let (browser, daemon) = page();
    let look = || {
        browser
            .run("return [document.documentElement.lang, document.documentElement.dataset.theme]")
    };
    let ground = || browser.run("return getComputedStyle(document.body).backgroundColor");
    let (before, light) = (look(), ground());
    assert_eq!(before[0], "en");
    assert_eq!(browser.text("#views a[data-view=library]"), "Library");
    browser.click("#language");
    browser.click("#theme");
    assert_eq!(browser.text("#views a[data-view=library]"), "Biblioteca");
    let after = look();
    assert_eq!(after[0], "es");
    assert_ne!(after[1], before[1]);
    assert_ne!(ground(), light);
    browser.go(&format!("{}/?again", daemon.base()));
    until("the page is drawn", || {
        browser.has("#summary:not([hidden])")
    });
    assert_eq!(look(), after);
    assert_eq!(browser.text("#views a[data-view=library]"), "Biblioteca");
}

#[test]
fn on_a_phone_nothing_is_wider_than_the_screen() {
    let (browser, daemon) = page();
    browser.become_phone(360, 740);
    for view in ["#/", "#/library"] {
        browser.go(&format!("{}/?phone{view}", daemon.base()));
        let ready = if view == "#/" {
            "#question"
        } else {
            "#library .document"
        };
        shows(&browser, ready);
        fits(&browser, view);
    }
    browser.go(&format!("{}/?table", daemon.base()));
    shows(&browser, "#question");
    ask(&browser, daemon, LISTED);
    shows(&browser, ".listing tbody .words");
    fits(&browser, "a table");
}

/// Nothing is wider than a screen of 360 pixels.
#[track_caller]
fn fits(browser: &Browser, view: &str) {
    let widths = browser.run(
        "const root = document.documentElement; \
         return [innerWidth, root.scrollWidth, Math.max(...[...document.querySelectorAll('main *')] \
           .filter((node) => node.checkVisibility()).map((node) => node.getBoundingClientRect().right))]",
    );
    assert_eq!(
        (&widths[0], &widths[1]),
        (&json!(360), &json!(360)),
        "{view}"
    );
    assert!(
        widths[2].as_f64().expect("a width") <= 361.0,
        "{view}: {widths}"
    );
}

#[test]
fn the_page_asks_nobody_else() {
    let (browser, daemon) = page();
    browser.click("#views a[data-view=library]");
    shows(&browser, ".document");
    let loaded =
        browser.run("return performance.getEntriesByType('resource').map((entry) => entry.name)");
    let loaded = loaded.as_array().expect("a list");
    assert!(loaded.len() > 10, "{loaded:?}");
    assert!(
        loaded
            .iter()
            .all(|address| text(address).starts_with(daemon.base())),
        "{loaded:?}"
    );
}
