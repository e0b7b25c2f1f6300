//! Files written by hand, in this process: what fonts mean, what damage costs.

use expect_test::{Expect, expect};

use super::{Frame, read};

const HELVETICA: &str = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>";

/// A file of a catalog, one page with these instructions and font, and what else is given. It has no
/// cross-reference table, so every test is one of damaged files too.
fn pdf(font: &str, content: &[u8], more: &str) -> Vec<u8> {
    let mut pdf = format!(
        "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R {more} >>\nendobj\n\
         2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n\
         3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R\n\
         /Resources << /Font << /F {font} >> /XObject << /X 7 0 R >>\n\
         /Properties << /L 8 0 R >> >> /Annots [6 0 R] >>\nendobj\n\
         4 0 obj\n<< /Length {} >>\nstream\n",
        content.len()
    )
    .into_bytes();
    pdf.extend_from_slice(content);
    pdf.extend_from_slice(b"\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n");
    pdf
}

fn with_object(mut pdf: Vec<u8>, number: u32, object: &str) -> Vec<u8> {
    pdf.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
    pdf
}

#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "expectations are written in place"
)]
fn check(pdf: &[u8], expected: Expect) {
    let mut said = Vec::new();
    read(pdf, 10_000, None, &mut |frame| {
        said.push(match frame {
            Frame::Opened { .. } => return Ok(()),
            Frame::Page(page) if page.complete => page.text,
            Frame::Page(page) => format!("{} (incomplete)", page.text),
            other => format!("{other:?}"),
        });
        Ok(())
    })
    .expect("collected");
    expected.assert_eq(&said.join("\n---\n"));
}

#[test]
fn a_file_without_its_table_is_searched_for_objects() {
    check(
        &pdf(HELVETICA, b"BT /F 12 Tf 50 700 Td (Found again) Tj ET", ""),
        expect!["Found again"],
    );
}

