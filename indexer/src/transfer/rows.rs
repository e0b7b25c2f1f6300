//! A ledger of somebody else's: never used itself. What is in it is checked row by row and written into a new
//! one, with the folders that were taken and nothing of others.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::types::{Type, Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::Moved;
use crate::claim::open_unchanged;
use crate::error::{IndexerError, Result};
use crate::ledger::{DocumentId, FORMAT, Ledger, State, in_json};
use crate::paths::{path_named, path_text};

/// What is known of the index besides its rows, and moves with it.
const META: [&str; 4] = ["embedding", "fingerprint", "lexical", "vectors"];
/// Bytes of a text in a row, at most; answers repeat the passages they were made from.
const LONGEST: usize = 1 << 20;
const LONGEST_DETAIL: usize = 16 << 20;
/// Milliseconds since 1970 until the year 10000.
const LATEST: i64 = 253_402_300_800_000;
/// Chunks of a document, at most.
const CHUNKS: i64 = 1 << 32;

/// A ledger that came with an archive.
pub(super) struct Arrived {
    connection: Connection,
    format: i64,
    /// More rows than this do not fit the file: it leads in circles.
    rows: u64,
    /// Its watched folders, and how many documents it says are in each.
    pub folders: Vec<(PathBuf, usize)>,
}

/// What became of it.
#[derive(Debug, Default)]
pub(super) struct Rebuilt {
    pub documents: usize,
    pub conversations: usize,
    /// Rows that were not as this program writes them.
    pub left_out: usize,
    /// Documents whose rows did not come along: the engines may hold them still.
    pub strays: Vec<DocumentId>,
}

impl Arrived {
    /// Opens the ledger at `path` for reading. `made` is one of this program, to compare with.
    ///
    /// # Errors
    /// Says why it is none that this program wrote.
    pub(super) fn open(path: &Path, made: &Ledger) -> std::result::Result<Self, String> {
        let failed = |error: rusqlite::Error| format!("its ledger cannot be read: {error}");
        let connection = open_unchanged(path).map_err(failed)?;
        for (setting, on) in [
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        ] {
            connection.set_db_config(setting, on).map_err(failed)?;
        }
        let known = schema(&made.lock()).map_err(failed)?;
        for (kind, name) in schema(&connection).map_err(failed)? {
            if kind != "index" && !known.contains(&(kind.clone(), name.clone())) {
                return Err(format!(
                    "its ledger holds a {kind}, {name:?}, that vade never makes"
                ));
            }
            let hidden = "SELECT count(*) FROM pragma_table_xinfo(?1) WHERE hidden != 0";
            let computed: i64 = connection
                .query_row(hidden, [&name], |row| row.get(0))
                .map_err(failed)?;
            if computed > 0 {
                return Err(format!(
                    "its ledger computes columns of {name:?}, which vade never does"
                ));
            }
        }
        let format: String = connection
            .query_row("SELECT value FROM meta WHERE key = 'format'", [], |row| {
                row.get(0)
            })
            .map_err(failed)?;
        let format = format
            .parse::<i64>()
            .map_err(|_| "its ledger has no format".to_owned())?;
        if format > FORMAT {
            return Err(super::too_new(format));
        }
        let length = std::fs::metadata(path).map_or(0, |found| found.len());
        let mut arrived = Self {
            connection,
            format,
            rows: length / 4 + 1000,
            folders: Vec::new(),
        };
        arrived.folders = arrived
            .count_folders()
            .map_err(|error| format!("its ledger: {error}"))?;
        Ok(arrived)
    }

    fn count_folders(&self) -> Result<Vec<(PathBuf, usize)>> {
        let mut folders: Vec<(PathBuf, usize)> = Vec::new();
        self.each("folders", &columns(&self.connection, "folders")?, |row| {
            if let Some(path) = row
                .text("path")
                .map(path_named)
                .filter(|path| is_plain(path))
            {
                folders.push((path, 0));
            }
            Ok(())
        })?;
        folders.sort();
        folders.dedup();
        let mut counts: HashMap<PathBuf, usize> = HashMap::new();
        self.each(
            "documents",
            &columns(&self.connection, "documents")?,
            |row| {
                if let Some(folder) = row.text("folder") {
                    *counts.entry(folder.into()).or_default() += 1;
                }
                Ok(())
            },
        )?;
        for (path, count) in &mut folders {
            *count = counts.get(path).copied().unwrap_or_default();
        }
        Ok(folders)
    }

