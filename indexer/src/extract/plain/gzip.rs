//! Single documents that were compressed with gzip: `notes.md.gz`.
//!
//! Owns how much may come of one. What came out is read as what its name says that it is.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::super::sniff::Extension;
use super::super::{Extracted, Limits, MEBIBYTE, Rejection};
use super::{add_notice, read_inner};

/// Reads a document that is called so when it is unpacked.
pub(in super::super) fn extract(
    bytes: &[u8],
    extension: Extension,
    limits: &Limits,
) -> Result<Extracted, Rejection> {
    let mut decoder = MultiGzDecoder::new(bytes);
    let name = match extension.as_str() {
        "" => own_name(&decoder),
        extension => format!("document.{extension}"),
    };
    let mut unpacked = Vec::new();
    let most = limits.max_file_bytes;
    let read = decoder
        .by_ref()
        .take(most.saturating_add(1))
        .read_to_end(&mut unpacked);
    if unpacked.len() as u64 > most {
        let megabytes = most / MEBIBYTE;
        return Err(Rejection::skipped(format!(
            "larger than {megabytes} MB when unpacked"
        )));
    }
    let notice = match read {
        Ok(0) => return Err(Rejection::skipped("empty")),
        Ok(_) => None,
        Err(error) if unpacked.is_empty() => {
            return Err(Rejection::failed(format!("could not be unpacked: {error}")));
        }
        Err(error) => Some(format!("only a part of it could be unpacked: {error}")),
    };
    let mut document = read_inner(&name, &unpacked, true, limits)?;
    document.source_is_text = false;
    add_notice(&mut document, notice);
    Ok(document)
}

/// What the document was called when it was packed.
fn own_name(decoder: &MultiGzDecoder<&[u8]>) -> String {
    let name = decoder.header().and_then(|header| header.filename());
    let name = name.map(String::from_utf8_lossy).unwrap_or_default();
    name.rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, GzBuilder};

    use super::super::tests::{headings, limits, survives};
    use super::*;

    fn gzip(name: &str, bytes: &[u8]) -> Vec<u8> {
        let builder = GzBuilder::new().filename(name);
        let mut encoder = builder.write(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("written");
        encoder.finish().expect("packed")
    }

    fn read(extension: &str, bytes: &[u8]) -> Result<Extracted, Rejection> {
        extract(bytes, Extension::of(extension), &limits())
    }

    #[test]
    fn a_document_is_read_as_what_it_is_called() {
        let note = gzip("other.txt", b"# Pier\n\nText");
        let document = read("md", &note).expect("text");
        assert_eq!(headings(&document), ["1 Pier"]);
        assert_eq!(
            (&*document.extractor, document.source_is_text),
            ("markdown", false)
        );
        let document = read("", &note).expect("text");
        assert_eq!(&*document.extractor, "text");
    }

    #[test]
    fn what_nests_or_grows_is_not_read() {
        let inner = gzip("a.txt", b"text");
        let rejection = read("gz", &gzip("a.txt.gz", &inner)).expect_err("rejected");
        assert_eq!(rejection.to_string(), "an archive inside");
        let bomb = gzip("a.txt", &vec![b'x'; 1_000_000]);
        let small = Limits {
            max_file_bytes: 1000,
            ..limits()
        };
        let rejection = extract(&bomb, Extension::of("txt"), &small).expect_err("rejected");
        assert_eq!(rejection.to_string(), "larger than 0 MB when unpacked");
        assert_eq!(
            read("txt", &gzip("a", b"")),
            Err(Rejection::skipped("empty"))
        );
    }

    #[test]
    fn what_is_damaged_is_read_as_far_as_it_goes() {
        let words: String = (0..20_000).map(|number| format!("word{number} ")).collect();
        let whole = gzip("a.txt", words.as_bytes());
        let document = read("txt", &whole[..whole.len() / 2]).expect("text");
        assert!(document.text.starts_with("word0 word1"));
        assert!(
            document
                .notice
                .is_some_and(|notice| notice.starts_with("only a part"))
        );
        survives(
            |bytes, limits| extract(bytes, Extension::of("md"), limits),
            &gzip("a.md", b"# A\n\ntext"),
        );
    }
}
