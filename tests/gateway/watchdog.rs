//! The check that a watchdog makes of a function token, beside the gateway's: it takes ours, refuses what it should, and
//! where it matches loosely the gateway does not. By the stand-in always, by a real of-watchdog where there is one.

use std::path::PathBuf;

use serde_json::json;

use crate::judged::Ask;
use crate::people::{claims, now};
use crate::support::{Result, skip, watchdog::Watchdog};
use crate::wire;
use crate::world::{Gateway, World, shared};

/// Functions, and what the watchdog and the gateway answer to each token.
const FUNCTIONS: [(&str, &str); 5] =
    [("dev", "env"), ("dev", "envy"), ("dev", "my-env"), ("prod", "env"), ("prod-dev", "env")];

/// Whose token, for which audience, and for each function the watchdog's status and the gateway's.
type Expected = (&'static str, &'static [&'static str], [(u16, u16); 5]);

/// Where the two differ, the watchdog's expression is anchored at neither end: `dev:env` is in `dev:envy` and in
/// `prod-dev:env`, `dev:*` in `prod-dev:env`.
const GRANTS: [Expected; 5] = [
    ("eve", &[], [(200, 200), (200, 403), (403, 403), (403, 403), (200, 403)]),
    ("eve", &["dev:env"], [(200, 200), (200, 403), (403, 403), (403, 403), (200, 403)]),
    ("alice", &[], [(200, 200), (200, 200), (200, 200), (403, 403), (200, 403)]),
    ("alice", &["dev:my-env"], [(403, 403), (403, 403), (200, 200), (403, 403), (403, 403)]),
    ("root", &[], [(200, 200), (200, 200), (200, 200), (200, 200), (200, 200)]),
];

/// Tokens that are none for a function: what the watchdog answers and what the gateway.
async fn others(world: &World) -> Result<Vec<(&'static str, Option<String>, (u16, u16))>> {
    let function = world.function_token("root", &[]).await?;
    let but = |changes: serde_json::Value| -> Result<String> {
        let mut all = claims(&function)?;
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        world.ours.token(&all)
    };
    let forged = world.robots.token(&claims(&function)?)?;
    let (head, rest) = function.split_once('.').unwrap();
    let unsigned = format!("{head}.{}.", rest.split('.').next().unwrap());
    Ok(vec![
        ("none", None, (401, 401)),
        ("garbage", Some("not.a.token".into()), (401, 401)),
        ("an identity provider's", Some(world.id_token("root").await?), (401, 401)),
        // The watchdog knows no kinds: it misses the permissions alone.
        ("an API token", Some(world.api_token("root").await?), (403, 401)),
        ("expired", Some(but(json!({"iat": now() - 900, "exp": now() - 60}))?), (401, 401)),
        ("of another issuer", Some(but(json!({"iss": "https://other.example.com"}))?), (401, 401)),
        ("for somebody else", Some(but(json!({"aud": ["https://other.example.com"]}))?), (401, 401)),
        ("without permissions", Some(but(json!({"function": {"permissions": []}}))?), (403, 403)),
        ("by another key", Some(forged), (401, 401)),
        ("without a signature", Some(unsigned), (401, 401)),
    ])
}

fn call(path: &str, token: Option<&str>) -> Ask {
    let ask = Ask::new("POST", path, "x");
    token.map_or(ask.clone(), |token| ask.bearer(token))
}

async fn asked(address: &str, path: &str, token: Option<&str>) -> Result<u16> {
    let ask = call(path, token).with("Content-Type", "text/plain");
    Ok(wire::one(address, &ask.bytes(address)).await?.status)
}

/// Compares one function's watchdog, and the gateway in front of it, with what is expected.
async fn compare(world: &World, n: usize, watchdog: &Watchdog) -> Result<()> {
    let (namespace, name) = FUNCTIONS[n];
    let through = format!("/function/{name}.{namespace}/any/path");
    for (sub, audience, expected) in GRANTS {
        let token = world.function_token(sub, audience).await?;
        let gateway = world.send(&world.deny, &call(&through, Some(&token))).await?.answer.status;
        let got = (asked(watchdog.address(), "/any/path", Some(&token)).await?, gateway);
        assert_eq!(got, expected[n], "{sub} {audience:?} at {namespace}:{name}");
    }
    for (what, token, expected) in others(world).await? {
        let gateway = world.send(&world.deny, &call(&through, token.as_deref())).await?.answer.status;
        let got = (asked(watchdog.address(), "/", token.as_deref()).await?, gateway);
        assert_eq!(got, expected, "{what} at {namespace}:{name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_watchdogs_check_takes_our_function_token_and_the_gateway_is_exact_where_it_is_loose() -> Result<()>
{
    let world = shared().await?;
    for (n, (namespace, name)) in FUNCTIONS.iter().enumerate() {
        compare(world, n, &Watchdog::stand_in(&world.public_url, namespace, name)?).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_real_watchdog_does_as_the_stand_in() -> Result<()> {
    let Some(program) = std::env::var_os("OF_WATCHDOG")
        .map(PathBuf::from)
        .or_else(|| crate::faas_cli::on_path("of-watchdog"))
    else {
        return skip::allowed("no of-watchdog: name one in OF_WATCHDOG, or have it on PATH");
    };
    let world = shared().await?;
    let _local = world.another("local", 8000, &["--private-functions"]).await?;
    for (n, (namespace, name)) in FUNCTIONS.iter().enumerate() {
        compare(world, n, &Watchdog::real(&program, world.folder(), namespace, name).await?).await?;
    }
    Ok(())
}

/// Deploys a function through a gateway, which knows it by the time it answers.
async fn deployed(world: &World, gateway: &Gateway, name: &str, more: &str) -> Result<()> {
    let body = format!(r#"{{"service":"{name}","namespace":"dev","image":"i",{more}}}"#);
    let root = world.api_token("root").await?;
    let outcome = world.send(gateway, &Ask::new("POST", "/system/functions", &body).bearer(&root)).await?;
    assert_eq!(outcome.answer.status, 202, "{}", outcome.answer.text());
    Ok(())
}

#[tokio::test]
async fn a_token_gets_where_the_functions_watchdog_looks_for_it_and_nowhere_else() -> Result<()> {
    let world = shared().await?;
    deployed(world, &world.deny, "guarded", r#""envVars":{"jwt_auth":"true"}"#).await?;
    let token = world.function_token("alice", &[]).await?;
    let call =
        |name: &str| Ask::new("GET", &format!("/function/{name}.dev"), "").with("X-Auth-Token", &token);
    let record = world.send(&world.deny, &call("guarded")).await?.forwarded.expect("who may");
    assert_eq!(record.header("authorization"), [format!("Bearer {token}")]);
    assert!(record.header("x-auth-token").is_empty());
    let watchdog = Watchdog::stand_in(&world.public_url, "dev", "guarded")?;
    let again = Ask::new("GET", &record.target, "").with("Authorization", &record.header("authorization")[0]);
    assert_eq!(wire::one(watchdog.address(), &again.bytes(watchdog.address())).await?.status, 200);

    let both = call("guarded").bearer("the application's own");
    assert_eq!(world.send(&world.deny, &both).await?.answer.status, 400);
    let record = world
        .send(&world.deny, &call("env").bearer("the-applications-own"))
        .await?
        .forwarded
        .expect("who may");
    assert_eq!(record.header("authorization"), ["Bearer the-applications-own"]);
    assert!(record.header("x-auth-token").is_empty());
    Ok(())
}

#[tokio::test]
async fn a_function_that_says_itself_that_it_is_private_is_so_as_soon_as_it_is_deployed() -> Result<()> {
    let world = shared().await?;
    let private = r#""annotations":{"iam.openfaas.com/privacy":"private"}"#;
    deployed(world, &world.public, "shy", private).await?;
    deployed(world, &world.public, "open", r#""annotations":{"iam.openfaas.com/privacy":"public"}"#).await?;
    for method in ["GET", "OPTIONS", "POST"] {
        let call = |name: &str| Ask::new(method, &format!("/function/{name}.dev"), "");
        assert_eq!(world.send(&world.public, &call("shy")).await?.answer.status, 401, "{method}");
        assert_eq!(world.send(&world.public, &call("open")).await?.answer.status, 200, "{method}");
        let token = world.function_token("alice", &["dev:shy"]).await?;
        assert_eq!(
            world.send(&world.public, &call("shy").bearer(&token)).await?.answer.status,
            200,
            "{method}"
        );
    }
    Ok(())
}
