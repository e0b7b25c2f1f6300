//! Words for documents: what the documents of a list are called in a question.

use serde::Serialize;

use super::asked::Asked;

/// A type of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FileType {
    Note,
    Markdown,
    Text,
    Pdf,
    Spreadsheet,
    Csv,
    Presentation,
    Word,
    Web,
    Mail,
    Image,
    Notebook,
    Book,
}

struct Type {
    kind: FileType,
    /// Its name for one and for many, in English and in Spanish.
    names: [&'static str; 4],
    extensions: &'static [&'static str],
    /// Words for many and for one.
    nouns: [&'static str; 2],
    /// Words that say it beside another word for documents.
    adjectives: &'static str,
}

const TYPES: [Type; 13] = [
    Type {
        kind: FileType::Note,
        names: ["note", "notes", "nota", "notas"],
        extensions: &[
            "md", "markdown", "mdown", "txt", "text", "org", "rst", "adoc",
        ],
        nouns: ["notes|notas|apuntes|notizen|notities", "note|nota|apunte"],
        adjectives: "",
    },
    Type {
        kind: FileType::Markdown,
        names: [
            "Markdown file",
            "Markdown files",
            "archivo Markdown",
            "archivos Markdown",
        ],
        extensions: &["md", "markdown", "mdown"],
        nouns: ["markdowns", ""],
        adjectives: "markdown|md",
    },
    Type {
        kind: FileType::Text,
        names: [
            "text file",
            "text files",
            "archivo de texto",
            "archivos de texto",
        ],
        extensions: &["txt", "text"],
        nouns: ["txts", "txt"],
        adjectives: "text|plain text|txt|texto|texto plano",
    },
    Type {
        kind: FileType::Pdf,
        names: ["PDF", "PDFs", "PDF", "PDF"],
        extensions: &["pdf"],
        nouns: ["pdfs", "pdf"],
        adjectives: "pdf|pdfs",
    },
    Type {
        kind: FileType::Spreadsheet,
        names: [
            "spreadsheet",
            "spreadsheets",
            "hoja de cálculo",
            "hojas de cálculo",
        ],
        extensions: &["xlsx", "xls", "xlsm", "xlsb", "ods", "fods", "csv", "tsv"],
        nouns: [
            "spreadsheets|hojas de calculo|excels|workbooks",
            "spreadsheet|hoja de calculo|excel|workbook",
        ],
        adjectives: "excel|spreadsheet",
    },
    Type {
        kind: FileType::Csv,
        names: ["CSV file", "CSV files", "archivo CSV", "archivos CSV"],
        extensions: &["csv", "tsv"],
        nouns: ["csvs", "csv"],
        adjectives: "csv",
    },
    Type {
        kind: FileType::Presentation,
        names: [
            "presentation",
            "presentations",
            "presentación",
            "presentaciones",
        ],
        extensions: &["pptx", "ppt", "odp", "fodp", "pptm"],
        nouns: [
            "presentations|slides|slide decks|powerpoints|presentaciones|diapositivas",
            "presentation|slide deck|powerpoint|presentacion",
        ],
        adjectives: "powerpoint",
    },
    Type {
        kind: FileType::Word,
        names: [
            "Word document",
            "Word documents",
            "documento de Word",
            "documentos de Word",
        ],
        extensions: &["docx", "doc", "docm", "odt", "rtf"],
        nouns: ["", ""],
        adjectives: "word|docx",
    },
    Type {
        kind: FileType::Web,
        names: ["web page", "web pages", "página web", "páginas web"],
        extensions: &["html", "htm", "xhtml", "mhtml", "mht"],
        nouns: [
            "web pages|webpages|paginas web",
            "web page|webpage|pagina web",
        ],
        adjectives: "html",
    },
    Type {
        kind: FileType::Mail,
        names: ["email", "emails", "correo", "correos"],
        extensions: &["eml", "mbox", "msg"],
        nouns: [
            "emails|e mails|mails|correos|correos electronicos",
            "email|e mail|mail|correo|correo electronico",
        ],
        adjectives: "email|mail",
    },
    Type {
        kind: FileType::Image,
        names: ["image", "images", "imagen", "imágenes"],
        extensions: &[
            "png", "jpg", "jpeg", "gif", "webp", "tif", "tiff", "bmp", "heic",
        ],
        nouns: [
            "images|photos|pictures|screenshots|imagenes|fotos|capturas",
            "image|photo|picture|screenshot|imagen|foto|captura",
        ],
        adjectives: "image",
    },
    Type {
        kind: FileType::Notebook,
        names: ["notebook", "notebooks", "cuaderno", "cuadernos"],
        extensions: &["ipynb"],
        nouns: ["notebooks|jupyter notebooks", "notebook|jupyter notebook"],
        adjectives: "jupyter",
    },
    Type {
        kind: FileType::Book,
        names: [
            "e-book",
            "e-books",
            "libro electrónico",
            "libros electrónicos",
        ],
        extensions: &["epub"],
        nouns: [
            "ebooks|e books|epubs|libros electronicos",
            "ebook|e book|epub|libro electronico",
        ],
        adjectives: "epub",
    },
];

impl Category {
    /// What one or many are called.
    pub(crate) fn name(&self, many: bool, spanish: bool) -> &'static str {
        self.names[usize::from(spanish) * 2 + usize::from(many)]
    }
}

