//! How a case is measured: all contenders give the same answers, or nothing is timed; then rounds in which each is
//! timed once, so that what disturbs the machine disturbs all of them.

use std::path::Path;
use std::time::Duration;

use crate::casbin::Casbin;
use crate::cedar::Cedar;
use crate::contender::Contender;
use crate::installation::Installation;
use crate::opa::Opa;
use crate::ours::{Indexed, Scanned};
use crate::regorus::Regorus;
use crate::results::Row;

/// How long one contender is timed in a round, at least.
const AT_LEAST: Duration = Duration::from_millis(20);

/// How much is measured.
pub struct Effort {
    pub rounds: usize,
    pub compiles: usize,
}

type Named = (&'static str, Box<dyn Contender>, Duration);

/// The rows of one case at one size.
pub fn measure(
    case: &str,
    policies: usize,
    installation: &Installation,
    opa: Option<&Path>,
    effort: &Effort,
) -> Vec<Row> {
    let mut contenders = contenders(installation, opa, effort.compiles);
    let questions = installation.questions.len();
    agree(&mut contenders, questions);
    let times: Vec<_> = contenders.iter_mut().map(|(_, each, _)| repeats(each.as_mut(), questions)).collect();
    let mut took = vec![Vec::new(); contenders.len()];
    for _ in 0..effort.rounds {
        for (at, (_, each, _)) in contenders.iter_mut().enumerate() {
            let asked = questions as f64 * times[at] as f64;
            took[at].push(each.time(questions, times[at]).as_nanos() as f64 / asked);
        }
    }
    let rows = contenders.iter().zip(took);
    rows.map(|((name, _, compile), took)| Row::new(case, name, policies, took, *compile)).collect()
}

fn contenders(installation: &Installation, opa: Option<&Path>, compiles: usize) -> Vec<Named> {
    let mut all = vec![
        compiled("faas-iam", compiles, || Indexed::new(installation)),
        compiled("scan", compiles, || Scanned::new(installation)),
        compiled("cedar-policy", compiles, || Cedar::new(installation)),
        compiled("casbin", compiles, || Casbin::new(installation)),
        compiled("regorus", compiles, || Regorus::new(installation)),
    ];
    all.extend(opa.map(|program| compiled("OPA", compiles, || Opa::new(program, installation))));
    all
}

/// A contender and the median of what its compiles took.
fn compiled<C: Contender + 'static>(
    name: &'static str,
    times: usize,
    new: impl Fn() -> (C, Duration),
) -> Named {
    let (contender, took) = new();
    let mut took = vec![took];
    took.extend((1..times).map(|_| new().1));
    took.sort_unstable();
    (name, Box::new(contender), took[took.len() / 2])
}

/// Ends here where some contender answers otherwise than ours, or where nothing is granted, or everything.
fn agree(contenders: &mut [Named], questions: usize) {
    let answers = |each: &mut Named| (0..questions).map(|q| each.1.allows(q)).collect::<Vec<_>>();
    let (ours, others) = contenders.split_first_mut().expect("contenders");
    let expected = answers(ours);
    assert!(expected.contains(&true) && expected.contains(&false), "the questions tell nothing apart");
    for other in others {
        assert_eq!(answers(other), expected, "{} and {} do not agree", other.0, ours.0);
    }
}

/// How often it is asked everything in a round. The first time is cold, and not what to go by.
fn repeats(contender: &mut dyn Contender, questions: usize) -> u64 {
    contender.time(questions, 1);
    let once = contender.time(questions, 1).as_nanos().max(1);
    (AT_LEAST.as_nanos() / once + 1) as u64
}
