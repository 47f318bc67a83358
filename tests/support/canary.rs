//! Secrets planted to see that they show up nowhere, and the forms in which one could.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

/// One planted secret.
#[derive(Clone, Debug)]
pub struct Canary {
    /// What it is, for messages.
    pub name: String,
    forms: Vec<String>,
}

impl Canary {
    /// A secret by its text, which is long enough not to stand anywhere by chance.
    pub fn new(name: &str, text: &str) -> Self {
        assert!(text.len() >= 16, "`{name}` could be found by chance");
        let decimals: Vec<String> = text.bytes().map(|byte| byte.to_string()).collect();
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        let forms = vec![
            text.to_owned(),
            within(&STANDARD.encode(text)).to_owned(),
            within(&URL_SAFE_NO_PAD.encode(text)).to_owned(),
            // As `{:?}` writes bytes.
            decimals.join(", "),
            hex,
        ];
        Self { name: name.to_owned(), forms }
    }

    /// The lines of a PEM between its first and its last, each a secret by itself.
    pub fn pem(name: &str, pem: &str) -> Vec<Self> {
        let lines = pem.lines().filter(|line| !line.starts_with("-----") && line.len() >= 16);
        lines.map(|line| Self::new(name, line)).collect()
    }

    /// The parts of a JWT that nobody may see: what it says, as it is written there, and its signature.
    pub fn token(name: &str, token: &str) -> Vec<Self> {
        token.split('.').skip(1).map(|part| Self::new(name, part)).collect()
    }

    /// Whether it shows in a text.
    pub fn shows_in(&self, text: &str) -> bool {
        self.forms.iter().any(|form| text.contains(form))
    }
}

/// An encoding without its last letters, which depend on what follows and on padding.
fn within(encoded: &str) -> &str {
    encoded.trim_end_matches('=').get(..encoded.len().saturating_sub(4)).unwrap_or(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "correct-horse-battery";

    #[test]
    fn a_secret_is_found_in_every_form_in_which_programs_print_it() {
        let canary = Canary::new("password", TEXT);
        for text in [
            format!("password={TEXT};"),
            format!("{:?}", TEXT.as_bytes()),
            format!("{:?}", serde_json::json!({ "password": TEXT })),
            STANDARD.encode(TEXT),
            STANDARD.encode(format!("{TEXT} and more")),
            URL_SAFE_NO_PAD.encode(TEXT),
        ] {
            assert!(canary.shows_in(&text), "{text}");
        }
        assert!(!canary.shows_in("correct-horse"));
    }

    #[test]
    fn each_line_of_a_private_key_is_a_secret_by_itself_and_its_label_is_none() {
        let line = "MHcCAQEEIOFeTmM7yWCV0hZGXEtxkov0JHr3bwh3eMynGQpNZogToAoGCCqGSM49";
        let pem = format!("-----BEGIN EC PRIVATE KEY-----\n{line}\n-----END EC PRIVATE KEY-----\n");
        let canaries = Canary::pem("key", &pem);
        assert!(
            matches!(canaries.as_slice(), [one] if one.shows_in(line) && !one.shows_in("EC PRIVATE KEY"))
        );
    }
}
