//! Answers as HTML: Markdown rendered, then reduced to harmless tags.
//!
//! A model repeats what documents say, and documents may say anything: no links, no images, no
//! attributes survive, so that looking at an answer asks nobody anything.

use ammonia::Builder;
use pulldown_cmark::{Options, Parser, html};

const TAGS: [&str; 23] = [
    "p",
    "br",
    "hr",
    "em",
    "strong",
    "del",
    "code",
    "pre",
    "blockquote",
    "ul",
    "ol",
    "li",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
];

/// An answer in Markdown as sanitised HTML.
pub(crate) fn markdown(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut unsafe_html = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut unsafe_html, Parser::new_ext(text, options));
    let mut tags: std::collections::HashSet<&str> = TAGS.into();
    tags.insert("td");
    Builder::empty().tags(tags).clean(&unsafe_html).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(markdown(text).trim(), expect);
    }

    #[test]
    fn markdown_becomes_html_and_markers_stay() {
        check(
            "It is **£995** [1].",
            "<p>It is <strong>£995</strong> [1].</p>",
        );
        check("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>");
    }

    #[test]
    fn nothing_that_asks_the_network_survives() {
        check("![x](http://evil.example/?q=1)", "<p></p>");
        check("[text](http://evil.example)", "<p>text</p>");
        check("<script>alert(1)</script>done", "done");
        check("a <b onclick=x>b</b>", "<p>a b</p>");
    }
}
