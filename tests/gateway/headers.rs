//! Headers that a client sends to be believed, or to have others taken off.

use crate::judged::Ask;
use crate::support::Result;
use crate::world::shared;

/// Headers by which programs believe a proxy, in the spellings that they take for one.
const BELIEVED: [&str; 16] = [
    "Remote-User",
    "remote_user",
    "Remote.User",
    "X-Remote-User",
    "X_Remote_Group",
    "X-Forwarded-User",
    "x_forwarded_user",
    "X.Forwarded.Email",
    "X-Forwarded-Access-Token",
    "X-Forwarded-Prefix",
    "X_FORWARDED_FOR",
    "X-Auth-Request-User",
    "X-Auth-Request.Groups",
    "X-Original-URL",
    "X-Real-IP",
    "Forwarded",
];

#[tokio::test]
async fn s9_what_a_proxy_would_be_believed_for_is_taken_off_in_every_spelling() -> Result<()> {
    let world = shared().await?;
    for name in BELIEVED {
        for connection in ["close", &format!("close, {name}")] {
            let ask = Ask::new("GET", "/function/env.dev", "").with(name, "root").with("X-Mine", "stays");
            let outcome = world.send(&world.public, &ask.with("Connection", connection)).await?;
            let record = outcome.forwarded.expect(name);
            assert!(record.header(name).is_empty(), "{}", crate::judged::text(&record.head));
            assert_eq!(record.header("x-mine"), ["stays"]);
        }
    }
    Ok(())
}

#[tokio::test]
async fn s10_what_connection_names_takes_nothing_off_that_is_needed() -> Result<()> {
    let world = shared().await?;
    let token = world.function_token("alice", &[]).await?;
    for named in
        ["Authorization", "X-Auth-Token", "Host", "Content-Length", "X-Forwarded-For", "X-Forwarded-Host"]
    {
        let ask =
            Ask::new("POST", "/function/env.dev", "hello").with("Connection", &format!("close, {named}"));
        let outcome = world.send(&world.deny, &ask.clone().bearer(&token)).await?;
        assert_eq!(outcome.answer.status, 200, "{named}");
        let record = outcome.forwarded.expect(named);
        assert_eq!(record.header("host"), [world.provider.host()], "{named}");
        assert_eq!(record.header("x-forwarded-host"), [world.deny.address.as_str()], "{named}");
        assert!(record.header("connection").is_empty(), "{named}");
        assert_eq!(world.send(&world.deny, &ask).await?.answer.status, 401, "{named}");
    }
    let list = Ask::new("GET", "/system/functions?namespace=dev", "");
    let list = list.bearer(&world.api_token("alice").await?).with("Connection", "close, Authorization, Host");
    assert_eq!(world.send(&world.deny, &list).await?.answer.status, 200);
    Ok(())
}

#[tokio::test]
async fn s11_a_function_collects_nothing_of_ours() -> Result<()> {
    let world = shared().await?;
    let tokens = [world.api_token("alice").await?, world.function_token("alice", &[]).await?];
    let basic = crate::judged::basic();
    let shown = tokens.iter().map(|token| format!("Bearer {token}")).chain([basic]);
    for value in shown {
        for name in ["Authorization", "X-Auth-Token"] {
            let outcome = world
                .send(&world.public, &Ask::new("GET", "/function/env.dev", "").with(name, &value))
                .await?;
            let record = outcome.forwarded.expect("a public function");
            assert!(record.header(name).is_empty(), "{}", crate::judged::text(&record.head));
        }
    }
    let theirs = world.id_token("alice").await?;
    let outcome =
        world.send(&world.public, &Ask::new("GET", "/function/env.dev", "").bearer(&theirs)).await?;
    assert_eq!(
        outcome.forwarded.expect("a public function").header("authorization"),
        [format!("Bearer {theirs}")]
    );
    Ok(())
}
