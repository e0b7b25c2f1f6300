//! `GET /api/documents/{id}/source`: a document's file, or a range of it, piece by piece.
//!
//! Whatever its size, a piece of it is in memory. It is never more than what the ledger says of it: what has grown
//! since is another document's business, which the watcher will see to.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
use vade_indexer::{Document, DocumentId, open_inside};

use super::Shared;
use crate::error::ApiError;

/// What is read at a time (bytes).
const PIECE: u64 = 256 << 10;

/// How PDF files begin.
const PDF: &[u8] = b"%PDF-";

pub(crate) async fn source(
    State(services): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let gone = || ApiError::not_found("there is no such document");
    let index = services.retriever.index();
    let document = index.ledger().document(&DocumentId(id))?.ok_or_else(gone)?;
    if index.is_forgotten(&document)? {
        return Err(gone());
    }
    let opened = tokio::task::spawn_blocking(move || Source::open(&document)).await;
    let source = opened.ok().flatten();
    let source = source.ok_or_else(|| ApiError::not_found("its file cannot be read any more"))?;
    let asked = headers
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok());
    match asked.map_or(Asked::Whole, |range| parse_range(range, source.length)) {
        Asked::Whole => {
            let whole = 0..source.length;
            source.answer(StatusCode::OK, whole).await
        }
        Asked::Part(range) => {
            let content = format!("bytes {}-{}/{}", range.start, range.end - 1, source.length);
            let mut response = source.answer(StatusCode::PARTIAL_CONTENT, range).await?;
            if let Ok(content) = content.parse() {
                response
                    .headers_mut()
                    .insert(header::CONTENT_RANGE, content);
            }
            Ok(response)
        }
        Asked::Beyond => {
            let content = [(header::CONTENT_RANGE, format!("bytes */{}", source.length))];
            Ok((StatusCode::RANGE_NOT_SATISFIABLE, content).into_response())
        }
    }
}

/// A file that is given out.
struct Source {
    file: File,
    length: u64,
    is_pdf: bool,
}

impl Source {
    /// The document's file, unless the way to it leads out of its folder by now.
    fn open(document: &Document) -> Option<Self> {
        let mut file = open_inside(&document.folder, &document.path).ok()?;
        let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let mut begin = Vec::with_capacity(PDF.len());
        (&mut file)
            .take(PDF.len() as u64)
            .read_to_end(&mut begin)
            .ok()?;
        Some(Self {
            file,
            length: metadata.len().min(document.size),
            is_pdf: begin == PDF,
        })
    }

    async fn answer(self, status: StatusCode, range: Range<u64>) -> Result<Response, ApiError> {
        // Nothing a document contains may run as a page of this server: a PDF goes to the browser's
        // viewer, everything else is shown as text.
        let (kind, policy) = if self.is_pdf {
            ("application/pdf", "frame-ancestors 'none'")
        } else {
            ("text/plain; charset=utf-8", "default-src 'none'; sandbox")
        };
        let length = range.end - range.start;
        let mut pieces = Box::pin(pieces(self.file, range).peekable());
        // A file that was cut short by now is told of; later it can only break the answer off.
        if let Some(Err(_)) = pieces.as_mut().peek().await {
            return Err(ApiError::not_found("its file changed just now: ask again"));
        }
        let headers = [
            (header::CONTENT_TYPE, kind.to_owned()),
            (header::CONTENT_SECURITY_POLICY, policy.to_owned()),
            (header::CONTENT_DISPOSITION, "inline".to_owned()),
            (header::ACCEPT_RANGES, "bytes".to_owned()),
            (header::CONTENT_LENGTH, length.to_string()),
        ];
        Ok((status, headers, Body::from_stream(pieces)).into_response())
    }
}

/// The bytes of `range`, as they are wanted.
fn pieces(file: File, range: Range<u64>) -> impl Stream<Item = std::io::Result<Bytes>> {
    stream::try_unfold((file, range), |(file, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let read = tokio::task::spawn_blocking(move || piece(file, range)).await;
        read.map_err(std::io::Error::other)?.map(Some)
    })
}

/// The next piece, and what is left.
fn piece(mut file: File, range: Range<u64>) -> std::io::Result<(Bytes, (File, Range<u64>))> {
    let length = PIECE.min(range.end - range.start);
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(range.start))?;
    (&mut file).take(length).read_to_end(&mut bytes)?;
    // A file that was cut short breaks the answer off: its length was promised.
    if bytes.len() as u64 != length {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok((bytes.into(), (file, range.start + length..range.end)))
}

/// Which part of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Whole,
    Part(Range<u64>),
    /// One that begins behind its end.
    Beyond,
}

/// Reads a `Range` header for a file of this length (RFC 9110, 14.2); what is not understood, or names several
/// ranges, asks for the whole.
fn parse_range(header: &str, length: u64) -> Asked {
    let parts = header
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'));
    let Some((first, last)) = parts.map(|(first, last)| (first.trim(), last.trim())) else {
        return Asked::Whole;
    };
    let (start, end) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.saturating_add(1).min(length)),
        (Ok(first), Err(_)) if last.is_empty() => (first, length),
        (Err(_), Ok(last)) if first.is_empty() => (length.saturating_sub(last), length),
        _ => return Asked::Whole,
    };
    if start < end {
        Asked::Part(start..end)
    } else {
        Asked::Beyond
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_the_standard() {
        for (header, expected) in [
            ("bytes=0-4", Asked::Part(0..5)),
            ("bytes=5-", Asked::Part(5..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-30", Asked::Part(0..10)),
            ("bytes=8-99", Asked::Part(8..10)),
            ("bytes=10-", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=4-2", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("bytes=-", Asked::Whole),
            (
                "bytes=18446744073709551615-18446744073709551615",
                Asked::Beyond,
            ),
            ("lines=1-2", Asked::Whole),
        ] {
            assert_eq!(parse_range(header, 10), expected, "{header}");
        }
        assert_eq!(parse_range("bytes=0-0", 0), Asked::Beyond);
    }
}
