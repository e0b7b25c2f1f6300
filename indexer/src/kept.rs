//! What cannot be built again from the files, kept twice: folders, what was forgotten, conversations.
//!
//! The second copy is a database of its own that lies elsewhere than the ledger, beside the full-text index.
//! It is attached to the ledger's one connection, whose triggers write both in the same transaction. When a
//! ledger is opened both are read to their end: what one has lost comes from the other, what was forgotten
//! in one is forgotten in both, and what neither has any more is said.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, Row, ffi, params_from_iter};

use crate::error::{IndexerError, Result};
use crate::index::now;
use crate::ledger::{prepare, set_meta, verify_documents};
use crate::lexical;

/// The ledger, in the data directory.
pub(crate) const LEDGER: &str = "ledger.sqlite3";

/// The second copy, in the folder of the full-text index.
pub(crate) const SECOND: &str = "kept.sqlite3";

/// Begins the name of a damaged ledger, which is there only while it is being replaced.
const ASIDE: &str = "ledger.sqlite3.damaged-";

/// Databases of this size (bytes) at most are compared with their indices when they are opened.
const THOROUGH: u64 = 64 << 20;

/// A notice of what was lost is shown for so long (milliseconds).
const SAID_FOR: i64 = 7 * 24 * 3600 * 1000;

/// A table that is kept twice; its key comes first.
struct Table {
    name: &'static str,
    keys: usize,
    columns: &'static [(&'static str, Kind)],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
}

use Kind::{Number, Text};

const FOLDERS: usize = 0;
const FORGOTTEN: usize = 1;
const CONTENTS: usize = 2;
const CONVERSATIONS: usize = 3;

const TABLES: [Table; 5] = [
    Table {
        name: "folders",
        keys: 1,
        columns: &[("path", Text), ("added", Number)],
    },
    Table {
        name: "forgotten",
        keys: 1,
        columns: &[("path", Text)],
    },
    Table {
        name: "forgotten_contents",
        keys: 2,
        columns: &[("path", Text), ("content", Text), ("later", Number)],
    },
    Table {
        name: "conversations",
        keys: 1,
        columns: &[("id", Text), ("title", Text), ("updated", Number)],
    },
    Table {
        name: "messages",
        keys: 1,
        columns: &[
            ("id", Number),
            ("conversation", Text),
            ("role", Text),
            ("text", Text),
            ("detail", Text),
            ("created", Number),
        ],
    },
];

/// Rows of the tables, in their order.
#[derive(Default)]
struct Rows([Vec<Vec<Value>>; TABLES.len()]);

/// What was found where a copy should be.
enum Found {
    None,
    /// A whole one, and how many changes it has seen.
    Sound(Connection, i64),
    /// What can still be read of it.
    Damaged(Rows),
}

/// Opens the ledger of a data directory with its second copy, makes the two agree and keeps them so. Also
/// says whether anything had to be repaired.
pub(crate) fn open(directory: &Path) -> Result<(Connection, bool)> {
    let folder = lexical::directory(directory);
    std::fs::create_dir_all(&folder).map_err(|source| IndexerError::Io {
        path: folder.clone(),
        source,
    })?;
    let (ledger, second) = (directory.join(LEDGER), folder.join(SECOND));
    for path in [&ledger, &second] {
        clear_place(path)?;
    }
    let (first, other) = (first_copy(directory, &ledger)?, second_copy(&second)?);
    let in_step = matches!((&first, &other), (Found::Sound(_, a), Found::Sound(_, b)) if a == b);
    let connection = match first {
        Found::Sound(connection, _) if in_step => {
            drop(other);
            attach(&connection, &second)?;
            connection
        }
        first => repair(directory, &ledger, &second, first, other)?,
    };
    connection.execute_batch(&triggers())?;
    Ok((connection, !in_step))
}

/// What a person should know of a loss that is not long ago.
pub(crate) fn said(loss: &str, now: i64) -> Option<String> {
    let (time, words) = loss.split_once(' ')?;
    (now - time.parse::<i64>().ok()? < SAID_FOR).then(|| words.to_owned())
}

