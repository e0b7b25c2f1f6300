//! Words for documents: what the documents of a list are called in a question.

use serde::Serialize;

use super::About;
use super::asked::Asked;
use super::file_type::{FileType, TYPES};

impl Category {
    /// The kind that this word says, where a question does not.
    pub(super) fn named(word: &str) -> Option<Self> {
        let asked = Asked::new(word);
        categorised(&asked, 0)?.category
    }

    /// With the words of its own language alone, where the library keeps some by these: who has invoices
    /// and "facturas" and asks for one of them means those.
    pub(super) fn kept_by(mut self, about: &About) -> Self {
        if about.keeps(self.own_words.iter().map(String::as_str)) {
            self.words.clone_from(&self.own_words);
        }
        self
    }

    /// Its documents are about sums of money.
    pub(super) fn is_of_money(&self) -> bool {
        matches!(self.names[0], "invoice" | "receipt" | "quote" | "payslip")
    }

    /// What one or many are called.
    pub(crate) fn name(&self, many: bool, spanish: bool) -> &'static str {
        self.names[usize::from(spanish) * 2 + usize::from(many)]
    }
}

/// Kinds of documents that are told by what they are called or where they lie: the names for one and for
/// many in English and in Spanish, and the words that stand for them in each.
const CATEGORIES: [([&str; 4], [&str; 2]); 19] = [
    (
        ["recipe", "recipes", "receta", "recetas"],
        ["recipe|recipes", "receta|recetas"],
    ),
    (
        ["invoice", "invoices", "factura", "facturas"],
        ["invoice|invoices|bill|bills", "factura|facturas"],
    ),
    (
        ["receipt", "receipts", "recibo", "recibos"],
        ["receipt|receipts", "recibo|recibos|ticket|tickets"],
    ),
    (
        ["contract", "contracts", "contrato", "contratos"],
        [
            "contract|contracts|agreement|agreements",
            "contrato|contratos",
        ],
    ),
    (
        ["letter", "letters", "carta", "cartas"],
        ["letter|letters", "carta|cartas"],
    ),
    (
        ["report", "reports", "informe", "informes"],
        ["report|reports", "informe|informes"],
    ),
    (
        ["meeting note", "meeting notes", "acta", "actas"],
        [
            "meeting minutes|meeting notes|meetings|meeting|minutes",
            "acta|actas|reunion|reuniones|notas de reunion|notas de reuniones",
        ],
    ),
    (
        ["article", "articles", "artículo", "artículos"],
        ["article|articles|paper|papers", "articulo|articulos"],
    ),
    (
        ["manual", "manuals", "manual", "manuales"],
        ["manual|manuals|guide|guides", "manual|manuales|guia|guias"],
    ),
    (
        ["project", "projects", "proyecto", "proyectos"],
        ["project|projects", "proyecto|proyectos"],
    ),
    (
        ["book", "books", "libro", "libros"],
        ["book|books", "libro|libros"],
    ),
    (
        ["trip", "trips", "viaje", "viajes"],
        ["trip|trips", "viaje|viajes"],
    ),
    (
        ["daily note", "daily notes", "nota diaria", "notas diarias"],
        [
            "daily notes|daily note|daily|journal entries|journal",
            "diario|diarios|notas diarias|nota diaria",
        ],
    ),
    (
        ["quote", "quotes", "presupuesto", "presupuestos"],
        [
            "quote|quotes|estimate|estimates",
            "presupuesto|presupuestos",
        ],
    ),
    (
        ["payslip", "payslips", "nómina", "nóminas"],
        ["payslip|payslips", "nomina|nominas"],
    ),
    (
        ["contact", "contacts", "contacto", "contactos"],
        [
            "person|people|persons|contact|contacts",
            "persona|personas|contacto|contactos",
        ],
    ),
    (
        ["place", "places", "lugar", "lugares"],
        ["place|places", "lugar|lugares|sitio|sitios"],
    ),
    (
        ["film", "films", "película", "películas"],
        ["film|films|movie|movies", "pelicula|peliculas"],
    ),
    (
        ["task", "tasks", "tarea", "tareas"],
        ["task|tasks", "tarea|tareas"],
    ),
];

