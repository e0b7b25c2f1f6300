//! What formats show of numbers, as spreadsheets do.

use super::*;

#[track_caller]
fn check(code: &str, value: f64, expected: &str) {
    let (text, _) = NumberFormat::read(code).show(value, Epoch::Year1900);
    assert_eq!(text, expected, "{code} {value}");
}

/// 2026-04-03, a Friday.
const DAY: f64 = 46_115.0;

#[test]
fn currencies_and_units_stand_where_the_code_says() {
    check("[$$-409]#,##0.00", 1199.0, "$1,199.00");
    check("#,##0.00 \"€\"", 89.9, "89.90 €");
    check("#,##0.00\\ [$€-407]", 1_234_567.5, "1,234,567.50 €");
    check("[$€-2] #,##0.00", 5.0, "€ 5.00");
    check("0 \"kg\"", 70.4, "70 kg");
    check("0.0\" °C\"", -3.25, "-3.3 °C");
    check("\"Nr. \"000", 7.0, "Nr. 007");
    check(
        "_-* #,##0.00\\ \"€\"_-;\\-* #,##0.00\\ \"€\"_-;_-* \"-\"??\\ \"€\"_-;_-@_-",
        1199.0,
        "1,199.00 €",
    );
    check(
        "_-* #,##0.00\\ \"€\"_-;\\-* #,##0.00\\ \"€\"_-;_-* \"-\"??\\ \"€\"_-;_-@_-",
        -1199.0,
        "-1,199.00 €",
    );
    check("General", 0.1 + 0.2, "0.3");
    check("General \"units\"", 3.0, "3 units");
    check("@", 7.0, "7");
}

#[test]
fn sections_are_for_signs_or_conditions() {
    let code = "0.0;[Red](0.0);\"none\"";
    check(code, 1.0, "1.0");
    check(code, -1.0, "-1.0");
    check(code, 0.0, "none");
    check("#,##0.00;[Red]#,##0.00", -5.0, "-5.00");
    check("#,##0.00;[Red]-#,##0.00", -5.0, "-5.00");
    check("0;\"minus \"0", -5.0, "minus 5");
    check("0.00", -0.001, "0.00");
    check("0", -7.0, "-7");
    check("\"yes\";\"no\"", -7.0, "no");
    check("\"yes\";\"no\";\"never\"", 0.0, "never");
    check("0;;", -7.0, "");
    check(";;;", 7.0, "");
    check("[<1000]0;[<1000000]0.0,\" k\";0.0,,\" M\"", 12.0, "12");
    check(
        "[<1000]0;[<1000000]0.0,\" k\";0.0,,\" M\"",
        12_345.0,
        "12.3 k",
    );
    check(
        "[<1000]0;[<1000000]0.0,\" k\";0.0,,\" M\"",
        12_345_678.0,
        "12.3 M",
    );
    check("[=1]\"on\";[=0]\"off\"", 1.0, "on");
    check("[=1]\"on\";[=0]\"off\"", 5.0, "5");
    check("[>5]0", -3.0, "-3");
}

#[test]
fn days_that_can_be_two_stand_with_the_one_they_are() {
    check("dd/mm/yyyy", DAY, "03/04/2026 (2026-04-03)");
    check("m/d/yy", DAY, "4/3/26 (2026-04-03)");
    check(
        "d. mmm yyyy hh:mm",
        DAY + 0.5,
        "3. Apr 2026 12:00 (2026-04-03)",
    );
    check(
        "dddd, mmmm d, yyyy",
        DAY,
        "Friday, April 3, 2026 (2026-04-03)",
    );
    check("mmm yyyy", DAY, "Apr 2026 (2026-04)");
    check("yyyy", DAY, "2026");
    check("yyyy-mm-dd", DAY, "2026-04-03");
    check("yyyy/mm/dd h:mm", DAY + 0.25, "2026/04/03 6:00");
    check("yyyy\\-mm\\-dd;@", DAY, "2026-04-03");
    check("ddd", DAY, "Fri (2026-04-03)");
    check("mmmmm", DAY, "A (2026-04)");
}

#[test]
fn what_the_system_or_another_language_says_is_not_guessed() {
    check("[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", DAY, "2026-04-03");
    check("[$-407]d. mmmm yyyy", DAY, "2026-04-03");
    check("[$-407]d. mmmm yyyy hh:mm", DAY + 0.5, "2026-04-03 12:00");
    check("[$-407]dd.mm.yyyy", DAY, "03.04.2026 (2026-04-03)");
    check("[$-809]d mmmm yyyy", DAY, "3 April 2026 (2026-04-03)");
    check("ggge\"年\"", DAY, "46115");
    check("# ?/?", 0.5, "1/2");
    check(
        "_($* #,##0.00_);_($* (#,##0.00);_($* \"-\"??_);_(@_)",
        -1234.5,
        "-$1,234.50",
    );
}