/// Overwrites and removes whatever damaged ledgers were left behind.
pub(crate) fn remove_aside(directory: &Path) {
    for path in aside(directory) {
        scrub(&path);
    }
}

fn first_copy(directory: &Path, path: &Path) -> Result<Found> {
    if path.metadata().map_or(true, |metadata| metadata.len() == 0) {
        return Ok(Found::None);
    }
    let open = || -> Result<Found> {
        let mut connection = connect(path)?;
        verify(&connection, path)?;
        prepare(&mut connection, directory)?;
        for table in &TABLES {
            each_row(&connection, table, "", "ASC", &mut |row| row.map(drop))?;
        }
        verify_documents(&connection)?;
        let changes = changes(&connection, "SELECT value FROM meta WHERE key = 'kept'")?;
        Ok(Found::Sound(connection, changes))
    };
    sound_or_damaged(path, "", open())
}

fn second_copy(path: &Path) -> Result<Found> {
    if path.metadata().map_or(true, |metadata| metadata.len() == 0) {
        return Ok(Found::None);
    }
    let open = || -> Result<Found> {
        let connection = connect(path)?;
        verify(&connection, path)?;
        for table in &TABLES {
            each_row(&connection, table, "kept_", "ASC", &mut |row| row.map(drop))?;
        }
        let changes = changes(&connection, "SELECT changes FROM kept_state")?;
        Ok(Found::Sound(connection, changes))
    };
    sound_or_damaged(path, "kept_", open())
}

fn sound_or_damaged(path: &Path, prefix: &str, opened: Result<Found>) -> Result<Found> {
    match opened {
        Err(IndexerError::Ledger(error)) if is_damage(&error) => {
            tracing::warn!(path = %path.display(), %error, "damaged: what can still be read is taken");
            Ok(Found::Damaged(salvage(path, prefix)))
        }
        other => other,
    }
}

fn changes(connection: &Connection, query: &str) -> Result<i64> {
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else {
        return Ok(0);
    };
    match row.get::<_, Value>(0)? {
        Value::Integer(number) => Ok(number),
        Value::Text(text) => Ok(text.parse().unwrap_or_default()),
        _ => Ok(0),
    }
}

fn connect(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    // Set before there are triggers: a change of it drops all temporary ones.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// Looks at every page.
fn verify(connection: &Connection, path: &Path) -> Result<()> {
    let small = path.metadata().is_ok_and(|file| file.len() <= THOROUGH);
    let check = if small {
        "PRAGMA integrity_check(1)"
    } else {
        "PRAGMA quick_check(1)"
    };
    let found: String = connection.query_row(check, [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }
    let corrupt = ffi::Error::new(ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(corrupt, Some(found)).into())
}

/// Errors of a database that is not what was written.
fn is_damage(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(error, _) => matches!(
            error.code,
            ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt | ErrorCode::Unknown
        ),
        rusqlite::Error::SqlInputError { .. }
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..)
        | rusqlite::Error::QueryReturnedNoRows => true,
        _ => false,
    }
}

/// Gives `take` each row of a table, or what is wrong with it.
fn each_row(
    connection: &Connection,
    table: &Table,
    prefix: &str,
    order: &str,
    take: &mut dyn FnMut(rusqlite::Result<Vec<Value>>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let (columns, name) = (table.names(), table.name);
    let query = format!("SELECT {columns} FROM {prefix}{name} NOT INDEXED ORDER BY rowid {order}");
    let mut statement = connection.prepare(&query)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(table.values(row))?;
    }
    Ok(())
}

fn all_rows(connection: &Connection, prefix: &str) -> Result<Rows> {
    let mut all = Rows::default();
    for (table, rows) in TABLES.iter().zip(&mut all.0) {
        each_row(connection, table, prefix, "ASC", &mut |row| {
            rows.push(row?);
            Ok(())
        })?;
    }
    Ok(all)
}

/// The rows of a damaged database that can be reached from either end of each table.
fn salvage(path: &Path, prefix: &str) -> Rows {
    let mut all = Rows::default();
    let Ok(connection) = Connection::open(path) else {
        return all;
    };
    for (table, rows) in TABLES.iter().zip(&mut all.0) {
        for order in ["ASC", "DESC"] {
            let _ = each_row(&connection, table, prefix, order, &mut |row| {
                rows.extend(row);
                Ok(())
            });
        }
    }
    all.in_order()
}

