//! Conversations: what was asked and answered, and what a follow-up needs of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vade_indexer::{DocumentId, Index, Ledger, MessageRow, QuestionUnderWay};

use crate::cite::Citation;
use crate::error::{Result, RetrieverError};
use crate::passage::Passage;
use crate::prompt::Turn;
use crate::writer::without_markers;

/// Characters of a question that serve as a conversation's title.
const TITLE: usize = 80;

/// Rows of a table that are kept: who counts all documents does not keep a list of them.
const ROWS: usize = 200;

/// A conversation in a list.
#[derive(Debug, Clone, Serialize)]
pub struct ConversationSummary {
    /// Its id.
    pub id: String,
    /// Its first question.
    pub title: String,
    /// When it last changed (milliseconds since 1970).
    pub updated: i64,
    /// Messages in it.
    pub messages: usize,
}

/// A conversation with its messages.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// Its id.
    pub id: String,
    /// Its first question.
    pub title: String,
    /// The messages, the earliest first.
    pub messages: Vec<Message>,
}

/// A message of a conversation.
#[derive(Debug, Clone)]
pub struct Message {
    /// `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub text: String,
    /// When (milliseconds since 1970).
    pub created: i64,
    /// Of an answer: what it rests on.
    pub detail: Detail,
}

/// What is kept with an answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Detail {
    /// Whether the documents held an answer; none on questions.
    pub found: Option<bool>,
    /// The passages the model was shown.
    #[serde(default)]
    pub passages: Vec<Passage>,
    /// What the answer cites.
    #[serde(default)]
    pub citations: Vec<Citation>,
    /// The words of a document that answer, where they are few.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phrase: Option<String>,
    /// What was understood of the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Value>,
    /// The documents that were counted or listed; of very many, the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Value>,
}

/// All conversations, the latest first.
pub(crate) fn list(ledger: &Ledger) -> Result<Vec<ConversationSummary>> {
    let rows = ledger.conversations()?;
    Ok(rows
        .into_iter()
        .map(|row| ConversationSummary {
            id: row.id,
            title: row.title,
            updated: row.updated,
            messages: row.messages,
        })
        .collect())
}

/// One conversation.
pub(crate) fn open(ledger: &Ledger, id: &str) -> Result<Conversation> {
    let (title, rows) = ledger
        .conversation(id)?
        .ok_or_else(|| RetrieverError::NoConversation(id.to_owned()))?;
    let messages = rows
        .into_iter()
        .map(|row| Message {
            detail: serde_json::from_str(&row.detail).unwrap_or_default(),
            role: row.role,
            text: row.text,
            created: row.created,
        })
        .collect();
    Ok(Conversation {
        id: id.to_owned(),
        title,
        messages,
    })
}

/// Keeps a question and its answer, unless something was forgotten that it rests on.
pub(crate) fn keep(
    index: &Index,
    under_way: &QuestionUnderWay,
    id: &str,
    question: &str,
    answer: &str,
    detail: &Detail,
    now: i64,
) -> Result<()> {
    let row = |role: &str, text: &str, detail: String| MessageRow {
        role: role.to_owned(),
        text: text.to_owned(),
        detail,
        created: now,
    };
    let detail = serde_json::to_string(detail).unwrap_or_default();
    let title: String = question.trim().chars().take(TITLE).collect();
    let rows = [
        row("user", question, "{}".to_owned()),
        row("assistant", answer, detail),
    ];
    if index.keep_answer(under_way, id, &title, &rows)? {
        Ok(())
    } else {
        Err(RetrieverError::Forgotten)
    }
}

/// A table as it is kept.
pub(crate) fn shortened(mut table: Value) -> Value {
    if let Some(Value::Array(rows)) = table.get_mut("rows") {
        rows.truncate(ROWS);
    }
    table
}

/// The documents that the answers of a conversation rest on.
pub(crate) fn documents(conversation: &Conversation) -> Vec<DocumentId> {
    let messages = conversation.messages.iter();
    let passages = messages.flat_map(|message| &message.detail.passages);
    passages
        .map(|passage| DocumentId(passage.document.clone()))
        .collect()
}

/// The passages that an answer cites.
fn cited(detail: &Detail) -> Vec<Passage> {
    let cites = |passage: &&Passage| detail.citations.iter().any(|one| passage.holds(one));
    detail.passages.iter().filter(cites).cloned().collect()
}

/// The turns among the messages of a conversation that got an answer, the earliest first.
pub(crate) fn turns(messages: &[Message]) -> Vec<Turn> {
    messages
        .chunks(2)
        .filter_map(|pair| match pair {
            [question, answer] if answer.detail.found == Some(true) => Some(Turn {
                question: question.text.clone(),
                answer: without_markers(&answer.text),
                phrase: answer.detail.phrase.clone(),
                cited: cited(&answer.detail),
            }),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_kept_before_there_were_tables_is_read() {
        let old = r#"{"found":true,"passages":[],"citations":[]}"#;
        let detail: Detail = serde_json::from_str(old).expect("it is read");
        assert_eq!((detail.found, detail.table.as_ref()), (Some(true), None));
        assert_eq!(serde_json::to_string(&detail).expect("JSON"), old);
    }

    #[test]
    fn of_a_long_table_the_first_rows_are_kept() {
        let rows: Vec<usize> = (0..ROWS + 5).collect();
        let kept = shortened(json!({ "rows": rows, "total": rows.len() }));
        assert_eq!(kept["rows"].as_array().map(Vec::len), Some(ROWS));
        assert_eq!(kept["total"], ROWS + 5);
    }
}
