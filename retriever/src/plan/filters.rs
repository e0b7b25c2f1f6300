//! Filters: which documents a question is about.

use serde::Serialize;

use super::compare::Comparison;
use super::file_type::FileType;
use super::noun::Category;
use super::statement::Statement;
use crate::calendar::Period;

/// What the documents have in common. All that is set must hold.
#[expect(
    clippy::struct_excessive_bools,
    reason = "filters do not exclude each other"
)]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Filters {
    /// Tags, each with those nested in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Name>,
    /// One of the tags is enough.
    #[serde(skip_serializing_if = "is_false")]
    pub any_tag: bool,
    /// Not those nested in the tags.
    #[serde(skip_serializing_if = "is_false")]
    pub exact_tag: bool,
    /// Without any tag.
    #[serde(skip_serializing_if = "is_false")]
    pub untagged: bool,
    /// Folders at any depth, by their name or the end of their path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_type: Option<FileType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// Words in the title or the file name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Words that are mentioned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<String>,
    /// Words that are not mentioned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
    /// One of the mentions is enough.
    #[serde(skip_serializing_if = "is_false")]
    pub any_mention: bool,
    /// Names of documents that wiki links point to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
    /// ISO 639-1 code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Dating>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Comparison>,
    /// Statements that are made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub says: Vec<Statement>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's shape")]
fn is_false(value: &bool) -> bool {
    !value
}

/// The name of a tag or a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Name {
    /// As the library writes it; as the question does, where the library has none.
    pub name: String,
    /// The library has one.
    pub known: bool,
}

/// A span of time, and which date of a document must be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Dating {
    pub by: DateKind,
    #[serde(flatten)]
    pub period: Period,
}

/// Which date of a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DateKind {
    /// The one in its name, front matter or text; else the file's.
    #[default]
    Own,
    /// When its file changed.
    Changed,
}

impl Filters {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether every tag and folder is there.
    pub(crate) fn is_known(&self) -> bool {
        self.tags.iter().chain(&self.folders).all(|name| name.known)
    }

    /// These, and those of an earlier question where these say nothing of the kind.
    pub(super) fn over(self, earlier: Self) -> Self {
        fn either<T: Default + PartialEq>(one: T, other: T) -> T {
            if one == T::default() { other } else { one }
        }
        Self {
            any_mention: self.any_mention || (self.mentions.is_empty() && earlier.any_mention),
            any_tag: self.any_tag || (self.tags.is_empty() && earlier.any_tag),
            exact_tag: self.exact_tag || (self.tags.is_empty() && earlier.exact_tag),
            tags: either(self.tags, earlier.tags),
            links: either(self.links, earlier.links),
            untagged: either(self.untagged, earlier.untagged),
            folders: either(self.folders, earlier.folders),
            file_type: self.file_type.or(earlier.file_type),
            category: self.category.or(earlier.category),
            title: self.title.or(earlier.title),
            mentions: either(self.mentions, earlier.mentions),
            absent: either(self.absent, earlier.absent),
            language: self.language.or(earlier.language),
            period: self.period.or(earlier.period),
            amount: self.amount.or(earlier.amount),
            says: either(self.says, earlier.says),
        }
    }
}
