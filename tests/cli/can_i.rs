//! `can-i`: the answer, its reasons, and the exit codes (`semantics.md` 2–4, 30).

use crate::run::{run, run_args};

#[test]
fn an_allowed_question_names_role_policy_statement_and_resource() {
    insta::assert_snapshot!(run("can-i Function:Invoke dev:env -f team --claims claims/alice.json"));
}

#[test]
fn a_denied_question_says_what_each_role_lacked() {
    insta::assert_snapshot!(run("can-i Secret:List dev:token -f team --claims claims/alice.json"));
    insta::assert_snapshot!(run(
        "can-i Function:Invoke dev:env -f team --as https://partner.example.net,robot"
    ));
    insta::assert_snapshot!(run(
        "can-i System:Info * -f team --as https://keycloak.example.com/realms/openfaas,bob"
    ));
}

#[test]
fn machines_get_the_same_answer() {
    let told = run("can-i Function:Invoke dev:env -f team --claims claims/alice.json -o json");
    assert_eq!((told.code, told.err.as_str()), (0, ""), "{told}");
    insta::assert_snapshot!(told.out);
    assert_eq!(
        run("can-i Function:Invoke dev:env -f team --as https://x,y -o json").json()["allowed"],
        false
    );
}

#[test]
fn an_issuer_that_nobody_declared_is_answered_with_those_that_are() {
    let says = |iss: &str| run(&format!("can-i Function:Get dev:env -f team --as {iss},alice")).out;
    let known = says("https://stranger.example.com");
    assert!(known.contains("`https://keycloak.example.com/realms/openfaas` (keycloak)"), "{known}");
    let slash = says("https://keycloak.example.com/realms/openfaas/");
    assert!(slash.contains("`keycloak` has it without a slash at the end"), "{slash}");
}

#[test]
fn r30_what_was_not_compared_and_what_looks_like_a_slip_is_a_remark() {
    let table = [
        ("--claims claims/without-audience.json", "no `aud` in the claims: not compared"),
        ("--as alice,https://keycloak.example.com/realms/openfaas", "`--as` takes the issuer first"),
    ];
    for (asker, remark) in table {
        let told = run(&format!("can-i Function:Get dev:env -f team {asker}"));
        assert!(told.err.contains(remark), "{told}");
    }
    let blank = "https://keycloak.example.com/realms/openfaas, alice";
    let told = run_args(&["can-i", "Function:Get", "dev:env", "-f", "team", "--as", blank], "");
    assert!(told.err.contains("a blank beside the comma"), "{told}");
    let content = run("can-i Function:Get dev:env -f team --claims claims/alice.json");
    assert_eq!(content.err, "", "{content}");
}

#[test]
fn r30_exit_codes() {
    let keycloak = "https://keycloak.example.com/realms/openfaas";
    let table = [
        ("Function:Get dev:env --claims claims/alice.json".to_owned(), 0),
        ("Function:Get dev:* --claims claims/alice.json".to_owned(), 0),
        ("Function:Get * --claims claims/alice.json".to_owned(), 1),
        ("Function:Get prod:env --claims claims/alice.json".to_owned(), 1),
        ("Function:Get kube-system:env --claims claims/alice.json".to_owned(), 1),
        (format!("Function:Get dev:env --as {keycloak},alice"), 1),
        ("Function:Get dev:env --as https://stranger.example.com,alice".to_owned(), 1),
        (format!("Function:Get dev:env --as {keycloak},"), 1),
        ("Function:Get dev:env --as ,alice".to_owned(), 1),
        ("Function:Get dev:env --claims claims/expired.json".to_owned(), 1),
        ("Function:Get dev:env --claims claims/null-expiry.json".to_owned(), 1),
        ("Function:Get dev:env --claims claims/other-audience.json".to_owned(), 1),
        ("Function:Get dev:env --claims claims/no-subject.json".to_owned(), 1),
        ("Function:Get dev:env --claims claims/key-twice.json".to_owned(), 2),
        ("Function:Get dev:env --claims claims/list.json".to_owned(), 2),
        ("Function:Get dev:env --claims claims/nowhere.json".to_owned(), 2),
        ("Function:Get dev:env --as alice".to_owned(), 2),
        ("Function:* dev:env --claims claims/alice.json".to_owned(), 2),
        ("Function:Read dev:env --claims claims/alice.json".to_owned(), 2),
        ("Function:Lst dev:env --claims claims/alice.json".to_owned(), 2),
        ("Function:Get dev --claims claims/alice.json".to_owned(), 2),
        ("Function:Get d*:env --claims claims/alice.json".to_owned(), 2),
        ("Function:Get Dev:env --claims claims/alice.json".to_owned(), 2),
        ("Function:Get dev:a/b --claims claims/alice.json".to_owned(), 2),
        ("System:Info dev:* --claims claims/alice.json".to_owned(), 2),
        ("Namespace:Get dev:x --claims claims/alice.json".to_owned(), 1),
    ];
    for (question, code) in table {
        let told = run(&format!("can-i -f team {question}"));
        assert_eq!(told.code, code, "{question}\n{told}");
        let (first, message) = (told.out.lines().next().unwrap_or_default(), told.err.starts_with("error: "));
        assert_eq!(first, ["allowed", "denied", ""][usize::try_from(code).unwrap()], "{question}\n{told}");
        assert_eq!(message, code == 2, "{question}\n{told}");
    }
}

#[test]
fn invalid_objects_grant_nothing_and_are_told_beside_the_answer() {
    let told = run("can-i Function:Get dev:env -f team -f broken --claims claims/alice.json");
    assert_eq!(told.out.lines().next(), Some("allowed"), "{told}");
    assert!(told.err.contains("broken/policy.yaml:") && told.err.contains("spec.statement[0]"), "{told}");
    assert!(!told.err.contains("warning"), "{told}");
}

#[test]
fn without_all_of_the_files_there_is_no_answer() {
    let told = run("can-i Function:Get dev:env -f team -f odd/duplicate-key.yaml --claims claims/alice.json");
    assert_eq!((told.code, told.out.as_str()), (2, ""), "{told}");
}

#[test]
fn claims_may_come_from_standard_input() {
    let claims = std::fs::read_to_string(crate::run::fixtures().join("claims/alice.json")).unwrap();
    let told = run_args(&["can-i", "Function:Get", "dev:env", "-f", "team", "--claims", "-"], &claims);
    assert_eq!(told.code, 0, "{told}");
}

#[test]
fn both_halves_of_a_wrong_question_are_told() {
    insta::assert_snapshot!(run("can-i Function:* dev -f team --as alice"));
}

#[test]
fn claims_that_nothing_asks_about_are_not_shown() {
    for question in ["Function:Get dev:env", "Secret:List dev:*"] {
        for form in ["", "-o json", "-o yaml"] {
            let told = run(&format!("can-i {question} -f team --claims claims/alice.json {form}"));
            assert!(!told.to_string().contains("canary"), "{told}");
        }
    }
}

#[test]
fn a_presented_name_can_neither_forge_a_line_nor_steer_the_terminal() {
    let identity = "https://x\nallowed\u{1b}[2K,alice";
    let told = run_args(&["can-i", "Function:Get", "dev:env", "-f", "team", "--as", identity], "");
    assert_eq!(told.code, 1, "{told}");
    assert!(!told.out.contains('\u{1b}') && !told.out.lines().any(|l| l.starts_with("allowed")), "{told}");
}
