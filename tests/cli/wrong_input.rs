//! Wrong input of every sort: exit 2, nothing on standard output, and a message that says what to do.

use crate::run::{binary, finish, run, run_args};

#[test]
fn every_wrong_command_line_is_exit_2_with_a_message() {
    let table = [
        ("", "Usage"),
        ("fly", "unrecognized subcommand"),
        ("check -f team --loud", "unexpected argument"),
        ("check -f team -o xml", "invalid value"),
        ("check team", "tip: files and folders are given as `-f team`"),
        ("check -V", "unexpected argument '-V'"),
        ("can-i dev:env Function:Get -f team --as a,b", "the action comes first: `Function:Get dev:env`"),
        ("who-can dev:env Function:Get -f team", "the action comes first: `Function:Get dev:env`"),
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

#[test]
fn a_namespace_is_one_that_kubernetes_could_have() {
    for namespace in ["", "Open", "a/b"] {
        for command in [&["check", "-f", "team"][..], &["render", "-f", "team"], &["operator"]] {
            let told = run_args(&[command, &["-n", namespace]].concat(), "");
            assert_eq!(told.code, 2, "{told}");
            assert!(told.err.contains("is no namespace"), "{told}");
        }
    }
}

#[test]
fn of_a_kubeconfig_that_cannot_be_read_the_place_is_told_and_nothing_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    let file = file.to_str().unwrap();
    for (users, place) in [
        ("[{name: a, user: {token: canary-canary\t: }}]", "line 3, column"),
        ("[{name: a, user: canary-canary}]", "line 3, column 25"),
        ("canary-canary", "line 3, column 8"),
    ] {
        std::fs::write(file, format!("apiVersion: v1\nkind: Config\nusers: {users}\n")).unwrap();
        for command in ["check", "operator"] {
            let by_flag = finish(binary().args([command, "--kubeconfig", file]), "");
            let by_environment = finish(binary().arg(command).env("KUBECONFIG", file), "");
            for told in [by_flag, by_environment] {
                assert_eq!((told.code, told.out.as_str()), (2, ""), "{users}\n{told}");
                assert!(told.err.contains(place) && !told.err.contains("canary"), "{users}\n{told}");
            }
        }
    }
}
