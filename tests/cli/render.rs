//! `render`: the bundle that follows from files.

use crate::run::run;

#[test]
fn every_record_is_a_line_and_keys_that_are_elsewhere_are_shown_as_such() {
    insta::assert_snapshot!(run("render -f team"));
}

#[test]
fn machines_get_every_record_whole() {
    let told = run("render -f team -o json");
    insta::assert_snapshot!(told.out);
    let yaml: serde_json::Value = serde_saphyr::from_str(&run("render -f team -o yaml").out).unwrap();
    assert_eq!(yaml, told.json());
}

#[test]
fn the_same_objects_give_the_same_bundle_in_whatever_order_they_are_read() {
    let one = run("render -f team/issuers.yaml -f team/grants.yaml -f team/keys.yaml -o json");
    let other = run("render -f team/keys.yaml -f team/grants.yaml -f team/issuers.yaml -o json");
    assert_eq!((one.code, one.out), (0, other.out));
}

#[test]
fn a_bundle_that_grants_nothing_to_anybody_is_told_so() {
    let said = "warning: no Role and Policy serve together";
    for path in ["broken", "team/issuers.yaml"] {
        let told = run(&format!("render -f {path}"));
        assert!(told.code == 0 && told.err.contains(said), "{told}");
    }
    assert!(!run("render -f team").err.contains(said));
}

#[test]
fn what_is_refused_is_in_the_bundle_with_its_reason_and_its_problems_on_standard_error() {
    let told = run("render -f broken");
    assert_eq!(told.code, 0, "{told}");
    assert!(told.out.contains("refused  Policy/typo") && told.err.contains("spec.statement[0]"), "{told}");
}
