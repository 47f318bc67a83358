//! JwtIssuers: sound ones, and some that do not serve.

use serde_json::{Value, json};

use super::dice::Dice;
use crate::world::{AUD, Objects, issuer, system};

pub const A: &str = "https://a.example.com";
pub const B: &str = "https://b.example.com";
pub const GITHUB: &str = "https://token.actions.githubusercontent.com";
pub const GITLAB: &str = "https://gitlab.com";
pub const GOOGLE: &str = "accounts.google.com";
pub const BASIC: &str = "urn:faas-iam:basic-auth";
const OTHERS: [(&str, &str); 4] = [("b", B), ("github", GITHUB), ("gitlab", GITLAB), ("google", GOOGLE)];

/// The JwtIssuers of a world.
pub struct Issuers {
    pub objects: Objects,
    /// `iss` of those that serve by construction; `A` is always among them.
    pub sound: Vec<&'static str>,
    /// Whether `system` is sound.
    pub system: bool,
}

pub fn issuers(dice: &mut Dice) -> Issuers {
    let mut all = Issuers { objects: vec![("a".into(), harmless(dice, A))], sound: vec![A], system: false };
    for (name, iss) in OTHERS {
        if !dice.once_in(5) {
            all.add(dice, name, iss);
        }
    }
    if dice.once_in(30) {
        all.objects.push(("basic".into(), issuer(BASIC)));
    }
    if !dice.once_in(12) {
        all.add_system(dice);
    }
    all
}

impl Issuers {
    fn add(&mut self, dice: &mut Dice, name: &'static str, iss: &'static str) {
        let mut spec = harmless(dice, iss);
        match dice.below(30) {
            0 => spec["tokenExpiry"] = "5s".into(),
            1 => spec["note"] = "unknown".into(),
            2 => self.double(&mut spec),
            3 => {
                self.double(&mut spec);
                spec["tokenExpiry"] = "5s".into();
            }
            _ => self.sound.push(iss),
        }
        self.objects.push((name.to_owned(), spec));
    }

    /// Gives a JwtIssuer the `iss` of `b`, so that neither serves, whether this one is valid or not.
    fn double(&mut self, spec: &mut Value) {
        spec["iss"] = B.into();
        self.sound.retain(|iss| *iss != B);
    }

    fn add_system(&mut self, dice: &mut Dice) {
        let mut spec = system();
        self.system = !dice.once_in(20);
        if !self.system {
            spec["issInternal"] = "http://gateway:8080".into();
        }
        self.objects.push(("system".to_owned(), spec));
    }
}

/// A valid JwtIssuer in one of the ways that matter to decisions.
fn harmless(dice: &mut Dice, iss: &str) -> Value {
    let mut spec = issuer(iss);
    match dice.below(12) {
        0 => spec["emailVerified"] = "Required".into(),
        1 => spec["shared"] = true.into(),
        2 => spec["shared"] = false.into(),
        3 => spec["aud"] = json!(["other", AUD]),
        _ => {}
    }
    spec
}