/// Makes one ledger and one second copy of what was found.
fn repair(
    directory: &Path,
    ledger: &Path,
    second: &Path,
    first: Found,
    other: Found,
) -> Result<Connection> {
    let notice = loss(directory, &first, &other);
    let salvaged = || {
        let all = aside(directory).into_iter();
        // Not the logs beside them.
        let is_numbered = |path: &PathBuf| {
            let name = path.to_string_lossy();
            name.ends_with(|last: char| last.is_ascii_digit())
        };
        all.filter(is_numbered)
            .map(|path| salvage(&path, ""))
            .fold(Rows::default(), Rows::and)
    };
    let latest = |copy: &Found| match copy {
        Found::Sound(_, changes) => *changes,
        _ => 0,
    };
    let changes = latest(&first).max(latest(&other)) + 1;
    let older = latest(&first) < latest(&other);
    let is_whole = matches!(other, Found::Sound(..));
    let (connection, rows) = match (first, other) {
        (Found::Sound(first, _), Found::Sound(other, _)) => {
            tracing::warn!(
                older,
                "one of the two copies of the ledger's rows lags behind"
            );
            let (mine, its) = (all_rows(&first, "")?, all_rows(&other, "kept_")?);
            let rows = if older {
                its.and_forgotten(mine)
            } else {
                mine.and_forgotten(its)
            };
            (Some(first), rows)
        }
        (Found::Sound(first, changes), other) => {
            let mut rows = all_rows(&first, "")?;
            if let Found::Damaged(its) = other {
                rows = rows.and_forgotten(its);
            }
            if changes == 0 {
                rows = rows.and(salvaged());
            }
            (Some(first), rows)
        }
        (Found::None, Found::Sound(other, _)) => (None, all_rows(&other, "kept_")?),
        (Found::Damaged(mine), Found::Sound(other, _)) => {
            (None, all_rows(&other, "kept_")?.and_forgotten(mine))
        }
        (first, other) => {
            let rows = [first, other].into_iter().filter_map(|copy| match copy {
                Found::Damaged(rows) => Some(rows),
                _ => None,
            });
            (None, rows.fold(Rows::default(), Rows::and).and(salvaged()))
        }
    };
    let mut connection = match connection {
        Some(connection) => connection,
        None => replace(directory, ledger)?,
    };
    if !is_whole {
        for part in parts(second) {
            scrub(&part);
        }
    }
    attach(&connection, second)?;
    write(&mut connection, &rows, changes, notice.as_deref())?;
    remove_aside(directory);
    Ok(connection)
}

/// What to tell a person, where one of the copies that should be there is not whole.
fn loss(directory: &Path, first: &Found, other: &Found) -> Option<String> {
    let what = match first {
        Found::Sound(..) => return None,
        Found::Damaged(_) => "was damaged",
        Found::None => "was missing",
    };
    match other {
        Found::Sound(..) => Some(format!(
            "the ledger {what} and was restored from its second copy: conversations, folders and what was \
             forgotten are as they were, and the files are read again"
        )),
        // Nothing was there before.
        Found::None if what == "was missing" && !has_index(directory) => None,
        _ => {
            let mut left = [0; TABLES.len()];
            for copy in [first, other] {
                if let Found::Damaged(rows) = copy {
                    for (left, rows) in left.iter_mut().zip(&rows.0) {
                        *left = rows.len().max(*left);
                    }
                }
            }
            Some(format!(
                "the ledger {what}, and there is no whole second copy: {} conversations, {} folders and {} \
                 forgotten paths could still be read, the rest of these is lost; the files are read again. Look \
                 through the folders, and forget again what must stay out",
                left[CONVERSATIONS], left[FOLDERS], left[FORGOTTEN]
            ))
        }
    }
}

/// Whether there is an index that a ledger belongs to.
fn has_index(directory: &Path) -> bool {
    lexical::directory(directory).join("meta.json").exists() || !aside(directory).is_empty()
}

