//! Conversations as rows: what was asked and answered, kept in the ledger's file.
//!
//! What a message means is the retriever's business; here it is a role, a text and a JSON detail.

use std::path::Path;

use rusqlite::{OptionalExtension, params};

use crate::error::Result;
use crate::ledger::{DocumentId, Ledger, in_json, within_json};

/// A conversation in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationRow {
    /// Its id.
    pub id: String,
    /// Its first question.
    pub title: String,
    /// When it last changed (milliseconds since 1970).
    pub updated: i64,
    /// Messages in it.
    pub messages: usize,
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub text: String,
    /// The retriever's own record: passages, citations, figures (JSON).
    pub detail: String,
    /// When (milliseconds since 1970).
    pub created: i64,
}

impl Ledger {
    /// All conversations, the latest first.
    ///
    /// # Errors
    /// When the ledger cannot be read; likewise below.
    pub fn conversations(&self) -> Result<Vec<ConversationRow>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT c.id, c.title, c.updated, count(m.id) FROM conversations c
             LEFT JOIN messages m ON m.conversation = c.id
             GROUP BY c.id ORDER BY c.updated DESC, c.id",
        )?;
        let rows = statement
            .query_map([], |row| {
                Ok(ConversationRow {
                    id: row.get(0)?,
                    title: row.get(1)?,
                    updated: row.get(2)?,
                    messages: usize::try_from(row.get::<_, i64>(3)?).unwrap_or_default(),
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(rows)
    }

    /// The title of a conversation and its messages, the earliest first.
    ///
    /// # Errors
    /// As above.
    pub fn conversation(&self, id: &str) -> Result<Option<(String, Vec<MessageRow>)>> {
        let connection = self.lock();
        let title: Option<String> = connection
            .query_row(
                "SELECT title FROM conversations WHERE id = ?1",
                [id],
                |row| row.get(0),
            )
            .optional()?;
        let Some(title) = title else {
            return Ok(None);
        };
        let mut statement = connection.prepare_cached(
            "SELECT role, text, detail, created FROM messages WHERE conversation = ?1 ORDER BY id",
        )?;
        let messages = statement
            .query_map([id], |row| {
                Ok(MessageRow {
                    role: row.get(0)?,
                    text: row.get(1)?,
                    detail: row.get(2)?,
                    created: row.get(3)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Some((title, messages)))
    }

    /// Adds messages to a conversation, which is made with this title if there is none.
    ///
    /// # Errors
    /// As above.
    pub fn append(&self, conversation: &str, title: &str, messages: &[MessageRow]) -> Result<()> {
        self.append_unless(conversation, title, messages, || false)?;
        Ok(())
    }

    /// Adds messages to a conversation unless, at the moment when they would be written, something holds; says
    /// whether they were.
    pub(crate) fn append_unless(
        &self,
        conversation: &str,
        title: &str,
        messages: &[MessageRow],
        holds: impl FnOnce() -> bool,
    ) -> Result<bool> {
        let mut connection = self.lock();
        if holds() {
            return Ok(false);
        }
        let transaction = connection.transaction()?;
        let updated = messages.last().map_or(0, |message| message.created);
        transaction.execute(
            "INSERT INTO conversations VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET updated = ?3",
            params![conversation, title, updated],
        )?;
        for message in messages {
            transaction.execute(
                "INSERT INTO messages (conversation, role, text, detail, created)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    conversation,
                    message.role,
                    message.text,
                    message.detail,
                    message.created
                ],
            )?;
        }
        transaction.commit()?;
        Ok(true)
    }

    /// Deletes each answer whose detail names one of these documents, or one at or under `path`, or quotes one of
    /// these pieces of their text (under whatever name), its question, and what follows in the conversation, which
    /// may repeat it; gives how many messages.
    pub(crate) fn forget_answers(
        &self,
        documents: &[DocumentId],
        path: &Path,
        pieces: &[String],
    ) -> Result<usize> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let mut deleted = 0;
        // Documents that are gone by now are still named in answers.
        let begins = format!("\"path\":\"{}", in_json(path));
        let names = documents.iter().map(|document| document.0.clone());
        let names = names.chain([format!("{begins}\""), format!("{begins}/")]);
        let pieces = pieces.iter().map(|piece| within_json(piece));
        for name in names.chain(pieces) {
            // A question stands directly before its answer.
            deleted += transaction.execute(
                "DELETE FROM messages WHERE id >= (
                     SELECT max(q.id) FROM messages q WHERE q.conversation = messages.conversation
                     AND q.role = 'user' AND q.id < (
                         SELECT min(a.id) FROM messages a
                         WHERE a.conversation = messages.conversation AND instr(a.detail, ?1) > 0))",
                [name],
            )?;
        }
        transaction.execute(
            "DELETE FROM conversations WHERE id NOT IN (SELECT conversation FROM messages)",
            [],
        )?;
        transaction.commit()?;
        Ok(deleted)
    }

    /// Deletes a conversation, or all; gives how many.
    ///
    /// # Errors
    /// As above.
    pub fn delete_conversations(&self, id: Option<&str>) -> Result<usize> {
        let deleted = self.lock().execute(
            "DELETE FROM conversations WHERE ?1 IS NULL OR id = ?1",
            params![id],
        )?;
        Ok(deleted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(role: &str, created: i64) -> MessageRow {
        MessageRow {
            role: role.to_owned(),
            text: "text".to_owned(),
            detail: "{}".to_owned(),
            created,
        }
    }

    #[test]
    fn answers_from_a_forgotten_document_go_with_what_follows_them() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let ledger = Ledger::open(directory.path()).expect("opens");
        let answer = |id: &str| MessageRow {
            detail: format!("{{\"passages\":[{{\"document\":\"{id}\"}}]}}"),
            ..message("assistant", 0)
        };
        let question = || message("user", 0);
        for (conversation, answers) in [("a", ["x", "y", "x"]), ("b", ["y", "x", "x"])] {
            for id in answers {
                ledger
                    .append(conversation, "title", &[question(), answer(id)])
                    .expect("appends");
            }
        }
        let forgotten = [DocumentId("y".to_owned())];
        assert_eq!(
            ledger
                .forget_answers(&forgotten, Path::new("/none"), &[])
                .expect("forgets"),
            10
        );
        let left = ledger.conversations().expect("lists");
        assert_eq!(
            (left.len(), left[0].id.as_str(), left[0].messages),
            (1, "a", 2)
        );
    }

    #[test]
    fn conversations_are_kept_and_deleted() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let ledger = Ledger::open(directory.path()).expect("opens");
        ledger
            .append("a", "first", &[message("user", 1), message("assistant", 2)])
            .expect("appends");
        ledger
            .append("b", "second", &[message("user", 3)])
            .expect("appends");
        ledger
            .append("a", "ignored", &[message("user", 4)])
            .expect("appends");
        let list = ledger.conversations().expect("lists");
        let summary: Vec<_> = list
            .iter()
            .map(|c| (c.id.as_str(), c.title.as_str(), c.messages))
            .collect();
        assert_eq!(summary, [("a", "first", 3), ("b", "second", 1)]);
        assert_eq!(ledger.delete_conversations(Some("a")).expect("deletes"), 1);
        assert_eq!(ledger.conversation("a").expect("reads"), None);
        assert_eq!(ledger.delete_conversations(None).expect("deletes"), 1);
        assert!(ledger.conversations().expect("lists").is_empty());
    }
}
