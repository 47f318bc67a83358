//! `completion`: prints a script that lets a shell complete the commands and flags.

use clap::CommandFactory;
use clap_complete::Shell;

use super::output::{Answer, Exit};

/// Prints a script that completes commands and flags in a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  source <(faas-iam completion bash)")]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// The script of one shell.
pub fn run(args: &Args) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "faas-iam", &mut script);
    let script = String::from_utf8_lossy(&script);
    Answer::new(Exit::Yes, if args.shell == Shell::Bash { of_bash(&script) } else { script.into_owned() })
}

/// Mends two things: of a program with a hyphen clap_complete names the states otherwise than it looks for them
/// (clap-rs/clap#6421), and bash breaks words at colons, which actions and resources have.
fn of_bash(script: &str) -> String {
    let script = script.replace("faas__subcmd__iam__subcmd__", "faas__iam__subcmd__");
    script.replace("complete -F _faas__iam ", "complete -F _faas__iam_whole_words ") + WHOLE_WORDS
}

const WHOLE_WORDS: &str = r#"
_faas__iam_whole_words() {
    local line="${COMP_LINE:0:COMP_POINT}"
    local -a COMP_WORDS
    read -ra COMP_WORDS <<<"$line"
    if [[ "$line" == *[[:space:]] ]]; then COMP_WORDS+=(""); fi
    local COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    local word="${COMP_WORDS[COMP_CWORD]}"
    _faas__iam "$1" "$word" "${COMP_WORDS[COMP_CWORD - 1]}"
    if [[ "$COMP_WORDBREAKS" == *:* ]]; then
        # What stands before the last colon is there already.
        COMPREPLY=("${COMPREPLY[@]#"${word%"${word##*:}"}"}")
    fi
}
"#;
