//! What of a web page nobody reads: hidden parts, requests to accept cookies, menus.
//!
//! Owns the judgement by an element's attributes, and the second thought: where most of a page would go, the guess
//! was wrong and nothing goes. It knows no tree; `html_text` walks it and asks.

use std::collections::HashSet;
use std::ops::Range;

/// Of a menu's text at least so much is in links (percent).
const LINKED: usize = 80;

/// What has more than one part in so many of a page's text is the page,
const LARGEST: usize = 2;
/// and of all text at least one part in so many stays.
const LEAST_KEPT: usize = 4;

/// Names that one page's style sheets may hide.
const MOST_NAMES: usize = 500;

/// What an element's attributes say of what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Yes,
    /// Browsers do not show it.
    No,
    /// It probably is no part of the page's text.
    Hardly,
    /// It is called a menu, and is one where it holds little but links.
    UnlessMenu,
}

/// Classes and ids that a page's own style sheets keep from being drawn.
#[derive(Debug, Default)]
pub(super) struct Hidden(HashSet<String>);

impl Hidden {
    /// Reads style sheets. Only rules for one class or id count, and the last for each; what is for some media only
    /// does not, nor what opens when a reader asks for it.
    pub(super) fn by(styles: &str) -> Self {
        let styles = without_comments(styles);
        let mut hidden = HashSet::new();
        let mut rest = styles.as_str();
        while let Some((selectors, after)) = rest.split_once('{') {
            let selectors = selectors.rsplit_once('}').map_or(selectors, |(_, own)| own);
            if selectors.trim_start().starts_with('@') {
                rest = after_block(after);
                continue;
            }
            let (style, after) = after.split_once('}').unwrap_or((after, ""));
            rest = after;
            let names = selectors.split(',').map(str::trim);
            for name in names.filter(|name| is_one_name(name)).take(MOST_NAMES) {
                if is_undrawn(style) && !is_opened(name) && hidden.len() < MOST_NAMES {
                    hidden.insert(name.to_owned());
                } else if style.to_lowercase().contains("display") {
                    hidden.remove(name);
                }
            }
        }
        Self(hidden)
    }

    /// The selectors of what is hidden.
    pub(super) fn selectors(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    fn hides(&self, class: &str, id: &str) -> bool {
        let has = |mark: char, name: &str| self.0.contains(&format!("{mark}{name}"));
        !self.0.is_empty()
            && (class.split_whitespace().any(|name| has('.', name)) || has('#', id.trim()))
    }
}

fn without_comments(styles: &str) -> String {
    let mut parts = styles.split("/*");
    let first = parts.next().unwrap_or_default();
    let others = parts.map(|part| part.split_once("*/").map_or("", |(_, after)| after));
    std::iter::once(first).chain(others).collect()
}

/// What follows a block that has just begun, with the blocks in it.
fn after_block(text: &str) -> &str {
    let mut depth = 1_usize;
    for (place, mark) in text.match_indices(['{', '}']) {
        depth = if mark == "{" { depth + 1 } else { depth - 1 };
        if depth == 0 {
            return &text[place + 1..];
        }
    }
    ""
}

/// Whether a selector is for one class or id, and for nothing else.
fn is_one_name(selector: &str) -> bool {
    let name = selector.strip_prefix(['.', '#']);
    name.is_some_and(|name| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    })
}

/// Names of what a reader opens, one part after another.
fn is_opened(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "accord", "answer", "collaps", "content", "detail", "expand", "faq", "math", "more",
        "pane", "slide", "tab", "toggle",
    ];
    let name = name.to_lowercase();
    NAMES.iter().any(|part| name.contains(part))
}

/// Judges the element of this name with these attributes.
pub(super) fn judge(
    name: &str,
    hidden: &Hidden,
    attribute: impl Fn(&str) -> Option<String>,
) -> Seen {
    // Pages hide themselves until their scripts have run.
    if matches!(name, "html" | "body") {
        return Seen::Yes;
    }
    let class = attribute("class").unwrap_or_default();
    let id = attribute("id").unwrap_or_default();
    let names = format!("{class} {id}").to_lowercase();
    let role = attribute("role").unwrap_or_default();
    let is_off = attribute("hidden").is_some_and(|value| value != "until-found");
    let style = attribute("style").unwrap_or_default();
    // The words of a formula are hidden behind its picture.
    let is_formula = names.contains("math");
    if is_off || (is_undrawn(&style) && !is_formula) {
        return Seen::No;
    }
    if matches!(role.as_str(), "navigation" | "menu" | "menubar" | "search") {
        return Seen::No;
    }
    let is_quiet = attribute("aria-hidden").is_some_and(|value| value == "true");
    let any = |test: fn(&str) -> bool| names.split_whitespace().any(test);
    if is_quiet || hidden.hides(&class, &id) || any(is_for_the_ear) || any(asks_for_consent) {
        return Seen::Hardly;
    }
    let is_container = matches!(
        name,
        "ul" | "ol" | "div" | "section" | "aside" | "table" | "td"
    );
    if name == "footer" || (is_container && any(is_menu)) {
        return Seen::UnlessMenu;
    }
    Seen::Yes
}

