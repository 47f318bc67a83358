//! `who-can`: which Roles allow it, and to whom.

use crate::run::run;

#[test]
fn roles_are_told_with_all_that_has_to_hold() {
    insta::assert_snapshot!(run("who-can Function:Delete dev:report -f team"));
    insta::assert_snapshot!(run("who-can Secret:List dev:* -f team"));
    insta::assert_snapshot!(run("who-can Function:Delete dev:report -f team -o json").out);
}

#[test]
fn nobody_is_an_answer() {
    insta::assert_snapshot!(run("who-can Function:Delete prod:report -f team"));
}

#[test]
fn exit_codes() {
    let table = [
        ("Function:Delete dev:report -f team", 0),
        ("Function:Delete prod:report -f team", 1),
        ("Function:Get kube-system:x -f team", 1),
        ("Function:* dev:report -f team", 2),
        ("Function:Delete dev -f team", 2),
        ("Function:Delete dev:report -f odd/duplicate-key.yaml", 2),
    ];
    for (question, code) in table {
        let told = run(&format!("who-can {question}"));
        assert_eq!(told.code, code, "{question}\n{told}");
    }
}
