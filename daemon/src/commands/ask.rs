//! `vade ask`: a question, its answer streamed, its citations.

use anyhow::{Result, anyhow};
use tokio_util::sync::CancellationToken;
use vade_retriever::{Question, Retriever};
use vade_web::api::AskRequest;

use crate::Ended;
use crate::cli;
use crate::client::Client;
use crate::compose::Setup;
use crate::output::AnswerPrinter;

pub(crate) async fn run(setup: &Setup, options: cli::Ask) -> Result<Ended> {
    let question = options.question.join(" ");
    let scope = super::scope(&options.scope)?;
    if let Some(client) = Client::find(&setup.paths)? {
        let request = AskRequest {
            question,
            conversation: options.conversation,
            model: options.model,
            scope,
        };
        let mut printer = AnswerPrinter::new(setup.json);
        client
            .stream("/api/ask", &request, |name, data| printer.event(name, data))
            .await?;
        return printer.finish();
    }
    setup.fetch_needed()?;
    let services = setup.services(CancellationToken::new()).await?;
    let question = Question {
        text: question,
        conversation: options.conversation,
        model: options.model,
        scope: vade_web::scope(&scope).map_err(|message| anyhow!(message))?,
        ..Question::default()
    };
    print(&services.retriever, question, setup.json).await
}

/// Asks in this process and prints as it comes.
pub(crate) async fn print(retriever: &Retriever, question: Question, json: bool) -> Result<Ended> {
    let mut events = retriever.ask(question);
    let mut printer = AnswerPrinter::new(json);
    let mut answer = String::new();
    while let Some(event) = events.recv().await {
        let (name, data) = vade_web::event(event, &mut answer);
        printer.event(name, data);
    }
    printer.finish()
}