/// A new ledger in the place of one that cannot be used, which is set aside until what can be is in the new one.
fn replace(directory: &Path, ledger: &Path) -> Result<Connection> {
    let name = format!("{ASIDE}{}", now());
    for part in parts(ledger) {
        let suffix = part.to_string_lossy()[ledger.to_string_lossy().len()..].to_owned();
        let to = directory.join(format!("{name}{suffix}"));
        match std::fs::rename(&part, to) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(IndexerError::Io { path: part, source });
            }
            _ => {}
        }
    }
    let mut connection = connect(ledger)?;
    prepare(&mut connection, directory)?;
    Ok(connection)
}

fn attach(connection: &Connection, second: &Path) -> Result<()> {
    // A name that is not Unicode cannot be given to the statement: then there is no second copy.
    let path = second.to_str().unwrap_or(":memory:");
    connection.execute("ATTACH ?1 AS kept", [path])?;
    let on = "PRAGMA kept.journal_mode = WAL; PRAGMA kept.synchronous = NORMAL;
        PRAGMA kept.secure_delete = ON;";
    connection.execute_batch(on)?;
    if second.to_str().is_none() {
        let transaction = connection.unchecked_transaction()?;
        fill_second(&transaction, 0)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Writes these rows into both copies.
fn write(
    connection: &mut Connection,
    rows: &Rows,
    changes: i64,
    notice: Option<&str>,
) -> Result<()> {
    connection.pragma_update(None, "foreign_keys", "OFF")?;
    let transaction = connection.transaction()?;
    for (table, rows) in TABLES.iter().zip(&rows.0) {
        transaction.execute(&format!("DELETE FROM main.{}", table.name), [])?;
        let places = vec!["?"; table.columns.len()].join(", ");
        let insert = format!(
            "INSERT OR IGNORE INTO main.{} VALUES ({places})",
            table.name
        );
        let mut insert = transaction.prepare(&insert)?;
        for row in rows {
            insert.execute(params_from_iter(row))?;
        }
    }
    transaction.execute_batch(
        "INSERT OR IGNORE INTO conversations SELECT conversation, substr(text, 1, 80), created FROM messages
             WHERE conversation NOT IN (SELECT id FROM conversations) ORDER BY id;",
    )?;
    fill_second(&transaction, changes)?;
    set_meta(&transaction, "kept", &changes.to_string())?;
    if let Some(notice) = notice {
        tracing::warn!("{notice}");
        set_meta(&transaction, "loss", &format!("{} {notice}", now()))?;
    }
    transaction.commit()?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    Ok(())
}

/// Makes the second copy what the ledger is.
fn fill_second(connection: &Connection, changes: i64) -> Result<()> {
    for table in &TABLES {
        let name = table.name;
        let columns = table.columns.iter().map(|(column, kind)| match kind {
            Text => format!("{column} TEXT NOT NULL"),
            Number => format!("{column} INTEGER NOT NULL"),
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        connection.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS kept.kept_{name} ({columns}, PRIMARY KEY ({}));
             DELETE FROM kept.kept_{name};
             INSERT INTO kept.kept_{name} SELECT {} FROM main.{name};",
            table.key(),
            table.names()
        ))?;
    }
    connection.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS kept.kept_state (changes INTEGER NOT NULL);
         DELETE FROM kept.kept_state;
         INSERT INTO kept.kept_state VALUES ({changes});"
    ))?;
    Ok(())
}

/// What writes every change into the second copy, too, and counts the changes in both.
fn triggers() -> String {
    let count = "UPDATE kept_state SET changes = changes + 1;
        UPDATE meta SET value = value + 1 WHERE key = 'kept';";
    let mut all = String::new();
    for table in &TABLES {
        let (name, names) = (table.name, table.names());
        let of = |row: &str| {
            let columns = table
                .columns
                .iter()
                .map(|(name, _)| format!("{row}.{name}"));
            columns.collect::<Vec<_>>().join(", ")
        };
        let same = table.columns[..table.keys]
            .iter()
            .map(|(name, _)| format!("{name} = old.{name}"))
            .collect::<Vec<_>>()
            .join(" AND ");
        let insert = format!(
            "INSERT OR REPLACE INTO kept_{name} ({names}) VALUES ({});",
            of("new")
        );
        let delete = format!("DELETE FROM kept_{name} WHERE {same};");
        for (event, what) in [
            ("INSERT", insert.clone()),
            ("DELETE", delete.clone()),
            ("UPDATE", format!("{delete} {insert}")),
        ] {
            all += &format!(
                "CREATE TEMP TRIGGER kept_{name}_{event} AFTER {event} ON main.{name} BEGIN {what} {count} END;\n"
            );
        }
    }
    all
}

