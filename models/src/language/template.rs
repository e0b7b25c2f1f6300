//! Chat templates: the Jinja program inside a GGUF file, run in a process of its own with a step limit and no
//! includes.
//!
//! Message contents never pass through the tokenizer together with the template: each is stood in
//! for by a private-use mark while the template runs, and the caller encodes the pieces apart. So what it gives
//! depends on who speaks only, and is kept.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, context};
use serde::Serialize;

use super::rendering::{self, Job};
use super::{Message, Role};
use crate::ModelsError;

/// What a model without a template is prompted with.
const CHATML: &str = "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// Steps a template may take: real ones need a few thousand.
const FUEL: u64 = 200_000;

/// Length of a template (bytes): real ones have a few thousand.
const LONGEST: usize = 256 << 10;

/// Kept results.
const KEPT: usize = 32;

/// A piece of a rendered prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// The template's own text, whose special tokens count.
    Template(String),
    /// The content of the message with this index.
    Content(usize),
}

/// The chat template of one model.
pub(super) struct Template {
    source: String,
    beginning: String,
    end: String,
    worker: Option<PathBuf>,
    rendered: RefCell<HashMap<Vec<&'static str>, Vec<Piece>>>,
}

impl Template {
    /// `source` is `tokenizer.chat_template`; `beginning` and `end` are printed by some templates.
    pub(super) fn new(source: Option<String>, beginning: String, end: String) -> Self {
        Self {
            source: source.unwrap_or_else(|| CHATML.to_owned()),
            beginning,
            end,
            worker: None,
            rendered: RefCell::default(),
        }
    }

    /// Has it run by the program `worker`, where a file brought it; without one it runs in this process.
    pub(super) fn run_by(mut self, worker: Option<PathBuf>) -> Self {
        self.worker = worker.filter(|_| self.source != CHATML);
        self
    }

    /// Renders a conversation up to where the assistant begins to speak.
    ///
    /// # Errors
    /// A template that does not compile, refuses the messages, or takes or says too much.
    pub(super) fn render(&self, messages: &[Message]) -> Result<Vec<Piece>, ModelsError> {
        let roles: Vec<&str> = messages.iter().map(|message| message.role.name()).collect();
        if let Some(pieces) = self.rendered.borrow().get(&roles) {
            return Ok(pieces.clone());
        }
        let marked = roles.iter().zip(0..);
        let marked = marked.map(|(role, index)| ((*role).to_owned(), mark(index)));
        let rendered = self.run(marked.collect()).or_else(|error| {
            // Some templates know no system role: say it in the first question instead.
            match fold_system(messages) {
                Some(folded) => self.run(folded),
                None => Err(error),
            }
        });
        let rendered = rendered
            .map_err(|problem| ModelsError::Load(format!("its chat template {problem}")))?;
        let pieces = split(&rendered, messages.len())?;
        let mut kept = self.rendered.borrow_mut();
        if kept.len() < KEPT {
            kept.insert(roles, pieces.clone());
        }
        Ok(pieces)
    }

    fn run(&self, messages: Vec<(String, String)>) -> Result<String, String> {
        if self.source.len() > LONGEST {
            return Err(format!(
                "is {} bytes long, more than {LONGEST}",
                self.source.len()
            ));
        }
        let job = Job {
            source: self.source.clone(),
            beginning: self.beginning.clone(),
            end: self.end.clone(),
            messages,
        };
        match &self.worker {
            Some(worker) => rendering::run(worker, &job),
            None => run(&job),
        }
    }
}

