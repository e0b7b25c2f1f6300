//! Characters of RTF: code pages by number and by a font's character set, and those with names.
//!
//! Owns the tables. Called by `rtf`.

use encoding_rs::Encoding;

/// The encoding of a code page by its number.
pub(super) fn page(number: i32) -> Option<&'static Encoding> {
    let label = match number {
        874 => "windows-874".to_owned(),
        866 => "ibm866".to_owned(),
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        10_000 => "macintosh".to_owned(),
        20_866 => "koi8-r".to_owned(),
        65_001 => "utf-8".to_owned(),
        number => format!("windows-{number}"),
    };
    Encoding::for_label(label.as_bytes())
}

/// The encoding of a font's character set, where it is not the document's.
pub(super) fn charset_page(charset: i32) -> Option<&'static Encoding> {
    match charset {
        77 => Some(encoding_rs::MACINTOSH),
        128 => page(932),
        129 => page(949),
        134 => page(936),
        136 => page(950),
        161 => page(1253),
        162 => page(1254),
        163 => page(1258),
        177 => page(1255),
        178 => page(1256),
        186 => page(1257),
        204 => page(1251),
        222 => page(874),
        238 => page(1250),
        _ => None,
    }
}

/// Characters that have a control word of their own.
pub(super) fn named(word: &str) -> Option<&'static str> {
    Some(match word {
        "bullet" => "•",
        "emdash" => "—",
        "endash" => "–",
        "emspace" | "enspace" | "qmspace" => " ",
        "ldblquote" => "“",
        "rdblquote" => "”",
        "lquote" => "‘",
        "rquote" => "’",
        _ => return None,
    })
}
