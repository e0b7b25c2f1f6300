//! A GGUF file run on this machine: prompt assembly, prefix reuse, the generation loop.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use super::engine::{Decoder, Options, PASS};
use super::gguf::Gguf;
use super::sampler::Sampler;
use super::template::{Piece, Template};
use super::tokenizer::Tokenizer;
use super::{Ending, LanguageModel, Message, Request, Summary};
use crate::ModelsError;

/// A language model loaded from one GGUF file, which also holds its tokenizer and chat template.
pub struct LocalModel {
    id: String,
    decoder: Decoder,
    tokenizer: Tokenizer,
    template: Template,
}

impl LocalModel {
    /// Loads the file at `path`.
    ///
    /// # Errors
    /// A file that is not a GGUF of a supported architecture and tokenizer, or too little memory.
    pub fn load(id: &str, path: &Path, options: &Options) -> Result<Self, ModelsError> {
        let gguf = Gguf::open(path)?;
        let tokenizer = std::thread::scope(|scope| {
            let tokenizer = scope.spawn(|| Tokenizer::from_gguf(&gguf));
            tokenizer.join()
        });
        let tokenizer =
            tokenizer.unwrap_or_else(|_| Err(gguf.error("its tokenizer cannot be built")))?;
        let text_of = |key: &str| {
            let id = gguf.index(&format!("tokenizer.ggml.{key}"))?;
            tokenizer.text(u32::try_from(id).ok()?)
        };
        let template = Template::new(
            gguf.string("tokenizer.chat_template").map(str::to_owned),
            text_of("bos_token_id").unwrap_or_default(),
            text_of("eos_token_id").unwrap_or_default(),
        );
        Ok(Self {
            id: id.to_owned(),
            decoder: Decoder::load(gguf, options)?,
            tokenizer,
            template,
        })
    }

    /// The tokens of a conversation up to where the assistant begins to speak.
    fn prompt(&mut self, messages: &[Message]) -> Result<Vec<u32>, ModelsError> {
        let mut tokens = Vec::new();
        let beginning = self.tokenizer.beginning();
        for piece in self.template.render(messages)? {
            let previous = tokens.last().copied();
            tokens.extend(match piece {
                Piece::Template(text) => self.tokenizer.encode_template(&text, previous)?,
                Piece::Content(index) => {
                    let text = messages[index].text.trim();
                    self.tokenizer.encode_plain(text, previous)?
                }
            });
            if tokens.first() != beginning.as_ref() {
                tokens.splice(0..0, beginning);
            }
        }
        Ok(tokens)
    }

    /// Reads at most `PASS` tokens; gives the logits after the last.
    fn read(&mut self, tokens: &[u32]) -> Result<Vec<f32>, ModelsError> {
        Ok(self.decoder.forward(tokens, 1)?.to_vec())
    }
}

impl LanguageModel for LocalModel {
    fn id(&self) -> &str {
        &self.id
    }

    fn context(&self) -> usize {
        self.decoder.context()
    }

    fn count(&mut self, text: &str) -> Result<usize, ModelsError> {
        Ok(self.tokenizer.encode_plain(text, None)?.len())
    }

