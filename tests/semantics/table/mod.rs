//! The decision tables: expectations that a person wrote and can read, each named by the rule it shows.
//! Every row is put to the reference and to the product, so that both agree with what is written.

mod grants;
mod limits;
mod objects;
mod operators;
mod people;
mod shared;

use faas_iam::engine::Completeness;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::pipeline::Product;
use crate::reference::{self, Served, Way, WrongInput};
use crate::world::{NOW, World};

/// Reads a table.
fn rows<T: DeserializeOwned>(yaml: &str) -> Vec<T> {
    let rows: Vec<Value> = serde_saphyr::from_str(yaml).expect("the table is YAML");
    let read = |row: Value| {
        let shown = row.to_string();
        serde_json::from_value(row).unwrap_or_else(|error| panic!("{error} in {shown}"))
    };
    rows.into_iter().map(read).collect()
}

/// What is not as written; all of it, so that one run shows everything.
#[derive(Default)]
struct Findings {
    rows: usize,
    wrong: Vec<String>,
}

impl Findings {
    fn expect<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, who: &str, got: &T, want: &T) {
        self.rows += 1;
        if got != want {
            self.wrong.push(format!("{who} says {got:?}, the table {want:?}: {what}"));
        }
    }

    /// Fails where anything was found, or where the table was empty.
    fn report(self) {
        assert!(self.rows > 0, "the table is empty");
        assert!(
            self.wrong.is_empty(),
            "{} of {} answers:\n{}",
            self.wrong.len(),
            self.rows,
            self.wrong.join("\n")
        );
    }
}

/// A way of reading claims, as the reference and the product call it.
const QUESTION: (Way, Completeness) = (Way::Question, Completeness::Question);
const TOKEN: (Way, Completeness) = (Way::Token, Completeness::Token);

/// A world, seen by the reference and by the product.
struct Both<'a> {
    served: Served<'a>,
    product: Product,
}

impl<'a> Both<'a> {
    fn of(world: &'a World) -> Self {
        Self { served: Served::of(world), product: Product::of(world) }
    }

    /// Puts one question, such as `Function:Get dev:env`, to both, as somebody wrote it down; `None` is wrong
    /// input.
    fn ask(&self, found: &mut Findings, what: &str, claims: &Value, question: &str, want: Option<bool>) {
        self.ask_by(QUESTION, found, what, claims, question, want);
    }

    /// The same, with the claims of a whole token.
    fn ask_with_token(&self, found: &mut Findings, what: &str, claims: &Value, question: &str, want: bool) {
        self.ask_by(TOKEN, found, &format!("{what}, by a token"), claims, question, Some(want));
    }

    fn ask_by(
        &self,
        (way, completeness): (Way, Completeness),
        found: &mut Findings,
        what: &str,
        claims: &Value,
        question: &str,
        want: Option<bool>,
    ) {
        let (action, resource) = question.split_once(' ').expect("an action and a resource");
        let what = format!("{what}: {question} for {claims}");
        let by_reference = match reference::Request::parse(action, resource) {
            Ok(request) => Some(self.served.decide(claims, NOW, way, &request)),
            Err(WrongInput) => None,
        };
        let parsed = faas_iam::model::Request::parse(action, resource);
        let by_product = parsed.ok().map(|request| self.product.decide(claims, NOW, completeness, &request));
        found.expect(&what, "the reference", &by_reference, &want);
        found.expect(&what, "the product", &by_product, &want);
    }
}