#[test]
fn a_file_without_catalog_is_searched_for_pages() {
    let whole = pdf(HELVETICA, b"BT /F 12 Tf 50 700 Td (Found again) Tj ET", "");
    let start = b"%PDF-1.4\n";
    let at = whole
        .windows(7)
        .position(|w| w == b"2 0 obj")
        .expect("there");
    let end = whole
        .windows(7)
        .position(|w| w == b"trailer")
        .expect("there");
    let torn = [start, &whole[at..end]].concat();
    check(
        &torn,
        expect![[r"
            Found again
            ---
            Found again (incomplete)"]],
    );
}

#[test]
fn no_pages_is_said() {
    check(
        b"%PDF-1.4\nnothing",
        expect![[r#"NotValid("its end is missing")"#]],
    );
}

#[test]
fn codes_of_old_east_asian_encodings() {
    let font = "<< /Type /Font /Subtype /Type0 /BaseFont /Ryumin-Light /Encoding /90ms-RKSJ-H\n\
        /DescendantFonts [<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Ryumin-Light\n\
        /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >> >>] >>";
    check(
        &pdf(
            font,
            b"BT /F 12 Tf 50 700 Td <93FA967B8CEA82CC95B68E9A> Tj ET",
            "",
        ),
        expect!["日本語の文字"],
    );
    let font = "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H\n\
        /DescendantFonts [<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light\n\
        /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> >>] >>";
    check(
        &pdf(
            font,
            b"BT /F 12 Tf 50 700 Td <6E2F53E37684706F5854> Tj ET",
            "",
        ),
        expect!["港口的灯塔"],
    );
}

#[test]
fn columns_that_run_downwards() {
    let font = "<< /Type /Font /Subtype /Type0 /BaseFont /Ryumin-Light /Encoding /UniJIS-UCS2-V\n\
        /DescendantFonts [<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Ryumin-Light\n\
        /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >> >>] >>";
    check(
        &pdf(
            font,
            b"BT /F 12 Tf 500 700 Td <65E5672C> Tj -20 0 Td <8A9E> Tj ET",
            "",
        ),
        expect![[r"
            日本
            語"]],
    );
}

#[test]
fn numbered_glyphs_of_a_font_that_is_missing() {
    let font = "<< /Type /Font /Subtype /Type0 /BaseFont /ArialMT /Encoding /Identity-H\n\
        /DescendantFonts [<< /Type /Font /Subtype /CIDFontType2 /BaseFont /ArialMT /W [3 90 500]\n\
        /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>] >>";
    check(
        &pdf(
            font,
            b"BT /F 12 Tf 50 700 Td <002B00440055004500520058> Tj <0055> Tj ET",
            "",
        ),
        expect!["Harbour"],
    );
}

#[test]
fn what_was_filled_into_a_form() {
    let page = pdf(HELVETICA, b"BT /F 12 Tf 50 700 Td (Name:) Tj ET", "");
    let field = "<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Agnes)\n\
        /Rect [100 695 200 710] >>";
    check(&with_object(page.clone(), 6, field), expect!["Name: Agnes"]);
    let hidden = field.replace("/FT", "/F 2 /FT");
    check(&with_object(page, 6, &hidden), expect!["Name:"]);
}

#[test]
fn values_stand_with_their_labels() {
    let page = pdf(
        HELVETICA,
        b"BT /F 12 Tf 50 700 Td (Port) Tj 0 -30 Td (I agree) Tj 0 -30 Td (Signed) Tj ET",
        "",
    );
    let list = "<< /Subtype /Widget /FT /Ch /Opt [[(1) (Bergen)] [(2) (Stavanger)]] /V (2)\n\
        /Rect [200 695 300 715] /TU (Port of call) >>";
    check(
        &with_object(page.clone(), 6, list),
        expect![[r"
            Port	Port of call: Stavanger
            I agree
            Signed"]],
    );
    let ticked =
        "<< /Subtype /Widget /FT /Btn /TU (I agree) /V /Yes /AS /Yes /Rect [30 668 42 680] >>";
    check(
        &with_object(page.clone(), 6, ticked),
        expect![[r"
            Port
            [x] I agree
            Signed"]],
    );
    let secret = "<< /Subtype /Widget /FT /Tx /Ff 8192 /V (hunter2) /Rect [200 695 300 715] >>";
    check(
        &with_object(page, 6, secret),
        expect![[r"
            Port
            I agree
            Signed"]],
    );
}

#[test]
fn comments_stand_after_what_they_are_about() {
    let page = pdf(
        HELVETICA,
        b"BT /F 12 Tf 50 700 Td (The fare is) Tj 0 -14 Td (12 crowns.) Tj 0 -60 Td (The end.) Tj ET",
        "",
    );
    let comment = |note: &str| {
        let note = format!("<< /Type /Annot {note} >>");
        with_object(page.clone(), 6, &note)
    };
    let after = || {
        expect![[r"
        The fare is
        12 crowns.

        Comment by Piet: ask Yolanda

        The end."]]
    };
    check(
        &comment("/Subtype /Highlight /Rect [50 696 120 712] /Contents (ask\\nYolanda) /T (Piet)"),
        after(),
    );
    check(
        &comment(
            "/Subtype /Text /Rect [500 680 520 700] /RC (<p>ask <b>Yolanda</b></p>) /T (Piet)",
        ),
        after(),
    );
    check(
        &comment("/Subtype /FreeText /Rect [50 660 300 680] /Contents (Gate code 4471)"),
        expect![[r"
            The fare is
            12 crowns.
            Gate code 4471

            The end."]],
    );
    for silent in [
        "/Subtype /Text /Rect [50 680 70 700] /F 2 /Contents (hidden)",
        "/Subtype /Popup /Rect [50 680 70 700] /Contents (repeated)",
        "/Subtype /Highlight /Rect [50 680 70 700]",
    ] {
        check(
            &comment(silent),
            expect![[r"
                The fare is
                12 crowns.

                The end."]],
        );
    }
}

#[test]
fn text_stands_for_what_is_drawn() {
    check(
        &pdf(
            HELVETICA,
            b"BT /F 12 Tf 50 700 Td (e) Tj /Span << /ActualText (ffi) >> BDC (*#) Tj EMC (cient) Tj ET",
            "",
        ),
        expect!["efficient"],
    );
}

#[test]
fn layers_that_are_not_shown() {
    let page = pdf(
        HELVETICA,
        b"BT /F 12 Tf 50 700 Td (Shown) Tj /OC /L BDC 0 -20 Td (not this) Tj EMC ET",
        "/OCProperties << /OCGs [8 0 R] /D << /OFF [8 0 R] >> >>",
    );
    check(
        &with_object(page, 8, "<< /Type /OCG /Name (Draft) >>"),
        expect!["Shown"],
    );
}

#[test]
fn a_form_that_draws_itself_ends() {
    let page = pdf(HELVETICA, b"BT /F 12 Tf 50 700 Td (Before) Tj ET /X Do", "");
    let form = "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 11\n\
        /Resources << /XObject << /X 7 0 R >> >> >>\nstream\n/X Do /X Do\nendstream";
    check(&with_object(page, 7, form), expect!["Before"]);
}

#[test]
fn what_lies_beside_the_page_is_not_on_it() {
    check(
        &pdf(
            HELVETICA,
            b"BT /F 12 Tf 50 700 Td (On it) Tj 0 400 Td (above) Tj 900 -400 Td (beside) Tj ET",
            "",
        ),
        expect!["On it"],
    );
}

#[test]
fn a_page_lying_on_its_side() {
    check(
        &pdf(
            HELVETICA,
            b"BT /F 12 Tf 0 1 -1 0 300 100 Tm (Lying on) Tj 0 -14 Td (its side) Tj ET",
            "",
        ),
        expect![[r"
            Lying on
            its side"]],
    );
}
