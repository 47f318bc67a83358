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

/// A kubeconfig with a context `there`, and what stands behind it.
fn kubeconfig(server: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: there\n\
         contexts: [{{name: there, context: {{cluster: c, user: u}}}}, {{name: other, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\nusers: [{{name: u, user: {user}}}]\n"
    )
}

#[test]
fn what_leads_to_no_cluster_is_told_with_the_place_where_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    let file = file.to_str().unwrap();
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n".to_owned();
    let table = [
        (kubeconfig("127.0.0.1", "{}"), "", "is no URL; write `https://127.0.0.1"),
        (kubeconfig("127.0.0.1:6443", "{}"), "", "is no URL; write `https://127.0.0.1:6443"),
        (
            kubeconfig("https://127.0.0.1:1", "{}"),
            "nosuch",
            "no context `nosuch`; its contexts are `there`, `other`",
        ),
        (manifest, "", "is no kubeconfig: it has neither clusters nor contexts"),
    ];
    for (text, context, message) in table {
        std::fs::write(file, text).unwrap();
        for command in ["check", "operator"] {
            let mut args = vec![command, "--kubeconfig", file];
            args.extend(if context.is_empty() { vec![] } else { vec!["--context", context] });
            let told = run_args(&args, "");
            assert_eq!(told.code, 2, "{told}");
            assert!(told.err.contains(message), "{message}\n{told}");
        }
    }
    let nowhere = run("check");
    assert!(
        nowhere.err.contains("neither a kubeconfig ($KUBECONFIG, ~/.kube/config) nor a Pod's account"),
        "{nowhere}"
    );
}

#[test]
fn a_cluster_that_does_not_answer_is_named_with_its_context_and_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    let plugin = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin, interactiveMode: Never}}";
    for (user, why) in [("{}", "Connection refused"), (plugin, "no-such-plugin")] {
        std::fs::write(&file, kubeconfig("https://127.0.0.1:1", user)).unwrap();
        let told = run_args(&["check", "--kubeconfig", file.to_str().unwrap()], "");
        let place = format!("https://127.0.0.1:1/ (context `there` of `{}`)", file.display());
        assert_eq!(told.code, 2, "{told}");
        assert!(told.err.contains(&place) && told.err.contains(why), "{told}");
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
