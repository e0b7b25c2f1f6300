//! What glyphs become: words, lines, rows and paragraphs.

use super::{PageLayout, Place};
use expect_test::{Expect, expect};

/// Draws words at (x, y, size); a letter is half a font size wide.
#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "expectations are written in place"
)]
fn check(words: &[(f64, f64, f64, &str)], expected: Expect) {
    let mut page = PageLayout::new(usize::MAX);
    for (x, y, size, word) in words {
        for (index, letter) in word.char_indices() {
            let along = x + size * 0.5 * f64::from(u32::try_from(index).expect("short"));
            let place = Place {
                direction: (1.0, 0.0),
                along,
                across: *y,
                size: *size,
            };
            page.add(place, size * 0.5, letter.encode_utf8(&mut [0; 4]));
        }
    }
    expected.assert_eq(&page.text());
}

#[test]
fn gaps_make_words_and_drops_make_lines() {
    check(
        &[
            (0.0, 700.0, 10.0, "one"),
            (17.5, 700.0, 10.0, "two"),
            (32.6, 700.0, 10.0, "kerned"),
            (0.0, 688.0, 10.0, "next"),
            (21.0, 692.0, 6.0, "2"),
        ],
        expect![[r"
            one twokerned
            next 2"]],
    );
}

#[test]
fn space_size_and_indent_make_paragraphs() {
    check(
        &[
            (0.0, 700.0, 20.0, "Title"),
            (0.0, 670.0, 10.0, "first"),
            (0.0, 658.0, 10.0, "ends."),
            (15.0, 646.0, 10.0, "Indented"),
            (0.0, 634.0, 10.0, "goes on"),
            (15.0, 622.0, 10.0, "as a formula"),
            (0.0, 600.0, 10.0, "Apart"),
        ],
        expect![[r"
            Title

            first
            ends.

            Indented
            goes on
            as a formula

            Apart"]],
    );
}

#[test]
fn the_next_column_goes_on_with_the_sentence() {
    check(
        &[
            (0.0, 112.0, 10.0, "left"),
            (0.0, 100.0, 10.0, "column"),
            (300.0, 112.0, 10.0, "right"),
            (300.0, 100.0, 10.0, "ends."),
            (0.0, 112.0, 10.0, "third"),
        ],
        expect![[r"
            left
            column
            right
            ends.

            third"]],
    );
}

#[test]
fn columns_are_set_apart_by_tabs() {
    check(
        &[
            (0.0, 700.0, 10.0, "Total"),
            (50.0, 700.0, 10.0, "9"),
            (70.0, 700.0, 10.0, "8"),
        ],
        expect!["Total\t9 8"],
    );
}

/// Draws columns of words, each from the top down.
fn columns(columns: &[(f64, &[&'static str])], leading: f64) -> Vec<(f64, f64, f64, &'static str)> {
    let of = |(x, words): &(f64, &[&'static str])| {
        let x = *x;
        let rows = (0..).zip(words.iter().copied()).collect::<Vec<(i32, _)>>();
        let place = move |(row, word): (i32, &'static str)| {
            (x, 700.0 - leading * f64::from(row), 10.0, word)
        };
        rows.into_iter().map(place)
    };
    columns.iter().flat_map(of).collect()
}

#[test]
fn a_table_drawn_column_by_column_is_read_row_by_row() {
    let table = [
        (0.0, &["Article", "Rope", "Lamp", "Anchor"][..]),
        (100.0, &["Shelf", "S1", "S2", "S3"][..]),
        (200.0, &["Price", "5.50", "12.50", ""][..]),
    ];
    let rows = expect![[r"
        Stock

        Article	Shelf	Price
        Rope	S1	5.50
        Lamp	S2	12.50
        Anchor	S3

        The end of it"]];
    let mut words = vec![(0.0, 760.0, 10.0, "Stock")];
    words.extend(columns(&table, 14.0));
    words.push((0.0, 600.0, 10.0, "The end of it"));
    check(&words, rows);
    // So is one whose rows stand apart.
    check(
        &columns(&table[1..], 30.0),
        expect![[r"
            Shelf	Price
            S1	5.50
            S2	12.50

            S3"]],
    );
}

#[test]
fn values_drawn_after_their_labels_stand_beside_them() {
    let form = [
        (0.0, &["Number", "Date", "Customer"][..]),
        (
            150.0,
            &["R-2231", "4 May 2026", "Farm Lund and sons, Aarhus"][..],
        ),
    ];
    check(
        &columns(&form, 16.0),
        expect![[r"
            Number	R-2231
            Date	4 May 2026
            Customer	Farm Lund and sons, Aarhus"]],
    );
    let two = [
        (0.0, &["Date:", "Total:"][..]),
        (150.0, &["4 May", "812"][..]),
    ];
    check(&columns(&two, 16.0), expect!["Date:\t4 May\nTotal:\t812"]);
}

#[test]
fn texts_in_columns_are_no_table() {
    let prose = [
        (
            0.0,
            &[
                "the left column has lines",
                "that go on and on until the",
                "end is reached",
            ][..],
        ),
        (
            200.0,
            &[
                "and so the right one has",
                "lines that say something else",
                "altogether",
            ][..],
        ),
    ];
    let verses = [
        (
            0.0,
            &[
                "O moon above the mill",
                "how still you stand",
                "and never say a word",
            ][..],
        ),
        (
            200.0,
            &[
                "The river does not ask",
                "where it will end",
                "and yet it comes to sea",
            ][..],
        ),
    ];
    for text in [prose, verses] {
        let mut page = PageLayout::new(usize::MAX);
        for (x, y, size, word) in columns(&text, 14.0) {
            page.add(
                Place {
                    direction: (1.0, 0.0),
                    along: x,
                    across: y,
                    size,
                },
                100.0,
                word,
            );
        }
        assert!(!page.text().contains('\t'), "{}", page.text());
    }
}

#[test]
fn cells_of_several_lines_drawn_one_after_the_other_are_whole() {
    check(
        &[
            (0.0, 700.0, 10.0, "Work"),
            (200.0, 700.0, 10.0, "Terms"),
            (0.0, 680.0, 10.0, "Sweeping and in-"),
            (0.0, 668.0, 10.0, "spection"),
            (200.0, 680.0, 10.0, "once a year,"),
            (200.0, 668.0, 10.0, "before"),
            (200.0, 656.0, 10.0, "October"),
            (0.0, 620.0, 10.0, "Repair"),
            (200.0, 632.0, 10.0, "on"),
            (200.0, 620.0, 10.0, "demand"),
            (0.0, 570.0, 10.0, "Apart"),
        ],
        expect![[r"
            Work	Terms
            Sweeping and inspection	once a year, before October
            Repair	on demand

            Apart"]],
    );
}

#[test]
fn narrow_columns_are_told_by_the_rows_around_them() {
    let mut words = Vec::new();
    let rows = [
        ("Item", "Qty", "Price"),
        ("Nails", "40", "3.20"),
        ("Planks", "12", "88.00"),
        ("Glue", "2", "9.90"),
    ];
    for (row, (item, quantity, price)) in (0..).zip(rows) {
        let y = 700.0 - 14.0 * f64::from(row);
        words.extend([
            (0.0, y, 10.0, item),
            (40.0, y, 10.0, quantity),
            (67.0, y, 10.0, price),
        ]);
    }
    words.extend([(40.0, 630.0, 10.0, "by debit"), (0.0, 630.0, 10.0, "Pay")]);
    check(
        &words,
        expect![[r"
            Item	Qty	Price
            Nails	40	3.20
            Planks	12	88.00
            Glue	2	9.90
            Pay	by debit"]],
    );
}

#[test]
fn a_wrapped_cell_is_one() {
    check(
        &[
            (0.0, 700.0, 10.0, "Work"),
            (200.0, 700.0, 10.0, "Hours"),
            (0.0, 680.0, 10.0, "Planing of boards"),
            (200.0, 680.0, 10.0, "3"),
            (0.0, 668.0, 10.0, "for the stairs"),
            (0.0, 648.0, 10.0, "Varnish"),
            (200.0, 648.0, 10.0, "2"),
        ],
        expect![[r"
            Work	Hours
            Planing of boards for the stairs	3
            Varnish	2"]],
    );
}

#[test]
fn columns_drawn_row_by_row_are_read_one_after_the_other() {
    let left = "the left column has lines like";
    let right = "and so the right one has lines";
    let mut words = vec![(
        0.0,
        760.0,
        10.0,
        "A title over both of the columns of this page",
    )];
    for row in 0..6 {
        let y = 700.0 - 12.0 * f64::from(row);
        words.extend([(0.0, y, 10.0, left), (200.0, y, 10.0, right)]);
    }
    check(
        &words,
        expect![[r"
            A title over both of the columns of this page

            the left column has lines like
            the left column has lines like
            the left column has lines like
            the left column has lines like
            the left column has lines like
            the left column has lines like
            and so the right one has lines
            and so the right one has lines
            and so the right one has lines
            and so the right one has lines
            and so the right one has lines
            and so the right one has lines"]],
    );
}

#[test]
fn lines_drawn_from_the_bottom_up_are_turned_round() {
    let lines = [
        "eight", "seven", "six", "five", "four", "three", "two", "one",
    ];
    let words: Vec<(f64, f64, f64, &str)> = (0..8)
        .zip(lines)
        .map(|(row, line)| (0.0, 100.0 + 24.0 * f64::from(row), 10.0, line))
        .collect();
    check(
        &words,
        expect![[r"
            one
            two
            three
            four
            five
            six
            seven
            eight"]],
    );
}

#[test]
fn accents_join_their_letters() {
    check(
        &[
            (0.0, 700.0, 10.0, "preparaci"),
            (45.2, 700.5, 10.0, "´"),
            (45.0, 700.0, 10.0, "o"),
            (50.0, 700.0, 10.0, "n,"),
            (64.0, 700.0, 10.0, "ı"),
            (63.8, 700.0, 10.0, "´"),
            (74.0, 700.0, 10.0, "´o"),
        ],
        expect!["preparación, í ´ o"],
    );
}

#[test]
fn wide_set_characters_make_no_words() {
    check(
        &[
            (0.0, 700.0, 10.0, "日"),
            (9.0, 700.0, 10.0, "本"),
            (18.0, 700.0, 10.0, "a"),
        ],
        expect!["日本 a"],
    );
}

#[test]
fn letters_drawn_from_right_to_left() {
    check(
        &[
            (100.0, 700.0, 10.0, "ש"),
            (95.0, 700.0, 10.0, "ל"),
            (90.0, 700.0, 10.0, "ם"),
        ],
        expect!["םלש"],
    );
}

#[test]
fn shadows_are_drawn_once() {
    check(
        &[(0.0, 700.0, 30.0, "Welcome"), (1.0, 699.0, 30.0, "Welcome")],
        expect!["Welcome"],
    );
}
