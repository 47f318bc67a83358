//! What the gateway says that it judged, in its audit trail, beside what the provider then acted on: for every route of the
//! table, the same namespace and name, the status that the client got, the id that it was told.

use serde_json::Value;

use crate::cells::{Row, read};
use crate::judged::{Ask, Outcome};
use crate::support::{Result, wait::eventually};
use crate::world::{WITHIN, World};

/// The lines of a gateway's audit trail from the one on that is not read yet.
struct Trail {
    path: std::path::PathBuf,
    read: usize,
}

impl Trail {
    /// The next line, as soon as it is there.
    async fn next(&mut self) -> Result<Value> {
        let line = eventually("the next line of the audit trail", WITHIN, || async {
            let text = std::fs::read_to_string(&self.path)?;
            let whole = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
            Ok(whole.lines().nth(self.read).map(str::to_owned))
        })
        .await?;
        self.read += 1;
        Ok(serde_json::from_str(&line)?)
    }
}

/// What the line says is what happened.
fn compare(row: &Row, outcome: &Outcome, line: &Value) {
    let call = format!("{} {} ({}): {line}", row.method, row.target, row.namespace);
    let path = row.target.split('?').next().unwrap_or_default();
    assert_eq!(
        (line["method"].as_str(), line["path"].as_str()),
        (Some(row.method.as_str()), Some(path)),
        "{call}"
    );
    assert_eq!(line["response_code"], outcome.answer.status, "{call}");
    let judged = line["resource"].as_str().unwrap_or_default();
    match &outcome.forwarded {
        Some(record) => {
            assert_eq!(line["outcome"], "allowed", "{call}");
            let (namespace, name) = judged.split_once(':').unwrap_or(("", "*"));
            assert_eq!(namespace, record.namespace, "{call}");
            assert!(name == "*" || name == record.name, "{call}: {}", record.name);
        }
        None => {
            assert_eq!(line["outcome"], "refused", "{call}");
            let told = format!("(decision {})", line["decision"].as_str().unwrap_or_default());
            assert!(outcome.answer.text().contains(&told), "{call}: {}", outcome.answer.text());
        }
    }
}

#[tokio::test]
async fn what_the_audit_says_was_judged_is_what_the_provider_acts_on() -> Result<()> {
    let world = World::start().await?;
    let mut trail = Trail { path: world.folder().join("deny.audit"), read: 0 };
    let mut tokens = Vec::new();
    for sub in ["alice", "root"] {
        let id_token = world.id_token(sub).await?;
        let api = world.deny.exchange(&id_token, &[]).await?;
        let function = world.deny.exchange(&id_token, &[("scope", "function")]).await?;
        for line in [trail.next().await?, trail.next().await?] {
            assert_eq!(
                (line["event"].as_str(), line["outcome"].as_str()),
                (Some("exchange"), Some("allowed")),
                "{line}"
            );
            assert_eq!(line["actor"]["sub"], sub, "{line}");
            assert!(!line.to_string().contains(&api) && !line.to_string().contains(&id_token));
        }
        tokens.push((api, function));
    }
    let table = read(include_str!("table.txt"));
    let judged = |row: &&Row| {
        !row.public && row.cells.iter().any(|cell| cell == "yes") && !row.cells.contains(&"own".into())
    };
    for row in table.rows.iter().filter(judged) {
        for (api, function) in &tokens {
            let token = if row.target.starts_with("/system")
                || row.method == "DELETE" && row.target.starts_with("/async")
            {
                api
            } else {
                function
            };
            let ask = Ask::new(&row.method, &row.target, &row.body).bearer(token);
            let outcome = world.send(&world.deny, &ask).await?;
            compare(row, &outcome, &trail.next().await?);
        }
    }
    Ok(())
}
