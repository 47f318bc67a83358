//! Reading texts: values, places, quotes, and what is refused.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Document, Fault, MAX_DEPTH, MAX_FILE_BYTES, ManifestError, parse};
use crate::model::{FieldPath, Segment, Written};

fn read(text: &str) -> Vec<Document> {
    parse("t.yaml", text).unwrap_or_else(|errors| panic!("{text:?}: {errors:?}"))
}

fn one(text: &str) -> Document {
    let mut documents = read(text);
    assert_eq!(documents.len(), 1, "{text:?}");
    documents.remove(0)
}

fn fault(text: &str) -> ManifestError {
    let mut errors = parse("t.yaml", text).expect_err("an error");
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.remove(0)
}

fn path(steps: &[&'static str]) -> FieldPath {
    steps.iter().map(|step| step.parse::<usize>().map_or(Segment::from(*step), Segment::from)).collect()
}

fn place(document: &Document, steps: &[&'static str]) -> String {
    document.position(&path(steps)).unwrap().to_string()
}

#[test]
fn an_unquoted_scalar_keeps_its_text_and_a_quoted_one_is_text() {
    let document =
        one("a: [on, 'on', 107691503500061507151, 2001-12-14, plain, 1:30, ~, \"1\"]\nb: |\n  1\nc:\n");
    assert_eq!(
        document.value,
        json!({
            "a": [true, "on", 107_691_503_500_061_500_000.0, "2001-12-14", "plain", "1:30", null, "1"],
            "b": "1\n", "c": null,
        })
    );
    let written: Vec<_> =
        (0..8).map(|i| document.written(&FieldPath::root().child("a").child(i)).unwrap_or("-")).collect();
    assert_eq!(written, ["on", "-", "107691503500061507151", "2001-12-14", "-", "1:30", "~", "-"]);
    assert_eq!(document.written(&path(&["b"])), None);
    assert_eq!(document.written(&path(&["c"])), None, "a value left out was not written");
    assert_eq!(document.written(&path(&["a"])), None);
    assert_eq!(document.written(&path(&["nowhere", "0"])), None);
}

#[test]
fn documents_without_a_line_between_them_are_refused_with_the_cure() {
    for (text, place) in [
        ("{\"a\": 1}{\"b\": 2}", "1:9"),
        ("{\"a\": 1}\n{\"b\": 2}\n{\"c\": 3}\n", "2:1"),
        ("é: 1\n---\n{\"é\": 1}  [2]", "3:11"),
        ("{\"a\": 1}\nb: 2", "2:1"),
    ] {
        let errors = parse("t.yaml", text).expect_err(text);
        let told: Vec<_> = errors.iter().map(|e| (e.position.to_string(), e.fault.clone())).collect();
        assert_eq!(told, [(place.to_owned(), Fault::Unseparated)], "{text:?}");
    }
    for other in ["{\"a\": {}{}}", "{\"a\": 1}]", "a: 1\n}"] {
        assert!(matches!(fault(other).fault, Fault::Syntax(_)), "{other:?}");
    }
    assert_eq!(read("{\"a\": 1}\n---\n{\"b\": 2}").len(), 2);
}

#[test]
fn what_kubectl_would_read_behind_a_comment_is_refused() {
    for odd in ['\u{85}', '\u{2028}', '\u{2029}'] {
        let error = fault(&format!("policy:\n- viewer # see é{odd}- admin\n"));
        assert_eq!((error.position.to_string().as_str(), error.fault), ("2:17", Fault::LineBreak(odd)));
    }
    assert_eq!(one("a: \"x\\u2028\"\n").value, json!({"a": "x\u{2028}"}));
}

#[test]
fn what_kubectl_would_leave_out_is_refused() {
    let error = fault("a: 1\n...\nb: 2\n---\nc: 3\n");
    assert_eq!((error.position.to_string().as_str(), error.fault), ("3:1", Fault::NotSeparated));
    assert_eq!(read("# first\na: 1\n...\n---\nb: 2\n...\n# last\n").len(), 2);
}

#[test]
fn core_tags_decide_and_text_tags_leave_nothing_to_quote() {
    let document = one(
        "a: !!str 123\nb: ! on\nc: !!int \"12\"\nd: !!null ''\ne: !!seq [!!bool yes]\nf: !<tag:yaml.org,2002:str> 5\n",
    );
    assert_eq!(document.value, json!({"a": "123", "b": "on", "c": 12, "d": null, "e": [true], "f": "5"}));
    assert_eq!(document.written(&path(&["a"])), None);
    for text in ["a: !!int x\n", "a: !!map [1]\n", "a: !!seq x\n", "a: !!int 2001-12-14\n"] {
        assert!(matches!(fault(text).fault, Fault::TagMismatch(_)), "{text}");
    }
    for text in
        ["a: !foo x\n", "a: !!binary aGk=\n", "a: !!set {b}\n", "!ours {}\n", "a: !!timestamp 2001-12-14\n"]
    {
        assert!(matches!(fault(text).fault, Fault::UnknownTag(_)), "{text}");
    }
}

#[test]
fn a_map_entry_stands_where_its_key_does_and_an_element_where_it_begins() {
    let document =
        one("# first\na:\n  - - 1\n    - b: x\n  - {c: [1,\n 2], \"k\": v}\nd: |\n  text\né: {e: 1}\n");
    for (steps, expected) in [
        (&["a"][..], "2:1"),
        (&["a", "0"], "3:5"),
        (&["a", "0", "0"], "3:7"),
        (&["a", "0", "1"], "4:7"),
        (&["a", "0", "1", "b"], "4:7"),
        (&["a", "1"], "5:5"),
        (&["a", "1", "c"], "5:6"),
        (&["a", "1", "c", "1"], "6:2"),
        (&["a", "1", "k"], "6:6"),
        (&["d"], "7:1"),
        (&["é", "e"], "9:5"),
        (&[], "2:1"),
    ] {
        assert_eq!(place(&document, steps), expected, "{steps:?}");
    }
}

#[test]
fn a_missing_field_has_the_place_of_its_nearest_parent() {
    let document = one("spec:\n  policy:\n  - a\n");
    assert_eq!(place(&document, &["spec", "policy", "3", "x"]), "2:3");
    assert_eq!(place(&document, &["nothing"]), "1:1");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let document = one("\u{feff}a: 1\r\nb:\r\n- c: |\r\n    x\r\n    y\r\n");
    assert_eq!(document.value, json!({"a": 1, "b": [{"c": "x\ny\n"}]}));
    assert_eq!(place(&document, &["a"]), "1:1");
    assert_eq!(place(&document, &["b", "0", "c"]), "3:3");
}

#[test]
fn block_scalars_end_as_in_kubectl() {
    assert_eq!(one("a: |\n  x\n").value, json!({"a": "x\n"}));
    assert_eq!(one("a: |\n  x").value, json!({"a": "x"}), "no line feed that is not there");
}

#[test]
fn empty_documents_are_left_out_and_places_count_on() {
    let documents = read("---\n---\n# nothing\n---\na: 1\n...\n---\nb: 2\n");
    assert_eq!(
        documents.iter().map(|d| d.value.clone()).collect::<Vec<_>>(),
        [json!({"a": 1}), json!({"b": 2})]
    );
    assert_eq!(place(&documents[1], &["b"]), "8:1");
    for text in ["", "\n", "# only\n", "---\n", "\u{feff}"] {
        assert!(read(text).is_empty(), "{text:?}");
    }
}

#[test]
fn a_document_that_is_no_map_is_still_a_document() {
    for (text, value) in [("- a\n", json!(["a"])), ("text\n", json!("text")), ("null\n", Value::Null)] {
        assert_eq!(one(text).value, value);
    }
}

#[test]
fn a_list_is_taken_apart_and_its_items_keep_their_places() {
    let documents = read(
        "kind: List\napiVersion: v1\nitems:\n- kind: A\n- kind: List\n  items:\n  - kind: B\n    x: 1\n",
    );
    assert_eq!(documents.iter().map(|d| d.value["kind"].clone()).collect::<Vec<_>>(), ["A", "B"]);
    assert_eq!(place(&documents[1], &["x"]), "8:5");
    assert!(read("kind: List\nitems: []\n").is_empty());
    let typed = one("kind: RoleList\napiVersion: iam.openfaas.com/v1\nitems: [{spec: 1}]\n");
    assert_eq!(typed.value, json!({"apiVersion": "iam.openfaas.com/v1", "kind": "Role", "spec": 1}));
    assert_eq!(one("kind: AccessList\nspec: {}\n").value["kind"], "AccessList");
}

#[test]
fn a_key_twice_in_one_map_is_refused_at_every_level_and_in_every_spelling() {
    for (text, at) in [
        ("a: 1\na: 2\n", "2:1"),
        ("a:\n  - b: 1\n    'b': 2\n", "3:5"),
        ("{\"a\": 1, \"\\u0061\": 2}", "1:10"),
        ("on: 1\ntrue: 2\n", "2:1"),
        ("1: a\n\"1\": b\n", "2:1"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n  <<: *x\n", "4:3"),
        ("a: &x {b: 1}\nc:\n  b: 2\n  <<: *x\n", "4:3"),
    ] {
        let error = fault(text);
        assert!(matches!(error.fault, Fault::DuplicateKey { .. }), "{text:?}: {error}");
        assert_eq!(error.position.to_string(), at, "{text:?}");
    }
    assert_eq!(fault("a: 1\na: 2\n").to_string(), "t.yaml:2:1: the key `a` is already there, at 1:1");
}

#[test]
fn keys_that_are_no_text_are_refused_or_remembered() {
    for text in ["? [a]\n: 1\n", "? {a: b}\n: 1\n", "~: 1\n", ": 1\n", "a: &x [1]\n*x : 1\n"] {
        assert_eq!(fault(text).fault, Fault::KeyIsNoText, "{text:?}");
    }
    let document = one("spec:\n- y: 1\n  0x10: 2\n  \"n\": 3\n  x: 4\n");
    assert_eq!(document.value, json!({"spec": [{"true": 1, "16": 2, "n": 3, "x": 4}]}));
    let misread: Vec<_> =
        document.misread_keys().into_iter().map(|(path, key, at)| format!("{path} {key} {at}")).collect();
    assert_eq!(misread, ["spec[0][\"16\"] 0x10 3:3", "spec[0].true y 2:3"]);
}

#[test]
fn aliases_and_merges_bring_in_what_they_name() {
    let document =
        one("a: &x {b: 1, c: on}\nd: *x\ne:\n  <<: *x\n  c: 2\nf: {<<: [{g: 1}, {g: 2, h: 3}]}\n\"<<\": i\n");
    assert_eq!(
        document.value,
        json!({"a": {"b": 1, "c": true}, "d": {"b": 1, "c": true}, "e": {"b": 1, "c": 2}, "f": {"g": 1, "h": 3}, "<<": "i"})
    );
    assert_eq!(document.written(&path(&["d", "c"])), Some("on"));
    assert_eq!(place(&document, &["d"]), "2:1");
    assert_eq!(place(&document, &["d", "c"]), "1:14");
    for text in ["a: {<<: 5}\n", "a: {<<: [1]}\n", "<<:\n"] {
        assert_eq!(fault(text).fault, Fault::MergeOfNoMap, "{text:?}");
    }
}

#[test]
fn a_nul_broken_yaml_and_unknown_aliases_are_refused_with_their_place() {
    assert_eq!(fault("a:\n  - \"x\\0\"\n").to_string(), "t.yaml:2:5: a NUL character");
    for text in ["a: x\0\n", "a: b: c\n", "a: *nowhere\n", "a: [1\n", "a: \"\\q\"\n"] {
        assert!(matches!(fault(text).fault, Fault::Syntax(_)), "{text:?}");
    }
    assert_eq!(fault("x: 1\na: *nowhere\n").position.to_string(), "2:4");
    assert_eq!(fault("a: &x [*x]\n").fault, Fault::AliasToItself);
}

#[test]
fn an_asterisk_without_quotes_and_a_tab_are_told_their_cure() {
    for (text, cure) in [
        ("resource: [*]\n", "write `\"*\"`"),
        ("resource: [*:*]\n", "in quotes, `\"*:*\"`"),
        ("resource:\n- *\n", "write `\"*\"`"),
        ("a:\n\t- b\n", "indent with spaces"),
        ("a:\n\tb: c\n", "indent with spaces"),
    ] {
        let said = fault(text).to_string();
        assert!(said.contains("no YAML: ") && said.contains(cure), "{text:?}: {said}");
    }
}

#[test]
fn the_first_error_of_each_document_is_told() {
    let errors = parse("t.yaml", "a: 1\na: 2\n---\nb: 1\n---\nc: !x 1\n---\nd: [\n").unwrap_err();
    let lines: Vec<_> = errors.iter().map(|error| error.position.line).collect();
    assert_eq!(lines[..2], [2, 6]);
    assert_eq!(lines.len(), 3);
}

#[test]
fn aliases_that_blow_up_are_refused() {
    let mut laughs = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    let mut texts = String::from("t: &t \"");
    texts.push_str(&"x".repeat(1 << 20));
    texts.push_str("\"\nmany: [");
    let mut merges = String::from("m0: &m0 {");
    for i in 1..40 {
        let alias = format!("*a{}, ", i - 1);
        writeln!(laughs, "a{i}: &a{i} [{}]", alias.repeat(9)).unwrap();
        texts.push_str("*t, ");
    }
    texts.push_str("]\n");
    for i in 0..20_000 {
        write!(merges, "k{i}: 1, ").unwrap();
    }
    merges.push_str("}\nmany:\n");
    merges.push_str(&"- {<<: *m0}\n".repeat(1000));
    for text in [&laughs, &texts, &merges] {
        assert_eq!(fault(text).fault, Fault::TooMuch);
    }
    let documents = format!("---\na: &x \"{}\"\nb: [*x, *x, *x, *x, *x]\n", "x".repeat(1 << 19)).repeat(7);
    assert!(parse("t.yaml", &documents).unwrap_err().iter().all(|error| error.fault == Fault::TooMuch));
}

#[test]
fn depth_is_bounded_with_and_without_aliases() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(read(&nested(MAX_DEPTH)).len(), 1);
    assert!(matches!(fault(&nested(MAX_DEPTH + 1)).fault, Fault::Syntax(_)));
    let mut chain = String::from("a0: &a0 [1]\n");
    for i in 1..=MAX_DEPTH {
        writeln!(chain, "a{i}: &a{i} [*a{}]", i - 1).unwrap();
    }
    assert_eq!(fault(&chain).fault, Fault::TooDeep);
}

#[test]
fn a_text_beyond_the_bound_is_refused() {
    let mut text = "#".repeat(MAX_FILE_BYTES);
    assert!(read(&text).is_empty());
    text.push('#');
    assert_eq!(fault(&text).fault, Fault::TooLarge);
}

#[test]
fn a_document_shows_no_values_in_debug_output() {
    let shown = format!("{:?}", one("kind: Secret\ndata: {password: canary}\n"));
    assert_eq!(shown, "Document(t.yaml:1:1)");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e9..1e9f64).prop_filter("a fraction", |f| f.fract() != 0.0).prop_map(Value::from),
        r"[^\x00\x7F-\x9F\u{2028}\u{2029}\u{FEFF}\u{FFFE}\u{FFFF}]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(
                r"[^\x00\x7F-\x9F\u{2028}\u{2029}\u{FEFF}\u{FFFE}\u{FFFF}]{0,10}",
                inner,
                0..8
            )
            .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_reads_back_as_it_was_written(value in any_json(), pretty in any::<bool>()) {
        let body = json!({"v": value});
        let text = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) };
        prop_assert_eq!(&one(&text.unwrap()).value, &body);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[-a-c:&*<!\\[\\]{},?'\"|>#%~ \n\t0-9._]{0,60}") {
        if let Ok(documents) = parse("t.yaml", &text) {
            for document in documents {
                prop_assert!(document.position(&FieldPath::root()).is_some());
            }
        }
    }
}