#[test]
fn times_count_on_or_start_again() {
    check("[h]:mm", 27.5 / 24.0, "27:30");
    check("h:mm", 27.5 / 24.0, "3:30");
    check("[mm]:ss", 1.0 / 24.0, "60:00");
    check("[h]:mm", -1.5 / 24.0, "-1:30");
    check("h:mm AM/PM", 14.5 / 24.0, "2:30 PM");
    check("h:mm AM/PM", 0.0, "12:00 AM");
    check("hh:mm:ss.00", 0.5 + 1.239 / 86_400.0, "12:00:01.24");
    check("hh:mm:ss", 0.999_999_9, "00:00:00");
    check("[s]", 1.0, "86400");
    check("hh:mm", -0.5, "-0.5");
    check("yyyy-mm-dd", 1e12, "1000000000000");
}

#[test]
fn built_in_formats_are_known() {
    let show = |id, value| NumberFormat::built_in(id).show(value, Epoch::Year1900).0;
    assert_eq!(show(0, 1.5), "1.5");
    assert_eq!(show(4, 1234.5), "1,234.50");
    assert_eq!(show(9, 0.25), "25%");
    assert_eq!(show(14, DAY), "2026-04-03");
    assert_eq!(show(20, 0.5), "12:00");
    assert_eq!(show(22, DAY + 0.5), "2026-04-03 12:00");
    assert_eq!(show(46, 1.5), "36:00:00");
    assert_eq!(show(163, 7.0), "7");
    assert_eq!(show(49, 7.0), "7");
}

#[test]
fn texts_are_shown_with_what_is_around_them() {
    let show = |code: &str| NumberFormat::read(code).show_text("Ana".to_owned());
    assert_eq!(show("General"), "Ana");
    assert_eq!(show("@"), "Ana");
    assert_eq!(show("0;-0;0;\"Dear \"@"), "Dear Ana");
    assert_eq!(show("_-@_-"), "Ana");
    assert_eq!(show(";;;"), "Ana");
}

#[test]
fn long_numbers_keep_their_digits() {
    for (code, all) in [
        ("General", true),
        ("0", true),
        ("00000", true),
        ("@", true),
        ("0.00", false),
        ("0;-0", false),
    ] {
        assert_eq!(NumberFormat::read(code).shows_all_digits(), all, "{code}");
    }
    check("0", 12_345_678_901_234_567.0, "12345678901234600");
    check("0", 4_006_381_333_931.0, "4006381333931");
}

#[test]
fn no_code_and_no_number_does_harm() {
    let codes = [
        "",
        ";",
        ";;",
        "[",
        "]",
        "[]",
        "[$",
        "[$-]",
        "\"",
        "\\",
        "_",
        "*",
        "E+",
        "0E+",
        "E+0",
        ".",
        ",",
        "%",
        "0.0.0",
        "[h",
        "[h]",
        "[hh]:[mm]",
        "AM/PM",
        "a/p",
        "yyyyyyyyyyyyyyyy",
        "sssssss.0000000000",
        "0,,,,,,,,,,,,,",
        "?/?",
        "/",
        "@@@",
        "General General",
        "0%%%%%%%%%%%%",
        "#E-#",
        "é[é]é",
        "[<]0",
        "[<1e999]0",
        "[>é]0",
        "dd/mm",
    ];
    let values = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        1e15,
        -1e15,
        1e300,
        -1e300,
        f64::MIN_POSITIVE,
        f64::MAX,
        f64::MIN,
        f64::NAN,
        f64::INFINITY,
        59.0,
        60.0,
        61.0,
        2_958_465.999_999_99,
        2_958_466.0,
    ];
    for code in codes {
        for value in values {
            for epoch in [Epoch::Year1900, Epoch::Year1904] {
                let (text, _) = NumberFormat::read(code).show(value, epoch);
                assert!(text.len() < 1000, "{code} {value}");
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_code_is_harmless(code in r#"[0#?.,%@E+\-/\[\]$"\\_*;a-zA-Z é<>=0-9]{0,30}"#, value in proptest::num::f64::ANY) {
        let format = NumberFormat::read(&code);
        let _ = format.show(value, Epoch::Year1900);
        let _ = format.show_text(code);
    }
}
