//! The deterministic fake: answers by a function of the request, one word a token.

use std::ops::ControlFlow;

use super::{Choice, Ending, Form, LanguageModel, Request, Summary};
use crate::ModelsError;

type Script = Box<dyn Fn(&Request) -> String + Send>;

/// A language model without weights, for tests.
pub struct ScriptedModel {
    id: String,
    script: Script,
}

impl ScriptedModel {
    /// `script` gives the answer to a request.
    pub fn new(id: &str, script: impl Fn(&Request) -> String + Send + 'static) -> Self {
        Self {
            id: id.to_owned(),
            script: Box::new(script),
        }
    }
}

impl LanguageModel for ScriptedModel {
    fn id(&self) -> &str {
        &self.id
    }

    fn context(&self) -> usize {
        4096
    }

    fn count(&mut self, text: &str) -> Result<usize, ModelsError> {
        Ok(text.split_whitespace().count())
    }

    fn generate(
        &mut self,
        request: &Request,
        emit: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Summary, ModelsError> {
        let mut summary = Summary::of_prompt(0, 0);
        for message in &request.messages {
            summary.prompt_tokens += self.count(&message.text)?;
        }
        let mut answer = (self.script)(request);
        let texts = match &request.form {
            Form::Free => None,
            Form::OneOf(texts) => {
                Some(texts.iter().map(|one| one.text.clone()).collect::<Vec<_>>())
            }
            Form::SpanOf(text) => Some(vec![text.clone()]),
            Form::Judgement => return Ok(summary),
        };
        if let Some(texts) = texts {
            // The text that says what the script says; else the first.
            let index = texts.iter().position(|text| text.contains(&answer));
            let index = index.unwrap_or_default();
            if matches!(request.form, Form::OneOf(_)) || !texts[index].contains(&answer) {
                answer = texts.get(index).cloned().unwrap_or_default();
            }
            summary.choice = Some(Choice {
                index,
                weights: (0..texts.len())
                    .map(|place| f32::from(u8::from(place == index)))
                    .collect(),
                likelihood: 1.0,
            });
        }
        for word in answer.split_inclusive(' ') {
            if summary.tokens == request.max_tokens {
                summary.ending = Ending::Length;
                break;
            }
            summary.tokens += 1;
            if emit(word).is_break() {
                summary.ending = Ending::Cancelled;
                break;
            }
        }
        Ok(summary)
    }
}