impl Table {
    fn names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }

    fn key(&self) -> String {
        let names: Vec<&str> = self.columns[..self.keys]
            .iter()
            .map(|(name, _)| *name)
            .collect();
        names.join(", ")
    }

    fn values(&self, row: &Row) -> rusqlite::Result<Vec<Value>> {
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(place, (_, kind))| match kind {
                Text => row.get(place).map(Value::Text),
                Number => row.get(place).map(Value::Integer),
            })
            .collect()
    }
}

impl Rows {
    /// These, and what the others have besides.
    fn and(mut self, others: Self) -> Self {
        for (rows, others) in self.0.iter_mut().zip(others.0) {
            rows.extend(others);
        }
        self.in_order()
    }

    /// These, and what the others have forgotten besides.
    fn and_forgotten(mut self, mut others: Self) -> Self {
        for table in [FORGOTTEN, CONTENTS] {
            self.0[table].append(&mut others.0[table]);
        }
        self.in_order()
    }

    /// Each row once; numbered ones in their order.
    fn in_order(mut self) -> Self {
        for (table, rows) in TABLES.iter().zip(&mut self.0) {
            let mut seen = HashSet::new();
            rows.retain(|row| seen.insert(format!("{:?}", &row[..table.keys])));
            rows.sort_by_key(|row| match row[0] {
                Value::Integer(number) => number,
                _ => 0,
            });
        }
        self
    }
}

/// A database's own file, and those beside it.
fn parts(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}

/// Folders where a database's files should be are no database.
fn clear_place(path: &Path) -> Result<()> {
    for part in parts(path) {
        if !part.is_dir() {
            continue;
        }
        tracing::warn!(path = %part.display(), "a folder lies where a database should be");
        let mut aside = part.clone().into_os_string();
        aside.push(format!(".folder-{}", now()));
        let cleared = std::fs::remove_dir(&part).or_else(|_| std::fs::rename(&part, aside));
        cleared.map_err(|source| IndexerError::Io { path: part, source })?;
    }
    Ok(())
}

/// Damaged ledgers, the latest first.
fn aside(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(ASIDE))
        .map(|entry| entry.path())
        .collect();
    all.sort();
    all.reverse();
    all
}

