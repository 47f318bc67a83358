//! Questions: such as somebody can ask, and now and then any action on anything.

use super::dice::Dice;

#[rustfmt::skip]
const OF_FUNCTIONS: [&str; 10] = [
    "Function:Get", "Function:Get", "Function:List", "Function:Invoke", "Function:Invoke", "Function:Invoke",
    "Function:Create", "Function:Update", "Function:Delete", "Function:Tag",
];
const OF_NAMESPACES: [&str; 4] = ["Secret:List", "Secret:Update", "Namespace:List", "Namespace:Get"];

#[rustfmt::skip]
const FUNCTIONS: [&str; 20] = [
    "dev:env", "dev:env", "dev:env", "dev:env", "dev:env", "dev:env", "dev:env", "dev:api", "dev:api", "dev:api",
    "dev:*", "dev:*", "prod:api", "prod:api", "prod:*", "devenv:env", "devenv:*", "*", "*", "kube-system:x",
];

#[rustfmt::skip]
const NAMESPACES: [&str; 9] = [
    "dev:*", "dev:*", "dev:*", "dev:env", "prod:*", "prod:*", "prod:api", "devenv:*", "kube-system:*",
];

pub type Question = (&'static str, &'static str);

/// A question that is one, by its action's level (`semantics.md` 1 to 4).
pub fn askable(dice: &mut Dice) -> Question {
    match dice.below(12) {
        0..9 => (dice.one(&OF_FUNCTIONS), dice.one(&FUNCTIONS)),
        9..11 => (dice.one(&OF_NAMESPACES), dice.one(&NAMESPACES)),
        _ => dice.one(&[("System:Info", "*"), ("Namespace:List", "*")]),
    }
}

/// Any action on anything.
pub fn any(dice: &mut Dice) -> Question {
    let action = match dice.below(3) {
        0 => dice.one(&OF_FUNCTIONS),
        1 => dice.one(&OF_NAMESPACES),
        _ => dice.one(&["Function:*", "System:Info", "Role:*"]),
    };
    (action, dice.one(&["*", "dev:*", "dev:env", "dev", "Dev:env", "dev:e*"]))
}