/// A kind of document by what it is called: any of the words in its folder, tags, file name or title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Category {
    /// As the question says it.
    pub name: String,
    /// What one and many are called, in English and in Spanish.
    pub names: [&'static str; 4],
    /// Folded words that stand for it.
    #[serde(skip)]
    pub words: Vec<String>,
    /// Those of the language in which it is said.
    #[serde(skip)]
    pub own_words: Vec<String>,
}

/// A word for documents in a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Noun {
    pub length: usize,
    pub is_plural: bool,
    pub file_type: Option<FileType>,
    pub category: Option<Category>,
}

const GENERIC: [&str; 2] = [
    "documents|dokumente|documenti|documenten|fichiers|dateien|docs|files|everything|anything|\
                todo lo|todo|documentos|archivos|ficheros|docus",
    "document|doc|file|documento|archivo|fichero",
];

/// The word for documents that stands here, with the type before it: "PDF invoices".
pub(super) fn noun(asked: &Asked<'_>, at: usize) -> Option<Noun> {
    if let Some((file_type, length)) = FileType::adjective(asked, at)
        && let Some(head) = categorised(asked, at + length)
    {
        return Some(Noun {
            length: length + head.length,
            file_type: Some(file_type),
            ..head
        });
    }
    categorised(asked, at)
        .or_else(|| of_type(asked, at))
        .or_else(|| generic(asked, at))
}

fn categorised(asked: &Asked<'_>, at: usize) -> Option<Noun> {
    let categories = CATEGORIES
        .iter()
        .filter_map(|(names, words)| category(asked, at, *names, *words));
    // "Daily notes" and "meeting notes" before "notes".
    categories.max_by_key(|noun| noun.length)
}

fn category(
    asked: &Asked<'_>,
    at: usize,
    names: [&'static str; 4],
    words: [&str; 2],
) -> Option<Noun> {
    let (own, length) = words
        .iter()
        .filter_map(|words| Some((words, asked.any(at, words)?)))
        .max_by_key(|(_, length)| *length)?;
    let list = |words: &str| words.split('|').map(str::to_owned).collect::<Vec<String>>();
    // "How many minutes" asks for time.
    if asked.word(at) == "minutes" {
        return None;
    }
    let last = asked.word(at + length - 1);
    let is_plural = last.ends_with('s') || last == "people";
    Some(Noun {
        length,
        is_plural,
        file_type: None,
        category: Some(Category {
            name: asked.span(at..at + length).to_owned(),
            names,
            words: words.iter().flat_map(|words| list(words)).collect(),
            own_words: list(own),
        }),
    })
}

fn of_type(asked: &Asked<'_>, at: usize) -> Option<Noun> {
    let found = TYPES.iter().find_map(|row| {
        let many = asked.any(at, row.nouns[0]).map(|length| (length, true));
        let one = asked.any(at, row.nouns[1]).map(|length| (length, false));
        many.or(one).map(|found| (row.kind, found))
    });
    let (kind, (length, is_plural)) = found?;
    // "PDF files": the head is the next word. "PDF" alone is one or many.
    let head = generic(asked, at + length);
    let said_of_many = matches!(asked.word(at), "pdf" | "csv" | "epub" | "txt");
    Some(Noun {
        length: length + head.as_ref().map_or(0, |head| head.length),
        is_plural: head.map_or(is_plural || said_of_many, |head| head.is_plural),
        file_type: Some(kind),
        category: None,
    })
}

fn generic(asked: &Asked<'_>, at: usize) -> Option<Noun> {
    let many = asked.any(at, GENERIC[0]).map(|length| (length, true));
    let one = asked.any(at, GENERIC[1]).map(|length| (length, false));
    let (length, is_plural) = many.or(one)?;
    Some(Noun {
        length,
        is_plural,
        file_type: None,
        category: None,
    })
}
