//! `--help` and `completion`: what people read first.

use crate::run::{run, run_args};

#[test]
fn help_of_each_command_has_an_example() {
    let commands =
        ["", "crds", "check", "render", "can-i", "who-can", "completion", "operator", "gateway", "cleanup"];
    let nested = [
        "token",
        "token exchange",
        "token inspect",
        "registry",
        "registry add",
        "registry list",
        "namespace",
        "namespace enable",
    ];
    for command in commands.into_iter().chain(nested) {
        let mut args: Vec<_> = command.split_whitespace().collect();
        args.push("--help");
        let told = run_args(&args, "");
        assert_eq!((told.code, told.err.as_str()), (0, ""), "{command}");
        assert!(told.out.contains("Example"), "{command}");
        let name = if command.is_empty() { "faas-iam" } else { command };
        insta::assert_snapshot!(format!("help-{}", name.replace(' ', "-")), told.out);
    }
}

#[test]
fn completion_knows_the_commands_in_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let told = run(&format!("completion {shell}"));
        assert_eq!(told.code, 0, "{told}");
        assert!(told.out.contains("who-can") && told.out.contains("kubeconfig"), "{shell}");
    }
    assert_eq!(run("completion cmd").code, 2);
}

/// What bash offers at the end of a line, words broken at colons as it breaks them.
fn bash_offers(line: &str) -> Vec<String> {
    let words: Vec<_> = line.split(' ').flat_map(|word| word.split_inclusive(':')).collect();
    let words: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    let (last, script) = (words.len() - 1, run("completion bash").out);
    let asked = format!(
        "{script}\nCOMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=({}); COMP_CWORD={last}\n\
         set -- $(complete -p faas-iam); while [[ $1 != -F ]]; do shift; done\n\
         $2 faas-iam \"${{COMP_WORDS[{last}]}}\" x; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.join(" ")
    );
    let output = std::process::Command::new("bash").args(["--norc", "-c", &asked]).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    assert_eq!(text(output.stderr), "", "{line}");
    text(output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_their_flags_and_actions() {
    assert_eq!(bash_offers("faas-iam who"), ["who-can"]);
    assert!(bash_offers("faas-iam check --").contains(&"--strict".to_owned()));
    assert_eq!(bash_offers("faas-iam can-i Sys"), ["System:Info"]);
    assert_eq!(bash_offers("faas-iam who-can Function:L"), ["List", "Logs"]);
    assert_eq!(bash_offers("faas-iam token ex"), ["exchange"]);
    assert_eq!(bash_offers("faas-iam registry a"), ["add"]);
    assert!(bash_offers("faas-iam token exchange --").contains(&"--audience".to_owned()));
    assert!(bash_offers("faas-iam token inspect --").contains(&"--gateway".to_owned()));
    assert!(bash_offers("faas-iam can-i Function:List --").contains(&"--claims".to_owned()));
}

#[test]
fn crds_are_the_files_that_are_shipped() {
    let told = run("crds");
    assert_eq!((told.code, told.err.as_str()), (0, ""));
    let documents = told.out.split("---\n").filter(|d| !d.is_empty());
    for document in documents {
        let name = document.lines().find_map(|l| l.strip_prefix("  name: ")).unwrap();
        let (plural, group) = name.split_once('.').unwrap();
        let path = format!("{}/crds/{group}_{plural}.yaml", env!("CARGO_MANIFEST_DIR"));
        let shipped = std::fs::read_to_string(path).unwrap();
        let shipped: String = shipped.split_inclusive('\n').filter(|l| !l.starts_with('#')).collect();
        assert!(shipped == document, "{name} is not what is shipped");
    }
}