impl FileType {
    fn row(self) -> &'static Type {
        let row = TYPES.iter().find(|row| row.kind == self);
        row.unwrap_or(&TYPES[0])
    }

    /// Whether a file with this extension (lower case) is of this type.
    pub(crate) fn has_extension(self, extension: &str) -> bool {
        self.row().extensions.contains(&extension)
    }

    /// What one or many are called.
    pub(crate) fn name(self, many: bool, spanish: bool) -> &'static str {
        self.row().names[usize::from(spanish) * 2 + usize::from(many)]
    }

    /// The type that a word beside another word for documents says, and its words.
    pub(super) fn adjective(asked: &Asked<'_>, at: usize) -> Option<(Self, usize)> {
        TYPES
            .iter()
            .find_map(|row| Some((row.kind, asked.any(at, row.adjectives)?)))
    }
}

/// Kinds of documents that are told by what they are called or where they lie: the names for one and for
/// many in English and in Spanish, and the words that stand for them.
const CATEGORIES: [([&str; 4], &str); 16] = [
    (
        ["recipe", "recipes", "receta", "recetas"],
        "recipe|recipes|receta|recetas",
    ),
    (
        ["invoice", "invoices", "factura", "facturas"],
        "invoice|invoices|factura|facturas|bill|bills",
    ),
    (
        ["receipt", "receipts", "recibo", "recibos"],
        "receipt|receipts|recibo|recibos|ticket|tickets",
    ),
    (
        ["contract", "contracts", "contrato", "contratos"],
        "contract|contracts|contrato|contratos|agreement|agreements",
    ),
    (
        ["letter", "letters", "carta", "cartas"],
        "letter|letters|carta|cartas",
    ),
    (
        ["report", "reports", "informe", "informes"],
        "report|reports|informe|informes",
    ),
    (
        ["meeting note", "meeting notes", "acta", "actas"],
        "meeting minutes|meeting notes|meetings|meeting|minutes|acta|actas|reunion|reuniones|\
                notas de reunion|notas de reuniones",
    ),
    (
        ["article", "articles", "artículo", "artículos"],
        "article|articles|articulo|articulos|paper|papers",
    ),
    (
        ["manual", "manuals", "manual", "manuales"],
        "manual|manuals|manuales|guide|guides|guia|guias",
    ),
    (
        ["project", "projects", "proyecto", "proyectos"],
        "project|projects|proyecto|proyectos",
    ),
    (
        ["book", "books", "libro", "libros"],
        "book|books|libro|libros",
    ),
    (
        ["trip", "trips", "viaje", "viajes"],
        "trip|trips|viaje|viajes",
    ),
    (
        ["daily note", "daily notes", "nota diaria", "notas diarias"],
        "daily notes|daily note|daily|journal entries|journal|diario|diarios|notas diarias|nota diaria",
    ),
    (
        ["quote", "quotes", "presupuesto", "presupuestos"],
        "quote|quotes|estimate|estimates|presupuesto|presupuestos",
    ),
    (
        ["payslip", "payslips", "nómina", "nóminas"],
        "payslip|payslips|nomina|nominas",
    ),
    (
        ["contact", "contacts", "contacto", "contactos"],
        "person|people|persona|personas|contact|contacts|contacto|contactos",
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
        .filter_map(|(names, words)| category(asked, at, *names, words));
    // "Daily notes" and "meeting notes" before "notes".
    categories.max_by_key(|noun| noun.length)
}

fn category(asked: &Asked<'_>, at: usize, names: [&'static str; 4], words: &str) -> Option<Noun> {
    let length = asked.any(at, words)?;
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
            words: words.split('|').map(str::to_owned).collect(),
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
