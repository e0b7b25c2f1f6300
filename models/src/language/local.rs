//! A GGUF file run on this machine: prompt assembly, prefix reuse, the generation loop.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::draft::Drafter;
use super::form::{Follower, Step};
use super::judge::{self, Judge};
use super::sampler::Sampler;
use super::stock::{self, Stock};
use super::template::{Piece, Template};
use super::tokenizer::Tokenizer;
use super::{Ending, Form, LanguageModel, Message, Request, Summary};
use crate::ModelsError;
use crate::engine::{Decoder, Network, Options, PASS, be_nice};
use crate::gguf::Gguf;

/// A language model loaded from one GGUF file, which also holds its tokenizer and chat template.
pub struct LocalModel {
    id: String,
    network: Box<dyn Network>,
    tokenizer: Tokenizer,
    template: Template,
    /// Weights that it has.
    parameters: u64,
    judge: Option<Judge>,
}

/// Weights with which a model can tell whether a text answers a question; smaller ones say yes to nearly all.
const JUDGES: u64 = 1_000_000_000;

impl LocalModel {
    /// Loads the file at `path`; the calling thread takes part in computing and gets its niceness.
    ///
    /// # Errors
    /// A file that is not a GGUF of a supported architecture and tokenizer, or too little memory.
    pub fn load(id: &str, path: &Path, options: &Options) -> Result<Self, ModelsError> {
        be_nice(options.nice);
        let gguf = Arc::new(Gguf::open(path)?);
        let (tokenizer, network) = std::thread::scope(|scope| {
            let tokenizer = scope.spawn(|| Tokenizer::from_gguf(&gguf));
            let network = open(&gguf, options);
            (tokenizer.join(), network)
        });
        let network = network?;
        let judge = Judge::of(path.metadata().map_or(0, |file| file.len()));
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
        )
        .run_by(options.worker.clone());
        let sizes = gguf.file().tensors().map(|tensor| &tensor.dimensions);
        let parameters = sizes.map(|size| size.iter().map(|one| *one as u64).product::<u64>());
        let parameters = parameters.sum();
        Ok(Self {
            id: id.to_owned(),
            network,
            tokenizer,
            template,
            parameters,
            judge,
        })
    }

    /// What computes: the level of vector instructions, or candle's device.
    #[must_use]
    pub fn level(&self) -> &'static str {
        self.network.level()
    }

    /// The tokens of a conversation up to where the assistant goes on by itself.
    fn prompt(&mut self, messages: &[Message], begun: &str) -> Result<Vec<u32>, ModelsError> {
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
            if tokens.len() > self.network.context() {
                // Whatever the template says next, it does not fit.
                break;
            }
        }
        let previous = tokens.last().copied();
        tokens.extend(self.tokenizer.encode_plain(begun, previous)?);
        Ok(tokens)
    }
}

/// What computes this file's graph: our own decoder, or candle's module for the rest and for GPUs.
fn open(gguf: &Arc<Gguf>, options: &Options) -> Result<Box<dyn Network>, ModelsError> {
    match stock::device(gguf.architecture()) {
        Some(device) => Ok(Box::new(Stock::load(gguf, device, options.context)?)),
        None => Ok(Box::new(Decoder::load(Arc::clone(gguf), options)?)),
    }
}

impl LanguageModel for LocalModel {
    fn id(&self) -> &str {
        &self.id
    }

    fn context(&self) -> usize {
        self.network.context()
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
        let judges = request.form == Form::Judgement;
        if judges && self.judge.is_none() && self.parameters < JUDGES {
            return Ok(Summary::of_prompt(0, 0));
        }
        let prompt = self.prompt(&request.messages, &request.begun)?;
        if prompt.is_empty() || prompt.len() + request.max_tokens > self.context() {
            return Err(ModelsError::ContextOverflow {
                prompt: prompt.len(),
                answer: request.max_tokens,
                context: self.context(),
            });
        }
        // The last token is always read: its logits are what generation starts from.
        let known = self.network.start(&prompt[..prompt.len() - 1]);
        let mut summary = Summary {
            ending: Ending::Cancelled,
            ..Summary::of_prompt(prompt.len(), known)
        };
        if let Some(judge) = self.judge.as_ref().filter(|_| judges) {
            let mut state: &[f32] = &[];
            for part in prompt[known..].chunks(PASS) {
                state = self.network.glance(part, judge.layer)?;
                if emit("").is_break() {
                    return Ok(summary);
                }
            }
            let read = request.messages.last().map(|message| &message.text);
            tracing::trace!(?read, ?state, "judged");
            summary.judgement = judge.log_odds(state);
            summary.first_token_ms = started.elapsed().as_secs_f64() * 1000.0;
            summary.ending = Ending::Stop;
            return Ok(summary);
        }
        let mut sampler = Sampler::new(request.sampling);
        let mut left = prompt.len() - known;
        let mut logits: &mut [f32] = &mut [];
        for part in prompt[known..].chunks(PASS) {
            left -= part.len();
            logits = self.network.forward(part, usize::from(left == 0))?;
            if emit("").is_break() {
                return Ok(summary);
            }
        }
        let first = Instant::now();
        summary.first_token_ms = first.duration_since(started).as_secs_f64() * 1000.0;
        let last = prompt.last().copied();
        let encode = |text: &str| self.tokenizer.encode_plain(text, last);
        if let Some(follower) = Follower::new(&request.form, encode)? {
            let logits = logits.to_vec();
            self.follow(follower, logits, request, emit, &mut summary)?;
        } else {
            let token = sampler.choose(logits);
            self.answer(request, &prompt, (token, sampler), emit, &mut summary)?;
        }
        if summary.tokens > 1 {
            #[expect(clippy::cast_precision_loss, reason = "answers are short")]
            let further = (summary.tokens - 1) as f64;
            summary.tokens_per_second = further / first.elapsed().as_secs_f64();
        }
        Ok(summary)
    }
}