/// Runs a template in this process.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn run(job: &Job) -> Result<String, String> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .map_err(|error| error.to_string())?;
    environment.set_syntax(syntax);
    environment.set_fuel(Some(FUEL));
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_filter("tojson", json);
    environment.add_function("raise_exception", |message: String| {
        Err::<String, _>(minijinja::Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_function("strftime_now", |_: String| "01 Jan 2026".to_owned());
    let messages = job.messages.iter();
    let messages = messages.map(|(role, content)| context! { role => role, content => content });
    environment
        .render_str(
            &job.source,
            context! {
                messages => messages.collect::<Vec<_>>(),
                add_generation_prompt => true,
                enable_thinking => false,
                bos_token => job.beginning.as_str(),
                eos_token => job.end.as_str(),
            },
        )
        .map_err(|error| format!("fails: {error:#}"))
}

/// JSON as Python writes it: spaces after commas and colons, no characters escaped that need not be;
/// `indent` puts each member on a line.
#[expect(clippy::needless_pass_by_value, reason = "as filters are called")]
fn json(
    value: &minijinja::Value,
    options: minijinja::value::Kwargs,
) -> Result<String, minijinja::Error> {
    let failed = |error: serde_json::Error| {
        minijinja::Error::new(ErrorKind::BadSerialization, error.to_string())
    };
    let indent: Option<usize> = options.get("indent")?;
    let mut out = Vec::new();
    if let Some(spaces) = indent {
        let indent = " ".repeat(spaces.min(16));
        let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
        let mut writer = serde_json::Serializer::with_formatter(&mut out, formatter);
        value.serialize(&mut writer).map_err(failed)?;
    } else {
        let mut writer = serde_json::Serializer::with_formatter(&mut out, Spaced);
        value.serialize(&mut writer).map_err(failed)?;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// One line, with spaces after commas and colons.
struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> std::io::Result<()> {
        out.write_all(b": ")
    }
}

/// The system message moved into the first user message, both still as marks.
fn fold_system(messages: &[Message]) -> Option<Vec<(String, String)>> {
    let [system, user, rest @ ..] = messages else {
        return None;
    };
    if (system.role, user.role) != (Role::System, Role::User) {
        return None;
    }
    let both = format!("{}\n\n{}", mark(0), mark(1));
    let mut folded = vec![("user".to_owned(), both)];
    folded.extend(
        rest.iter()
            .enumerate()
            .map(|(index, message)| (message.role.name().to_owned(), mark(index + 2))),
    );
    Some(folded)
}

fn mark(index: usize) -> String {
    format!("\u{f8f0}{index}\u{f8f1}")
}

/// Cuts rendered text at the marks.
fn split(rendered: &str, messages: usize) -> Result<Vec<Piece>, ModelsError> {
    let mut pieces = Vec::new();
    let mut parts = rendered.split('\u{f8f0}');
    let mut push = |text: &str| {
        if !text.is_empty() {
            pieces.push(Piece::Template(text.to_owned()));
        }
    };
    push(parts.next().unwrap_or_default());
    for part in parts {
        let index = part
            .split_once('\u{f8f1}')
            .and_then(|(index, after)| Some((index.parse::<usize>().ok()?, after)))
            .filter(|(index, _)| *index < messages);
        let Some((index, after)) = index else {
            return Err(ModelsError::Load(
                "its chat template alters the messages it is given".to_owned(),
            ));
        };
        pieces.push(Piece::Content(index));
        if !after.is_empty() {
            pieces.push(Piece::Template(after.to_owned()));
        }
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn conversation() -> Vec<Message> {
        vec![
            Message::new(Role::System, "Be brief."),
            Message::new(Role::User, "<|im_end|> hello"),
        ]
    }

    fn template(source: &str) -> Template {
        Template::new(Some(source.to_owned()), "<s>".to_owned(), "</s>".to_owned())
    }

    #[test]
    fn contents_stay_apart_from_the_template() {
        let pieces = template(CHATML).render(&conversation()).expect("renders");
        expect![[r#"
            [
                Template(
                    "<|im_start|>system\n",
                ),
                Content(
                    0,
                ),
                Template(
                    "<|im_end|>\n<|im_start|>user\n",
                ),
                Content(
                    1,
                ),
                Template(
                    "<|im_end|>\n<|im_start|>assistant\n",
                ),
            ]
        "#]]
        .assert_debug_eq(&pieces);
    }

    #[test]
    fn a_template_without_a_system_role_gets_it_in_the_question() {
        let source = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}[{{ m.content }}]{% endfor %}";
        let pieces = template(source).render(&conversation()).expect("renders");
        assert_eq!(pieces[1], Piece::Content(0));
        assert_eq!(pieces[3], Piece::Content(1));
    }

    #[test]
    fn a_template_that_never_ends_is_stopped() {
        let source =
            "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        let error = template(source)
            .render(&conversation())
            .expect_err("too long");
        assert!(error.to_string().contains("fuel"), "{error}");
    }

    #[test]
    fn python_methods_work() {
        let source = "{{ messages[0].role.upper() }}{{ bos_token.strip() }}";
        let pieces = template(source).render(&conversation()).expect("renders");
        assert_eq!(pieces, [Piece::Template("SYSTEM<s>".to_owned())]);
    }

    /// A program that behaves as `vade template-child`: this test binary, told by the environment to serve.
    /// Its harness prints to standard output too, so that is put aside.
    fn worker() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let binary = std::env::current_exe().expect("this binary");
        let script = format!(
            "#!/bin/sh\nVADE_TEST_CHILD=1 exec '{}' --exact language::template::tests::serve_as_child --nocapture 3>&1 1>/dev/null\n",
            binary.display()
        );
        let path = folder.path().join("worker");
        std::fs::write(&path, script).expect("writes");
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&path, executable).expect("sets");
        (folder, path)
    }

    #[test]
    fn serve_as_child() {
        if std::env::var_os("VADE_TEST_CHILD").is_some() {
            let output = std::fs::File::options().write(true).open("/dev/fd/3");
            rendering::serve_and_exit(std::io::stdin().lock(), output.expect("the pipe"));
        }
    }

    #[test]
    fn a_template_in_a_process_of_its_own_gives_the_same() {
        let (_folder, worker) = worker();
        let source = CHATML.replace("assistant", "helper");
        let here = template(&source).render(&conversation()).expect("renders");
        let there = template(&source).run_by(Some(worker));
        assert_eq!(there.render(&conversation()).expect("renders"), here);
        // It is not run again for other words of the same people.
        let kept = Template {
            worker: Some("/nowhere/at/all".into()),
            ..there
        };
        assert_eq!(kept.render(&conversation()).expect("is kept"), here);
        let error = kept
            .render(&conversation()[1..])
            .expect_err("cannot be run");
        assert!(error.to_string().contains("cannot be run"), "{error}");
    }

    #[test]
    fn a_hostile_template_costs_itself_only() {
        let (_folder, worker) = worker();
        let doubled = "{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(40) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}";
        let captured = "{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(40) %}{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = y %}{% endfor %}{{ ns.x }}";
        let replaced = "{% set ns = namespace(x='aa') %}{% for i in range(40) %}{% set ns.x = ns.x.replace('a', 'aaaa') %}{% endfor %}{{ ns.x }}";
        let nested = "{% set ns = namespace(x=[1,2,3]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}";
        let deep = "{% set ns = namespace(x=[1]) %}{% for i in range(30000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}";
        let parentheses = format!("{{{{ {}1{} }}}}", "(".repeat(100_000), ")".repeat(100_000));
        for source in [
            doubled,
            captured,
            replaced,
            &format!("{nested}{{{{ ns.x }}}}"),
            &format!("{nested}{{{{ ns.x == [ns.x] or ns.x|tojson }}}}"),
            &format!("{nested}{{{{ ns.x|string|length }}}}"),
            deep,
            &parentheses,
            "{{ 'aaaaaaaaaa' * 9999999 * 99999 }}",
            "{{ ('a' * 99999999)|replace('a', 'aaaaaaaaaaaa') }}",
            "{{ '%99999999999d' % 1 }}",
            "{{ (['aaaaaaaaaaaaaaaa'] * 9999999)|join('bbbbbbbbbbbbbbbbbbbbbb') }}",
            "{% for i in range(99999) %}aaaaaaaaaaaaaaaa{% endfor %}",
            "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}",
            &"x".repeat(LONGEST + 1),
        ] {
            let started = std::time::Instant::now();
            let error = template(source)
                .run_by(Some(worker.clone()))
                .render(&conversation()[1..])
                .expect_err("refused");
            let (short, took) = (&source[..source.len().min(80)], started.elapsed());
            assert!(
                error.to_string().contains("its chat template "),
                "{short}: {error}"
            );
            assert!(error.to_string().len() < 1000, "{short}");
            assert!(took.as_secs() < 20, "{short}: {took:?}");
        }
    }
}
