//! What YAML 1.1 and kubectl make of unquoted text: a table, taken from sigs.k8s.io/yaml v1.6.

use serde_json::{Value, json};

use super::read;

#[test]
fn kubectl_reads_these_as_something_else_than_text() {
    let table: &[(&str, Value)] = &[
        ("on", json!(true)),
        ("Off", json!(false)),
        ("y", json!(true)),
        ("N", json!(false)),
        ("YES", json!(true)),
        ("no", json!(false)),
        ("True", json!(true)),
        ("FALSE", json!(false)),
        ("~", Value::Null),
        ("Null", Value::Null),
        ("", Value::Null),
        ("0123", json!(83)),
        ("-017", json!(-15)),
        ("0o17", json!(15)),
        ("-0o17", json!(-15)),
        ("0x1F", json!(31)),
        ("+0x1F", json!(31)),
        ("0X1f", json!(31)),
        ("0x_1", json!(1)),
        ("0b101", json!(5)),
        ("-0b101", json!(-5)),
        ("1_000", json!(1000)),
        ("1_", json!(1)),
        ("1_0.5", json!(10.5)),
        ("00", json!(0)),
        ("08", json!(8)),
        ("089", json!(89)),
        (".5", json!(0.5)),
        ("-.5", json!(-0.5)),
        ("5.", json!(5)),
        (".7_9", json!(0.79)),
        ("1e3", json!(1000)),
        ("1.e3", json!(1000)),
        ("12e03", json!(12000)),
        ("1.0", json!(1)),
        ("1.50", json!(1.5)),
        ("-0", json!(0)),
        ("-0.0", json!(0)),
        ("+1", json!(1)),
        ("20011214", json!(20_011_214)),
        ("1e-400", json!(0)),
        ("1.2885807e+07", json!(12_885_807)),
        ("9007199254740993", json!(9_007_199_254_740_993_i64)),
        ("18446744073709551615", json!(u64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("107691503500061507151", json!(107_691_503_500_061_500_000.0)),
        ("1e21", json!(1e21)),
    ];
    for (text, value) in table {
        let reading = read(text);
        assert_eq!((&reading.value, reading.is_text), (value, false), "{text}");
    }
}

#[test]
fn kubectl_keeps_these_as_text_and_other_readers_do_not() {
    for text in [
        "1:30",
        "190:20:30",
        "-1:30",
        "190:20:30.15",
        "0:30.5",
        "2001-12-14",
        "2001-1-1",
        "2001-12-14t21:59:43.10-05:00",
        "2001-12-14 21:59:43.10 -5",
        "2001-12-15 2:59:43.10",
        "2001-12-15T02:59:43Z",
        ".inf",
        "-.Inf",
        "+.INF",
        ".NaN",
        "1e400",
    ] {
        let reading = read(text);
        assert_eq!((reading.value, reading.is_text), (json!(text), false), "{text}");
    }
}

#[test]
fn everybody_reads_these_as_text() {
    for text in [
        "yEs",
        "tRue",
        "nULL",
        "_1",
        ".",
        "+",
        "--1",
        "._1",
        ".1_",
        ".1__1",
        "1e",
        "1e+",
        "0x",
        "0x1p-2",
        "0xg",
        "0b2x",
        "12a",
        "inf",
        "NaN",
        "Infinity",
        "-inf",
        "=",
        "<<",
        "1:60",
        "1:x",
        "0:30",
        "1:",
        ":1",
        "dev:1",
        "2001-12",
        "2001-12-14 12:00",
        "2001-12-14x",
        "10.0.0.1",
        "1.2.3",
        "v1",
        "30m",
        "*",
        "dev:*",
    ] {
        let reading = read(text);
        assert_eq!((reading.value, reading.is_text), (json!(text), true), "{text}");
    }
}
