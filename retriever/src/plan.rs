//! What a question asks for, by rule: its kind, the documents it is about, and what is to be searched.
//!
//! Pure functions over the question and plain data about the library; the clock is passed in. English
//! and Spanish rules are equals, accents may be missing. A rule must be sure: a question that none of
//! them understands wholly is a fact. `library` carries out plans over documents.

mod aside;
mod asked;
mod compare;
mod file_type;
mod filters;
mod halves;
mod left;
mod listing;
mod moment;
mod money;
mod noun;
mod parse;
mod period;
mod phrases;
mod reader;
mod sides;
mod statement;
#[cfg(test)]
mod statement_tests;
#[cfg(test)]
mod tests;
mod within;

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use serde::Serialize;

use crate::calendar::{Date, Period};
use crate::fold::{Word, find, same, words};
use asked::Asked;

pub(crate) use compare::{Bound, Comparison};
pub(crate) use file_type::FileType;
pub(crate) use filters::{DateKind, Filters, Name};
pub(crate) use noun::Category;
pub(crate) use sides::{Compared, Measure, Wanted};
pub(crate) use statement::{Statement, Term};

/// What rules know of the library.
#[derive(Debug, Default)]
pub(crate) struct About {
    /// Titles and file names of the documents.
    pub titles: Vec<String>,
    /// Folders that hold documents, from the watched one down, its own name first: `vault/Notes`.
    pub folders: Vec<String>,
    /// Tags, without `#`.
    pub tags: Vec<String>,
    /// Places of the titles by the two letters that they begin with; made at the first question.
    pub by_beginning: OnceLock<HashMap<[u8; 2], Vec<usize>>>,
}

/// What was understood of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Plan {
    pub kind: Kind,
    /// The question as it would be asked alone, where it goes on from another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub understood: Option<String>,
    /// What is to be read for the answer.
    pub searched: Searched,
    /// Which documents. For kinds that passages answer: what the question names outright.
    #[serde(skip_serializing_if = "Filters::is_empty")]
    pub filters: Filters,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arithmetic: Option<Arithmetic>,
    /// What is to be shown of each document beside its title.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Which date orders them.
    #[serde(skip)]
    pub date_order_by: DateKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// What is asked of the library itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<LibraryFact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub talk: Option<Talk>,
    /// What is to be summarised, defined or looked up, as the question says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The title or file name that the question names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
    /// What is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
    /// The two questions that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halves: Option<[String; 2]>,
    /// So few documents are no answer.
    #[serde(skip)]
    pub least: usize,
    /// What it is where no document says what it asks for.
    #[serde(skip)]
    pub otherwise: Option<Box<Plan>>,
}

/// Kinds of questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Fact,
    YesNo,
    Definition,
    /// Why and how.
    Explanation,
    /// A list of things within a document.
    Items,
    /// How many documents.
    Count,
    /// Which documents.
    List,
    /// Documents with a value of each.
    Table,
    Summary,
    Comparison,
    /// A fact of a certain time, or the newest of several.
    TimeBound,
    /// About the library itself.
    Library,
    SmallTalk,
}

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Searched {
    /// What is known of every document.
    Library,
    /// The best passages.
    Passages,
    /// Documents as a whole.
    Documents,
    Nothing,
}

/// What is computed over the amounts of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Arithmetic {
    Sum,
    Average,
    Largest,
    Smallest,
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Column {
    Date,
    Amount,
}

/// An order of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    Newest,
    Oldest,
}

/// What can be asked of the library itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LibraryFact {
    Overview,
    Folders,
    Tags,
    Types,
    Languages,
    /// When a document last changed.
    Changed,
}

/// What is said in passing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Talk {
    Greeting,
    HowAreYou,
    Thanks,
    Goodbye,
    /// Who the program is.
    Program,
    /// What it can do.
    Help,
}

/// The plan of a question that is asked at `now` (milliseconds since 1970), after `previous` in a conversation.
pub(crate) fn plan(question: &str, about: &About, now: i64, previous: Option<&str>) -> Plan {
    let today = Date::of(now);
    let asked = Asked::new(question);
    alone(&asked, about, today)
        .or_else(|| {
            let previous = previous?;
            let earlier = alone(&Asked::new(previous), about, today)?;
            let plan = listing::continued(&asked, about, today, earlier)?;
            Some(plan.or_passages(&asked, about, today))
        })
        .unwrap_or_else(|| within::of_passages(&asked, about, today))
}

/// The kind of a question that passages answer.
pub(crate) fn kind(question: &str) -> Kind {
    let about = About::default();
    within::of_passages(&Asked::new(question), &about, Date::of(0)).kind
}

