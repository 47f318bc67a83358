//! Every route and method of OpenFaaS, by every kind of token, for the right namespace, a wrong one and none: what
//! `table.txt` says.

use serde_json::json;

use crate::cells::{Row, read};
use crate::judged::{Ask, basic};
use crate::people::{claims, now};
use crate::support::Result;
use crate::world::{Gateway, World, shared};

const TABLE: &str = include_str!("table.txt");

/// A kind of caller: the value of `Authorization`, and whether the gateway is one that lets basic auth in.
struct Caller {
    kind: &'static str,
    shows: Option<String>,
    migrates: bool,
}

/// A token of each kind. Who holds it may do everything in `dev`, where the kind is one that may do anything.
async fn callers(world: &World) -> Result<Vec<Caller>> {
    let api = world.api_token("alice").await?;
    let function = world.function_token("alice", &[]).await?;
    let changed = |token: &str, changes: serde_json::Value| {
        let mut all = claims(token)?;
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        world.ours.token(&all)
    };
    let us = &world.public_url;
    let identity = json!({"iss": us, "aud": us, "sub": "function:dev:env", "iat": now(), "exp": now() + 600,
        "openfaas:kind": "identity", "openfaas:namespace": "dev", "openfaas:function": "env", "openfaas:identity": "env"});
    let access = json!({"iss": us, "aud": [us], "sub": "access:p/ci", "jti": "id-1", "iat": now(), "exp": now() + 600,
        "openfaas:kind": "function", "function": {"permissions": ["dev:*"]}});
    let nobody = json!({"iss": "https://nobody.example.com", "aud": us, "sub": "root", "exp": now() + 600});
    let past = json!({"iat": now() - 600, "exp": now() - 60});
    let bearer = |kind: &'static str, token: String| Caller {
        kind,
        shows: Some(format!("Bearer {token}")),
        migrates: false,
    };
    Ok(vec![
        Caller { kind: "nothing", shows: None, migrates: false },
        bearer("garbage", "not.a.token".to_owned()),
        bearer("subject", world.id_token("alice").await?),
        bearer("identity", world.ours.token(&identity)?),
        bearer("stranger", world.robots.token(&nobody)?),
        bearer("late-api", changed(&api, past.clone())?),
        bearer("late-fn", changed(&function, past)?),
        bearer("unlisted", world.ours.token(&access)?),
        Caller { kind: "basic", shows: Some(basic()), migrates: false },
        Caller { kind: "migrate", shows: Some(basic()), migrates: true },
        bearer("api", api),
        bearer("root-api", world.api_token("root").await?),
        bearer("function", function),
        bearer("robot-api", world.deny.exchange(&world.robot_token("robot")?, &[]).await?),
    ])
}

fn gateway<'w>(world: &'w World, row: &Row, caller: &Caller) -> &'w Gateway {
    match (row.public, caller.migrates) {
        (true, _) => &world.public,
        (false, true) => &world.migrate,
        (false, false) => &world.deny,
    }
}

#[tokio::test]
async fn every_route_of_the_upstream_by_every_kind_of_token_and_namespace_is_as_the_table_says() -> Result<()>
{
    let world = shared().await?;
    let (table, callers) = (read(TABLE), callers(world).await?);
    assert!(
        callers.iter().map(|caller| caller.kind).eq(table.kinds.iter().map(String::as_str)),
        "{:?}",
        table.kinds
    );
    assert!(table.rows.len() > 60, "the table was not read whole");
    let mut wrong = Vec::new();
    for row in &table.rows {
        let mut got = Vec::new();
        for caller in &callers {
            let mut ask = Ask::new(&row.method, &row.target, &row.body);
            if let Some(shown) = &caller.shows {
                ask = ask.with("Authorization", shown);
            }
            let outcome = world.send(gateway(world, row, caller), &ask).await?;
            got.push(match (outcome.forwarded, outcome.answer.status) {
                (Some(_), _) => "yes".to_owned(),
                (None, 200..300) => "own".to_owned(),
                (None, status) => status.to_string(),
            });
        }
        if got != row.cells {
            let line = |cells: &[String]| cells.join(" ");
            let call = format!("{} {} {} ({})", row.method, row.target, row.body, row.namespace);
            wrong.push(format!("{call}\n  want {}\n  got  {}", line(&row.cells), line(&got)));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), table.rows.len(), wrong.join("\n"));
    Ok(())
}

#[tokio::test]
async fn a_refusal_tells_its_reason_and_an_id_and_how_to_get_a_token() -> Result<()> {
    let world = shared().await?;
    let alice = world.api_token("alice").await?;
    let denied = world
        .send(&world.deny, &Ask::new("GET", "/system/functions?namespace=prod", "").bearer(&alice))
        .await?;
    assert_eq!(denied.answer.status, 403);
    let text = denied.answer.text();
    assert!(
        text.starts_with("`alice` may not Function:List prod:*") && text.contains("(decision "),
        "{text}"
    );
    let nobody = world.send(&world.deny, &Ask::new("POST", "/function/env.dev", "x")).await?;
    assert_eq!(nobody.answer.status, 401);
    assert_eq!(nobody.answer.header("www-authenticate"), Some("Bearer realm=IAM function invoke"));
    assert!(nobody.answer.text().contains("(decision "));
    Ok(())
}