/// Whether a style keeps an element from being drawn.
fn is_undrawn(style: &str) -> bool {
    let style = style.to_lowercase();
    style.split(';').any(|declaration| {
        let (property, value) = declaration.split_once(':').unwrap_or_default();
        let value = value.trim().trim_end_matches("!important").trim_end();
        match property.trim() {
            "display" => value == "none",
            "visibility" => matches!(value, "hidden" | "collapse"),
            _ => false,
        }
    })
}

/// Names of what only programs that read aloud are meant to find.
fn is_for_the_ear(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "element-invisible",
        "screen-reader-only",
        "screen-reader-text",
        "skip-link",
        "skip-nav",
        "skip-to-content",
        "skiplink",
        "sr-only",
        "visually-hidden",
        "visuallyhidden",
    ];
    NAMES.contains(&name)
}

/// Names of requests to accept cookies, or to take a newsletter: what they say themselves, and what the programs that make them are called.
fn asks_for_consent(name: &str) -> bool {
    const MAKERS: &[&str] = &[
        "borlabs-cookie",
        "cky-",
        "cmplz-",
        "cybotcookiebot",
        "didomi-",
        "iubenda-cs",
        "moove_gdpr",
        "onetrust",
        "osano-cm",
        "qc-cmp",
        "sp_message_container",
        "termly-",
        "truste",
        "usercentrics",
    ];
    const REQUESTS: &[&str] = &["banner", "modal", "overlay", "popup", "pop-up"];
    const NOTES: &[&str] = &[
        "alert",
        "bar",
        "consent",
        "dialog",
        "disclaimer",
        "law",
        "message",
        "notice",
        "toast",
    ];
    // What says that there is one is around all of the page.
    if ["has-", "no-", "show-", "with-"]
        .iter()
        .any(|start| name.starts_with(start))
    {
        return false;
    }
    let among = |words: &[&str]| words.iter().any(|word| name.contains(word));
    MAKERS.iter().any(|maker| name.starts_with(maker))
        || (name.contains("cookie") && (among(REQUESTS) || among(NOTES)))
        || (among(&["consent", "gdpr", "newsletter", "privacy"]) && among(REQUESTS))
}

fn is_menu(name: &str) -> bool {
    let words = &mut name.split(['-', '_']);
    words.any(|word| {
        matches!(
            word,
            "breadcrumb"
                | "breadcrumbs"
                | "megamenu"
                | "menu"
                | "nav"
                | "navbar"
                | "navigation"
                | "pager"
                | "pagination"
                | "bottom"
                | "footer"
                | "sitemap"
                | "submenu"
                | "toolbar"
                | "topbar"
        )
    })
}

/// The parts of a page that may go, found while it is read from its start to its end.
#[derive(Debug, Default)]
pub(super) struct Regions {
    /// Text so far, and how much of it is in links (bytes without white space around).
    text: usize,
    linked: usize,
    /// Links that are open.
    links: usize,
    /// Places that may go, with how much text each has.
    doubtful: Vec<(Range<usize>, usize)>,
}

/// A part that may go, still open.
#[derive(Debug)]
pub(super) struct Region {
    seen: Seen,
    start: usize,
    text: usize,
    linked: usize,
}

impl Regions {
    /// Begins a part at this place, where there is any doubt about it.
    pub(super) fn open(&self, seen: Seen, place: usize) -> Option<Region> {
        matches!(seen, Seen::Hardly | Seen::UnlessMenu).then_some(Region {
            seen,
            start: place,
            text: self.text,
            linked: self.linked,
        })
    }

    pub(super) fn open_link(&mut self) {
        self.links += 1;
    }

    pub(super) fn close_link(&mut self) {
        self.links = self.links.saturating_sub(1);
    }

    pub(super) fn add(&mut self, text: &str) {
        let length = text.trim().len();
        self.text += length;
        if self.links > 0 {
            self.linked += length;
        }
    }

    /// Ends a part before this place.
    pub(super) fn close(&mut self, region: &Region, place: usize) {
        let text = self.text - region.text;
        let linked = self.linked - region.linked;
        let goes = match region.seen {
            Seen::UnlessMenu => text > 0 && linked * 100 >= text * LINKED,
            _ => true,
        };
        if goes {
            self.doubtful.push((region.start..place, text));
        }
    }