    /// Writes what is in order, and belongs to the folders taken, into `new`, which is empty. Documents of a
    /// folder that lies elsewhere now get the names they have there and are read again; the rows of their old
    /// names leave the vector store once the new ones have taken their vectors.
    pub(super) fn copy(&self, new: &Ledger, taken: &[Moved]) -> Result<Rebuilt> {
        let mut connection = new.lock();
        let transaction = connection.transaction()?;
        let mut copy = Copy {
            from: self,
            to: &transaction,
            taken: taken
                .iter()
                .map(|(old, new)| (old.as_path(), new.as_path()))
                .collect(),
            renamed: HashMap::new(),
            rebuilt: Rebuilt::default(),
        };
        copy.meta()?;
        copy.folders()?;
        copy.documents()?;
        copy.conversations()?;
        let rebuilt = copy.rebuilt;
        if self.format < 3 {
            transaction.execute(
                "UPDATE documents SET unread_images = 1
                 WHERE state = 'skipped' AND reason LIKE '%: needs OCR'",
                [],
            )?;
        }
        transaction.commit()?;
        Ok(rebuilt)
    }

    /// Hands over the rows of a table, those columns of it that it has.
    fn each(
        &self,
        table: &str,
        wanted: &[Column],
        mut each: impl FnMut(Fields) -> Result<()>,
    ) -> Result<()> {
        let there = columns(&self.connection, table)?;
        let is_there = |column: &&Column| there.iter().any(|other| other.name == column.name);
        let wanted: Vec<&Column> = wanted.iter().filter(is_there).collect();
        let names: Vec<String> = wanted
            .iter()
            .map(|column| format!("\"{}\"", column.name))
            .collect();
        let mut statement = self
            .connection
            .prepare(&format!("SELECT {} FROM {table}", names.join(", ")))?;
        let (mut rows, mut count) = (statement.query([])?, 0);
        while let Some(row) = rows.next()? {
            count += 1;
            if count > self.rows {
                return Err(IndexerError::Transfer {
                    path: PathBuf::from(super::LEDGER),
                    reason: "it leads in circles".to_owned(),
                });
            }
            let mut fields = Fields {
                names: Vec::new(),
                values: Vec::new(),
                sound: true,
            };
            for (place, column) in wanted.iter().enumerate() {
                let value = column.checked(row.get_ref(place)?);
                fields.sound &= value.is_some();
                fields.names.push(column.name.clone());
                fields.values.push(value.unwrap_or(Value::Null));
            }
            each(fields)?;
        }
        Ok(())
    }
}