/// The span of time that a question asked at `now` is of.
pub(crate) fn period(question: &str, now: i64) -> Option<Period> {
    let about = About::default();
    let plan = within::of_passages(&Asked::new(question), &about, Date::of(now));
    plan.filters.period.map(|dating| dating.period)
}

/// The plan of a question that a rule understands wholly, without the one before it.
fn alone(asked: &Asked<'_>, about: &About, today: Date) -> Option<Plan> {
    aside::small_talk(asked)
        .or_else(|| aside::library(asked))
        .or_else(|| listing::documents(asked, about, today))
        .or_else(|| within::summary(asked, about, today))
        .map(|plan| plan.or_passages(asked, about, today))
}

impl Kind {
    /// Whether passages answer such a question.
    pub(crate) fn is_of_passages(self) -> bool {
        !matches!(
            self,
            Self::Count
                | Self::List
                | Self::Table
                | Self::Library
                | Self::Summary
                | Self::SmallTalk
        )
    }
}

impl Plan {
    /// Whether only the documents can tell that it is a question over them.
    pub(crate) fn is_tentative(&self) -> bool {
        !self.filters.says.is_empty() || self.least > 0
    }

    /// Keeps what it is otherwise, where that is not sure.
    fn or_passages(mut self, asked: &Asked<'_>, about: &About, today: Date) -> Self {
        let may_be = self.is_tentative() || self.arithmetic.is_some() || self.kind == Kind::Summary;
        self.otherwise = may_be.then(|| Box::new(within::of_passages(asked, about, today)));
        self
    }

    /// A plan of this kind that says nothing else.
    fn of(kind: Kind) -> Self {
        let searched = match kind {
            Kind::Count | Kind::List | Kind::Table | Kind::Library => Searched::Library,
            Kind::Summary => Searched::Documents,
            Kind::SmallTalk => Searched::Nothing,
            _ => Searched::Passages,
        };
        Self {
            kind,
            understood: None,
            searched,
            filters: Filters::default(),
            arithmetic: None,
            columns: Vec::new(),
            order: None,
            date_order_by: DateKind::default(),
            limit: None,
            about: None,
            talk: None,
            target: None,
            named: None,
            compared: None,
            halves: None,
            least: 0,
            otherwise: None,
        }
    }
}

impl About {
    /// The longest title or file name whose words stand in a text.
    fn titled(&self, text: &str) -> Option<&str> {
        let said = words(text);
        let stands = |title: &&String| {
            let title: Vec<String> = words(title).into_iter().map(|word| word.text).collect();
            // One short word is no name: "is", "A4".
            let tells = title.len() > 1 || title.first().is_some_and(|word| word.len() > 3);
            tells && find(&said, &title).is_some()
        };
        let by_beginning = self.by_beginning.get_or_init(|| self.by_beginning());
        let beginnings: BTreeSet<[u8; 2]> = said.iter().map(beginning).collect();
        let places = beginnings.iter().filter_map(|two| by_beginning.get(two));
        let titles = places.flatten().map(|place| &self.titles[*place]);
        let titles = titles.filter(stands);
        titles.max_by_key(|title| title.len()).map(String::as_str)
    }

    /// The titles and file names that begin as a word does.
    fn beginning_with(&self, word: &Word) -> impl Iterator<Item = &String> {
        let places = self.by_beginning.get_or_init(|| self.by_beginning());
        let places = places.get(&beginning(word)).into_iter().flatten();
        places.map(|place| &self.titles[*place])
    }

    fn by_beginning(&self) -> HashMap<[u8; 2], Vec<usize>> {
        let mut places: HashMap<[u8; 2], Vec<usize>> = HashMap::new();
        for (place, title) in self.titles.iter().enumerate() {
            if let Some(first) = words(title).first() {
                places.entry(beginning(first)).or_default().push(place);
            }
        }
        places
    }

    /// Whether a folder, tag or title has a word of a category.
    fn has(&self, category: &Category) -> bool {
        let names = self.folders.iter().chain(&self.tags).chain(&self.titles);
        let mut said = names.flat_map(|name| words(name));
        said.any(|word| category.words.iter().any(|other| same(&word.text, other)))
    }

    /// Whether a folder or a tag is called by one of these words.
    fn keeps<'w>(&self, mut called: impl Iterator<Item = &'w str>) -> bool {
        let names = self.folders.iter().chain(&self.tags);
        let names: BTreeSet<String> = names
            .flat_map(|name| name.split('/'))
            .map(crate::fold::folded)
            .collect();
        called.any(|word| names.iter().any(|name| same(name, word)))
    }
}

/// What a word and its plural have in common.
fn beginning(word: &Word) -> [u8; 2] {
    let mut bytes = word.text.bytes();
    [(); 2].map(|()| bytes.next().unwrap_or_default())
}