    /// The places that go, in order, none within another.
    pub(super) fn gone(self) -> Vec<Range<usize>> {
        let mut doubtful = self.doubtful;
        doubtful.retain(|(_, text)| text * LARGEST <= self.text);
        doubtful.sort_by_key(|(place, _)| (place.start, std::cmp::Reverse(place.end)));
        let mut gone: Vec<Range<usize>> = Vec::new();
        let mut kept = self.text;
        for (place, text) in doubtful {
            if gone.last().is_none_or(|last| place.start >= last.end) {
                kept = kept.saturating_sub(text);
                gone.push(place);
            }
        }
        if kept * LEAST_KEPT < self.text {
            gone.clear();
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, attributes: &[(&str, &str)], expected: Seen) {
        let attribute = |key: &str| {
            let found = attributes.iter().find(|(known, _)| *known == key);
            found.map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(
            judge(name, &Hidden::default(), attribute),
            expected,
            "{name} {attributes:?}"
        );
    }

    #[test]
    fn what_is_not_drawn_is_not_read() {
        check("p", &[("hidden", "")], Seen::No);
        check("p", &[("hidden", "until-found")], Seen::Yes);
        check(
            "p",
            &[("style", "color:red; DISPLAY : none !important")],
            Seen::No,
        );
        check("p", &[("style", "visibility:hidden")], Seen::No);
        check(
            "p",
            &[("style", "display:block;visibility:visible")],
            Seen::Yes,
        );
        check("div", &[("role", "navigation")], Seen::No);
        check(
            "body",
            &[("style", "display:none"), ("hidden", "")],
            Seen::Yes,
        );
        let formula = [
            ("class", "mwe-math-mathml-a11y"),
            ("style", "display: none;"),
        ];
        check("span", &formula, Seen::Yes);
    }

    #[test]
    fn style_sheets_hide_by_one_name() {
        let styles = "/* a */ .gone, p, a.x { color: red; display: none !important }
            @media print { .paper { display: none } .b { color: red } }
            #promo{visibility:hidden} .tab-pane { display: none } .shown { display: none }
            .shown { display: block } .lazy:not(.on) { display: none } .math { display: none } .cut { display: none";
        let hidden = Hidden::by(styles);
        let mut found: Vec<&str> = hidden.selectors().collect();
        found.sort_unstable();
        assert_eq!(found, ["#promo", ".cut", ".gone"]);
        assert!(hidden.hides("big gone", "") && hidden.hides("", "promo"));
        assert!(!hidden.hides("promo", "gone"));
        for end in (0..styles.len()).filter(|end| styles.is_char_boundary(*end)) {
            let _ = Hidden::by(&styles[..end]);
        }
    }

    #[test]
    fn names_say_what_an_element_is_for() {
        check("div", &[("aria-hidden", "true")], Seen::Hardly);
        check("div", &[("aria-hidden", "false")], Seen::Yes);
        for name in [
            "cookie-banner",
            "js-cookie-consent",
            "cookieNotice",
            "gdpr-popup",
            "onetrust-banner-sdk",
            "big sr-only",
            "CybotCookiebotDialog",
        ] {
            check("div", &[("class", name)], Seen::Hardly);
            check("section", &[("id", name)], Seen::Hardly);
        }
        for name in [
            "cookie-recipe",
            "has-cookie-banner",
            "privacy-notice",
            "consent-form",
            "sidebar",
        ] {
            check("div", &[("class", name)], Seen::Yes);
        }
        check("ul", &[("class", "main_menu level-1")], Seen::UnlessMenu);
        check("div", &[("id", "breadcrumbs")], Seen::UnlessMenu);
        check("p", &[("class", "menu")], Seen::Yes);
        check("div", &[("class", "navigate navel")], Seen::Yes);
    }

    fn places(regions: Regions) -> Vec<(usize, usize)> {
        let gone = regions.gone().into_iter();
        gone.map(|place| (place.start, place.end)).collect()
    }

    #[test]
    fn a_guess_that_takes_most_of_a_page_is_wrong() {
        let gone = |before: usize, within: usize| {
            let mut regions = Regions::default();
            regions.add(&"x".repeat(before));
            let region = regions.open(Seen::Hardly, 1).expect("in doubt");
            let inner = regions.open(Seen::Hardly, 2).expect("in doubt");
            regions.add(&"x".repeat(within));
            regions.close(&inner, 3);
            regions.close(&region, 4);
            places(regions)
        };
        assert_eq!(gone(100, 100), [(1, 4)]);
        assert_eq!(gone(99, 100), []);
        assert_eq!(gone(0, 0), [(1, 4)]);
        let mut regions = Regions::default();
        regions.add("x");
        for place in 0..9 {
            let region = regions.open(Seen::Hardly, place).expect("in doubt");
            regions.add("x");
            regions.close(&region, place + 1);
        }
        assert_eq!(places(regions), []);
    }

    #[test]
    fn a_menu_is_made_of_links() {
        let gone = |linked: &str, plain: &str| {
            let mut regions = Regions::default();
            regions.add("A long text that stays whatever is said of the rest.");
            let region = regions.open(Seen::UnlessMenu, 1).expect("in doubt");
            regions.open_link();
            regions.add(linked);
            regions.close_link();
            regions.add(plain);
            regions.close(&region, 2);
            places(regions)
        };
        assert_eq!(gone("Home News", "|"), [(1, 2)]);
        assert_eq!(gone("Soup", "with bread, 4.50"), []);
        assert_eq!(gone("", " "), []);
    }
}
