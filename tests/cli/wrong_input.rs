//! Wrong input of every sort: exit 2, nothing on standard output, and a message that says what to do.

use crate::run::run;

#[test]
fn every_wrong_command_line_is_exit_2_with_a_message() {
    let table = [
        ("", "Usage"),
        ("fly", "unrecognized subcommand"),
        ("check -f team --loud", "unexpected argument"),
        ("check -f team -o xml", "invalid value"),
        ("check -R", "--filename"),
        ("can-i Function:Get dev:env -f team", "--claims"),
        ("can-i Function:Get dev:env -f team --as a,b --claims c", "cannot be used with"),
        ("can-i Function:Get -f team --as a,b", "RESOURCE"),
        ("can-i Function:Get dev:env -f - --claims -", "standard input can be read once"),
        ("can-i Function:Get dev:env --as a,b", "-f PATH"),
        ("who-can Function:Get dev:env", "-f PATH"),
        ("check", "-f PATH"),
        ("render", "-f PATH"),
        ("render --kubeconfig nowhere", "nowhere"),
        ("render -f odd/nowhere.yaml", "odd/nowhere.yaml"),
        ("render -f odd/unknown-tag.yaml", "unknown-tag.yaml:4:"),
    ];
    for (line, message) in table {
        let told = run(line);
        assert_eq!((told.code, told.out.as_str()), (2, ""), "{line}\n{told}");
        assert!(told.err.contains(message), "{line}\n{told}");
    }
}