/// What is made in a database, by kind and name; a table that is computed is one of its own kind.
fn schema(connection: &Connection) -> rusqlite::Result<HashSet<(String, String)>> {
    let mut statement = connection.prepare(
        "SELECT CASE WHEN type = 'table' AND rootpage = 0 THEN 'virtual table' ELSE type END, name
         FROM main.sqlite_master",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// A column and the kind of value that it is declared for.
struct Column {
    name: String,
    kind: Type,
}

fn columns(connection: &Connection, table: &str) -> Result<Vec<Column>> {
    let mut statement = connection.prepare("SELECT name, type FROM pragma_table_info(?1)")?;
    let rows = statement.query_map([table], |row| {
        let kind: String = row.get(1)?;
        Ok(Column {
            name: row.get(0)?,
            kind: match kind.as_str() {
                "INTEGER" => Type::Integer,
                "BLOB" => Type::Blob,
                _ => Type::Text,
            },
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

impl Column {
    /// The value, if it is of the column's kind and not too long.
    fn checked(&self, value: ValueRef<'_>) -> Option<Value> {
        let longest = if self.name == "detail" {
            LONGEST_DETAIL
        } else {
            LONGEST
        };
        match value {
            ValueRef::Null => Some(Value::Null),
            ValueRef::Integer(number) if self.kind == Type::Integer => Some(Value::Integer(number)),
            ValueRef::Text(text) if self.kind == Type::Text && text.len() <= longest => {
                Some(Value::Text(std::str::from_utf8(text).ok()?.to_owned()))
            }
            ValueRef::Blob(bytes) if self.kind == Type::Blob && bytes.len() <= longest => {
                Some(Value::Blob(bytes.to_vec()))
            }
            _ => None,
        }
    }
}

/// A row on its way.
struct Fields {
    names: Vec<String>,
    values: Vec<Value>,
    /// Whether all values are of their column's kind.
    sound: bool,
}

impl Fields {
    fn get(&self, name: &str) -> Option<&Value> {
        let place = self.names.iter().position(|other| other == name)?;
        self.values.get(place)
    }

    fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a number, where it is there, lies in a range.
    fn is_within(&self, name: &str, range: std::ops::RangeInclusive<i64>) -> bool {
        match self.get(name) {
            Some(Value::Integer(number)) => range.contains(number),
            _ => true,
        }
    }

    /// Whether a text, where it is there, is a JSON list of texts.
    fn is_list(&self, name: &str) -> bool {
        self.text(name)
            .is_none_or(|text| serde_json::from_str::<Vec<String>>(text).is_ok())
    }

    fn set(&mut self, name: &str, value: impl Into<Value>) {
        if let Some(place) = self.names.iter().position(|other| other == name) {
            self.values[place] = value.into();
        }
    }
}

/// The copying of one ledger.
struct Copy<'a> {
    from: &'a Arrived,
    to: &'a Connection,
    taken: HashMap<&'a Path, &'a Path>,
    /// Names that documents had, and have now.
    renamed: HashMap<String, String>,
    rebuilt: Rebuilt,
}

impl Copy<'_> {
    /// Copies the rows of a table that `check` lets through and may change; gives how many.
    fn rows(
        &mut self,
        table: &str,
        mut check: impl FnMut(&mut Self, &mut Fields) -> Result<bool>,
    ) -> Result<usize> {
        let from = self.from;
        let wanted = columns(self.to, table)?;
        let mut count = 0;
        from.each(table, &wanted, |mut fields| {
            if !fields.sound {
                self.rebuilt.left_out += 1;
                return Ok(());
            }
            if check(self, &mut fields)? {
                count += self.insert(table, &fields)?;
            }
            Ok(())
        })?;
        Ok(count)
    }

    /// Inserts a row; one that is there already, or lacks something, is left out.
    fn insert(&mut self, table: &str, fields: &Fields) -> Result<usize> {
        let places: Vec<String> = (1..=fields.names.len())
            .map(|place| format!("?{place}"))
            .collect();
        let names: Vec<String> = fields
            .names
            .iter()
            .map(|name| format!("\"{name}\""))
            .collect();
        let statement = format!(
            "INSERT OR IGNORE INTO {table} ({}) VALUES ({})",
            names.join(", "),
            places.join(", ")
        );
        let mut statement = self.to.prepare_cached(&statement)?;
        let inserted = statement.execute(params_from_iter(&fields.values))?;
        self.rebuilt.left_out += 1 - inserted.min(1);
        Ok(inserted)
    }

    fn meta(&mut self) -> Result<()> {
        self.rows("meta", |_, fields| {
            let known = fields.text("key").is_some_and(|key| META.contains(&key));
            Ok(known && fields.text("value").is_some_and(|value| value.len() < 256))
        })?;
        Ok(())
    }

    fn folders(&mut self) -> Result<()> {
        self.rows("folders", |copy, fields| {
            let path = fields.text("path").map(path_named).unwrap_or_default();
            let Some(new) = copy.taken.get(path.as_path()) else {
                return Ok(false);
            };
            fields.set("path", path_text(new).into_owned());
            Ok(fields.is_within("added", 0..=LATEST))
        })?;
        for table in ["forgotten", "forgotten_contents"] {
            self.rows(table, |copy, fields| {
                let path = fields.text("path").map(path_named).unwrap_or_default();
                // What was forgotten stays so where its folder is added later.
                let Some(new) = copy.moved(&path).or_else(|| copy.in_its_folders(&path)) else {
                    return Ok(false);
                };
                fields.set("path", path_text(&new).into_owned());
                Ok(true)
            })?;
        }
        self.rows("tombstones", |_, fields| {
            Ok(fields.text("document").is_some_and(is_id))
        })?;
        Ok(())
    }

    /// Where what lay at a path in a folder that was taken lies now.
    fn moved(&self, path: &Path) -> Option<PathBuf> {
        if !is_plain(path) {
            return None;
        }
        let (old, new) = self.taken.iter().find(|(old, _)| path.starts_with(old))?;
        let inside = path.strip_prefix(old).ok()?;
        Some(if inside.as_os_str().is_empty() {
            new.to_path_buf()
        } else {
            new.join(inside)
        })
    }

    /// A path that lies in a folder which the archive names.
    fn in_its_folders(&self, path: &Path) -> Option<PathBuf> {
        let mut folders = self.from.folders.iter();
        let is_in = folders.any(|(folder, _)| {
            // All there is can be nobody's folder.
            folder.parent().is_some() && path != folder && path.starts_with(folder)
        });
        (is_plain(path) && is_in).then(|| path.to_owned())
    }

    fn documents(&mut self) -> Result<()> {
        self.rebuilt.documents = self.rows("documents", |copy, fields| {
            let id = fields.text("id").unwrap_or_default().to_owned();
            let path = fields.text("path").map(path_named).unwrap_or_default();
            let folder = fields.text("folder").map(path_named).unwrap_or_default();
            let Some(new_folder) = copy.taken.get(folder.as_path()).copied() else {
                copy.stray(id);
                return Ok(false);
            };
            let sound = path != folder
                && path.starts_with(&folder)
                && DocumentId::of(&path).0 == id
                && is_document(fields);
            let Some(new) = copy.moved(&path).filter(|_| sound) else {
                copy.stray(id);
                copy.rebuilt.left_out += 1;
                return Ok(false);
            };
            if new_folder != folder {
                copy.rename(fields, &id, &path, (&new, new_folder))?;
            }
            Ok(true)
        })?;
        Ok(())
    }

    fn stray(&mut self, id: String) {
        if is_id(&id) {
            self.rebuilt.strays.push(DocumentId(id));
        }
    }

    fn rename(
        &mut self,
        fields: &mut Fields,
        id: &str,
        path: &Path,
        (new, folder): (&Path, &Path),
    ) -> Result<()> {
        let new_id = DocumentId::of(new).0;
        self.to
            .execute("INSERT OR IGNORE INTO tombstones VALUES (?1)", [id])?;
        fields.set("id", new_id.clone());
        fields.set("path", path_text(new).into_owned());
        fields.set("folder", path_text(folder).into_owned());
        fields.set("state", State::Pending.name().to_owned());
        fields.set("stage", 0);
        fields.set("hash", Value::Null);
        fields.set("chunks", 0);
        self.renamed.insert(id.to_owned(), new_id);
        self.renamed.insert(in_json(path), in_json(new));
        Ok(())
    }

    fn conversations(&mut self) -> Result<()> {
        let mut known = HashSet::new();
        self.rebuilt.conversations = self.rows("conversations", |_, fields| {
            let id = fields.text("id").unwrap_or_default().to_owned();
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            let sound = (1..=64).contains(&id.len())
                && id.bytes().all(plain)
                && fields.is_within("updated", 0..=LATEST);
            if sound {
                known.insert(id);
            }
            Ok(sound)
        })?;
        self.rows("messages", |copy, fields| {
            let detail = fields.text("detail").unwrap_or_default();
            let sound = fields
                .text("conversation")
                .is_some_and(|id| known.contains(id))
                && matches!(fields.text("role"), Some("user" | "assistant"))
                && fields.is_within("created", 0..=LATEST)
                && (detail.is_empty() || serde_json::from_str::<serde_json::Value>(detail).is_ok());
            let detail = super::rename_documents(detail, &copy.renamed);
            fields.set("detail", detail);
            copy.rebuilt.left_out += usize::from(!sound);
            Ok(sound)
        })?;
        Ok(())
    }
}

/// Whether a document's row, but for its names, is one that this program writes.
fn is_document(fields: &Fields) -> bool {
    let hexadecimal =
        |text: &str| text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    fields.text("state").is_some_and(State::is_name)
        && fields.text("hash").is_none_or(hexadecimal)
        && fields.is_list("tags")
        && fields.is_list("links")
        && fields.is_within("size", 0..=i64::MAX)
        && fields.is_within("stage", 0..=2)
        && fields.is_within("chunks", 0..=CHUNKS)
        && fields.is_within("milliseconds", 0..=LATEST)
        && fields.is_within("indexed", 0..=LATEST)
        && fields.is_within("unread_images", 0..=1)
}

fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a path is absolute and says where it leads: no `..`, nothing twice.
pub(super) fn is_plain(path: &Path) -> bool {
    let named = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
    let bytes = path.as_os_str().as_encoded_bytes();
    path.is_absolute()
        && bytes.len() < 4096
        && !bytes.contains(&0)
        && path.components().all(named)
        && path.components().collect::<PathBuf>().as_os_str() == path.as_os_str()
}
