//! Types of files, by their extensions and the words for them.

use serde::Serialize;

use super::asked::Asked;
use crate::fold::folded;

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

pub(super) struct Type {
    pub kind: FileType,
    /// Its name for one and for many, in English and in Spanish.
    names: [&'static str; 4],
    extensions: &'static [&'static str],
    /// Words for many and for one.
    pub nouns: [&'static str; 2],
    /// Words that say it beside another word for documents.
    adjectives: &'static str,
}

pub(super) const TYPES: [Type; 13] = [
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

impl FileType {
    fn row(self) -> &'static Type {
        let row = TYPES.iter().find(|row| row.kind == self);
        row.unwrap_or(&TYPES[0])
    }

    /// Whether a file with this extension (lower case) is of this type.
    pub(crate) fn has_extension(self, extension: &str) -> bool {
        self.row().extensions.contains(&extension)
    }

    /// The type that these folded words are called by, whole.
    pub(crate) fn named(words: &str) -> Option<Self> {
        let is_it = |row: &&Type| {
            let lists = row.nouns.into_iter().chain([row.adjectives]);
            let mut said = lists.flat_map(|list| list.split('|'));
            let is_noun = !words.is_empty() && said.any(|name| name == words);
            is_noun || row.names.iter().any(|name| folded(name) == words)
        };
        TYPES.iter().find(is_it).map(|row| row.kind)
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