/// Overwrites a file and removes it.
fn scrub(path: &Path) {
    use std::io::Write;
    let overwrite = || {
        let mut file = std::fs::File::options().write(true).open(path)?;
        let mut left = file.metadata()?.len();
        let zeros = vec![0; 1 << 16];
        while left > 0 {
            let part = left.min(zeros.len() as u64);
            let bytes = usize::try_from(part).unwrap_or(zeros.len());
            file.write_all(&zeros[..bytes])?;
            left -= part;
        }
        file.sync_all()
    };
    let overwritten: std::io::Result<()> = overwrite();
    let removed = std::fs::remove_file(path);
    if let Err(error) = overwritten.and(removed)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "cannot be removed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversations::MessageRow;
    use crate::ledger::Ledger;

    fn filled(directory: &Path) {
        let ledger = Ledger::open(directory).expect("opens");
        ledger.add_folder(Path::new("/n"), 1).expect("adds");
        let out = Path::new("/n/secret.md");
        let contents = [(out.to_owned(), "c0ffee".to_owned())];
        ledger.forget_path(out, &contents).expect("forgets");
        let message = |role: &str| MessageRow {
            role: role.to_owned(),
            text: "What did the warden see?".to_owned(),
            detail: "{}".to_owned(),
            created: 7,
        };
        for conversation in ["a", "b"] {
            let pair = [message("user"), message("assistant")];
            ledger
                .append(conversation, "title", &pair)
                .expect("appends");
        }
        ledger.delete_conversations(Some("b")).expect("deletes");
    }

    /// Everything that is kept twice is there, and in step.
    #[track_caller]
    fn check_whole(directory: &Path, what: &str) -> Option<String> {
        let ledger = Ledger::open(directory).expect(what);
        assert_eq!(ledger.folders().expect(what), [Path::new("/n")], "{what}");
        let by_path = ledger.forgotten_as(Path::new("/n/secret.md"), None);
        assert!(by_path.expect(what).is_some(), "{what}");
        let by_content = ledger.forgotten_as(Path::new("/n/other.md"), Some("c0ffee"));
        assert!(by_content.expect(what).is_some(), "{what}");
        let all = ledger.conversations().expect(what);
        assert_eq!((all.len(), all[0].messages), (1, 2), "{what}");
        let loss = ledger.loss().expect(what);
        drop(ledger);
        let (_connection, repaired) = open(directory).expect(what);
        assert!(!repaired, "{what}");
        assert_eq!(aside(directory), Vec::<PathBuf>::new(), "{what}");
        loss
    }

    /// Does to a file what an accident may.
    fn hurt(path: &Path, how: &str) {
        let mut bytes = std::fs::read(path).expect("reads");
        let (half, third) = (bytes.len() / 2, bytes.len() / 3);
        match how {
            "cut" => bytes.truncate(half),
            "empty" => bytes.clear(),
            "flipped" => bytes[third..third + 64]
                .iter_mut()
                .for_each(|byte| *byte ^= 0xff),
            "head" => bytes[..64].iter_mut().for_each(|byte| *byte ^= 0xff),
            _ => {}
        }
        std::fs::remove_file(path).expect("removes");
        match how {
            "gone" => {}
            "folder" => std::fs::create_dir(path).expect("a folder"),
            _ => std::fs::write(path, bytes).expect("writes"),
        }
    }

    #[test]
    fn either_copy_may_be_lost_in_any_way() {
        for file in [LEDGER, "text/kept.sqlite3"] {
            for how in ["cut", "empty", "flipped", "head", "gone", "folder"] {
                let directory = tempfile::tempdir().expect("a temporary directory");
                filled(directory.path());
                assert_eq!(check_whole(directory.path(), "before"), None);
                hurt(&directory.path().join(file), how);
                let loss = check_whole(directory.path(), &format!("{how} {file}"));
                if file == LEDGER && how != "flipped" {
                    assert!(loss.expect("said").contains("second copy"), "{how}");
                }
            }
        }
    }

    #[test]
    fn a_copy_that_lags_behind_is_brought_up_to_date() {
        for file in [LEDGER, "text/kept.sqlite3"] {
            let directory = tempfile::tempdir().expect("a temporary directory");
            drop(Ledger::open(directory.path()).expect("opens"));
            let path = directory.path().join(file);
            let old = std::fs::read(&path).expect("reads");
            filled(directory.path());
            std::fs::write(&path, old).expect("writes");
            assert_eq!(check_whole(directory.path(), file), None);
        }
    }

    #[test]
    fn what_both_have_lost_is_said_and_the_rest_is_kept() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        filled(directory.path());
        hurt(&directory.path().join("text/kept.sqlite3"), "gone");
        std::fs::write(directory.path().join("text/meta.json"), "{}").expect("writes");
        hurt(&directory.path().join(LEDGER), "cut");
        let ledger = Ledger::open(directory.path()).expect("opens");
        let loss = ledger.loss().expect("reads").expect("said");
        assert!(loss.contains("no whole second copy"), "{loss}");
        assert_eq!(said(&format!("0 {loss}"), SAID_FOR), None);
        assert!(aside(directory.path()).is_empty());
    }

    #[test]
    fn a_fresh_directory_has_lost_nothing() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let ledger = Ledger::open(directory.path()).expect("opens");
        assert_eq!(ledger.loss().expect("reads"), None);
    }
}