    fn generate(
        &mut self,
        request: &Request,
        emit: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Summary, ModelsError> {
        let started = Instant::now();
        let prompt = self.prompt(&request.messages)?;
        if prompt.is_empty() || prompt.len() + request.max_tokens > self.context() {
            return Err(ModelsError::ContextOverflow {
                prompt: prompt.len(),
                answer: request.max_tokens,
                context: self.context(),
            });
        }
        // The last token is always read: its logits are what generation starts from.
        let known = self.decoder.start(&prompt[..prompt.len() - 1]);
        let mut summary = Summary {
            prompt_tokens: prompt.len(),
            cached_tokens: known,
            tokens: 0,
            first_token_ms: 0.0,
            tokens_per_second: 0.0,
            ending: Ending::Cancelled,
        };
        let mut logits = Vec::new();
        for part in prompt[summary.cached_tokens..].chunks(PASS) {
            logits = self.read(part)?;
            if emit("").is_break() {
                return Ok(summary);
            }
        }
        let first = Instant::now();
        summary.first_token_ms = first.duration_since(started).as_secs_f64() * 1000.0;
        self.answer(request, logits, emit, &mut summary)?;
        if summary.tokens > 1 {
            #[expect(clippy::cast_precision_loss, reason = "answers are short")]
            let further = (summary.tokens - 1) as f64;
            summary.tokens_per_second = further / first.elapsed().as_secs_f64();
        }
        Ok(summary)
    }
}

impl LocalModel {
    /// Generates from `logits` until the answer ends, and says in `summary` how.
    fn answer(
        &mut self,
        request: &Request,
        mut logits: Vec<f32>,
        emit: &mut dyn FnMut(&str) -> ControlFlow<()>,
        summary: &mut Summary,
    ) -> Result<(), ModelsError> {
        let mut sampler = Sampler::new(request.sampling);
        let mut text = StopFilter::new(&request.stop);
        let mut pending = Vec::new();
        summary.ending = loop {
            let token = sampler.choose(std::mem::take(&mut logits));
            if self.tokenizer.is_stop(token) && !request.endless {
                break Ending::Stop;
            }
            summary.tokens += 1;
            pending.push(token);
            let fresh = text.push(&self.tokenizer.take_text(&mut pending));
            if emit(&fresh).is_break() {
                break Ending::Cancelled;
            }
            if text.stopped {
                break Ending::Stop;
            }
            if summary.tokens == request.max_tokens {
                break Ending::Length;
            }
            logits = self.read(&[token])?;
        };
        if summary.ending != Ending::Cancelled {
            let _ = emit(&text.finish());
        }
        Ok(())
    }
}

/// Holds back the beginning of a stop text until it is certain that it is none.
struct StopFilter<'a> {
    stops: &'a [String],
    held: String,
    stopped: bool,
}

impl<'a> StopFilter<'a> {
    fn new(stops: &'a [String]) -> Self {
        Self {
            stops,
            held: String::new(),
            stopped: false,
        }
    }

    /// Takes fresh text; gives what may be handed out.
    fn push(&mut self, fresh: &str) -> String {
        self.held.push_str(fresh);
        if let Some(at) = self
            .stops
            .iter()
            .filter_map(|stop| self.held.find(stop))
            .min()
        {
            self.stopped = true;
            self.held.truncate(at);
            return std::mem::take(&mut self.held);
        }
        let keep = self
            .stops
            .iter()
            .map(|stop| overlap(&self.held, stop))
            .max()
            .unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        std::mem::replace(&mut self.held, rest)
    }

    /// What was held back and turned out to be no stop text.
    fn finish(self) -> String {
        if self.stopped {
            String::new()
        } else {
            self.held
        }
    }
}

/// The longest end of `text` that begins `stop` (bytes).
fn overlap(text: &str, stop: &str) -> usize {
    stop.char_indices()
        .map(|(at, _)| at)
        .filter(|&length| length > 0 && text.ends_with(&stop[..length]))
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(stop: &str, parts: &[&str]) -> String {
        let stops = [stop.to_owned()];
        let mut filter = StopFilter::new(&stops);
        let mut out = String::new();
        for part in parts {
            out.push_str(&filter.push(part));
            if filter.stopped {
                break;
            }
        }
        out + &filter.finish()
    }

    #[test]
    fn a_stop_text_split_over_tokens_never_shows() {
        assert_eq!(
            filtered("\nQuestion:", &["Yes.", "\nQue", "stion", ": what"]),
            "Yes."
        );
    }

    #[test]
    fn what_only_begins_like_a_stop_text_is_given_out() {
        assert_eq!(
            filtered("\nQuestion:", &["a\nQu", "iet day"]),
            "a\nQuiet day"
        );
        assert_eq!(filtered("\nQuestion:", &["a\nQu"]), "a\nQu");
    }
}