impl LocalModel {
    /// Says what has a form, from the logits of the first token on.
    fn follow(
        &mut self,
        mut follower: Follower<'_>,
        mut logits: Vec<f32>,
        request: &Request,
        emit: &mut dyn FnMut(&str) -> ControlFlow<()>,
        summary: &mut Summary,
    ) -> Result<(), ModelsError> {
        summary.ending = Ending::Stop;
        while !follower.is_decided() {
            let Step::Go(token) = follower.step(&self.tokenizer, &logits) else {
                break;
            };
            summary.tokens += 1;
            if summary.tokens == request.max_tokens {
                summary.ending = Ending::Length;
                break;
            }
            if follower.is_decided() {
                break;
            }
            if emit("").is_break() {
                summary.ending = Ending::Cancelled;
                return Ok(());
            }
            logits = self.network.forward(&[token], 1)?.to_vec();
        }
        let (words, choice) = follower.finish();
        summary.judgement =
            (request.form == Form::Judgement).then(|| judge::of_words(choice.log_odds()));
        summary.choice = Some(choice);
        let _ = emit(&words);
        Ok(())
    }

    /// Generates from the first token on until the answer ends, and says in `summary` how.
    fn answer(
        &mut self,
        request: &Request,
        prompt: &[u32],
        (mut token, mut sampler): (u32, Sampler),
        emit: &mut dyn FnMut(&str) -> ControlFlow<()>,
        summary: &mut Summary,
    ) -> Result<(), ModelsError> {
        let mut drafter = Drafter::new(prompt);
        let mut voice = Voice {
            text: StopFilter::new(&request.stop),
            pending: Vec::new(),
            emit,
        };
        let mut batch = Vec::new();
        summary.ending = 'answer: loop {
            if let Some(ending) = voice.say(&self.tokenizer, token, request, summary) {
                break ending;
            }
            drafter.push(token);
            batch.clear();
            batch.push(token);
            if request.drafting && self.network.can_draft() {
                let room = (request.max_tokens - summary.tokens).min(PASS - 1);
                batch.extend_from_slice(drafter.propose(room - 1));
            }
            let start = self.network.length();
            let logits = self.network.forward(&batch, batch.len())?;
            let vocabulary = logits.len() / batch.len();
            let mut right = 0;
            let ending = loop {
                let row = right * vocabulary..(right + 1) * vocabulary;
                token = sampler.choose(&mut logits[row]);
                if batch.get(right + 1) != Some(&token) {
                    break None;
                }
                right += 1;
                if let Some(ending) = voice.say(&self.tokenizer, token, request, summary) {
                    break Some(ending);
                }
                drafter.push(token);
            };
            self.network.truncate(start + 1 + right);
            drafter.learn(batch.len() - 1, right);
            if let Some(ending) = ending {
                break 'answer ending;
            }
        };
        summary.drafted_tokens = drafter.drafted;
        summary.accepted_tokens = drafter.accepted;
        if summary.ending != Ending::Cancelled {
            let rest = voice.text.finish();
            let _ = (voice.emit)(&rest);
        }
        Ok(())
    }
}

/// Turns tokens into text that is handed out.
struct Voice<'a> {
    text: StopFilter<'a>,
    pending: Vec<u32>,
    emit: &'a mut dyn FnMut(&str) -> ControlFlow<()>,
}

impl Voice<'_> {
    /// Says one token; tells when the answer ends with it.
    fn say(
        &mut self,
        tokenizer: &Tokenizer,
        token: u32,
        request: &Request,
        summary: &mut Summary,
    ) -> Option<Ending> {
        if tokenizer.is_stop(token) && !request.endless {
            return Some(Ending::Stop);
        }
        summary.tokens += 1;
        self.pending.push(token);
        let fresh = self.text.push(&tokenizer.take_text(&mut self.pending));
        if (self.emit)(&fresh).is_break() {
            return Some(Ending::Cancelled);
        }
        if self.text.stopped {
            return Some(Ending::Stop);
        }
        (summary.tokens == request.max_tokens).then_some(Ending::Length)
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
