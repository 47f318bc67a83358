//! `make standalone`: the gateway from a folder of manifests, with no Kubernetes anywhere (`examples/standalone`).

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::KeyPair;
use serde_json::Value;

use super::session::{Call, Session};
use super::support::{
    Failure, Result,
    child::Leashed,
    cluster::write_private,
    ports, product,
    provider::{Options, Provider},
    scratch::Scratch,
    tools::root,
};

/// The gateway's address in the manifests.
const ADDRESS: &str = "http://127.0.0.1:8080";
/// The key of the people's identity provider in the manifests, which nobody has.
const KEY: (&str, &str) =
    ("GlA85nM0S2j4R2S0Kk3cXX24XJ_vCZzh1x32Dqw8boc", "NaZq-licguC8fHoaURrCYKcy1Syl05Hamh9i816z05g");
/// Its `kid`.
const KID: &str = "example-1";
/// What is waited for happens within this, or never.
const WITHIN: Duration = Duration::from_secs(30);
/// How long the people's tokens hold, seconds.
const HOUR: u64 = 3600;

/// Starts everything and shows it; dropped when interrupted, which ends everything.
pub async fn run(exit: bool) -> Result<()> {
    let scratch = Scratch::new()?;
    let url = format!("http://127.0.0.1:{}", ports::friendly());
    let people = KeyPair::generate()?;
    let manifests = manifests(scratch.path(), &url, &people)?;
    println!("starting a provider that stands for OpenFaaS");
    let functions = ["hello.dev", "report.dev", "billing.prod"].map(str::to_owned).to_vec();
    let admin = ("admin".to_owned(), ports::free().to_string());
    let provider = Provider::start(&Options { functions, admin: Some(admin.clone()), ..Options::default() })?;
    println!("starting the gateway from examples/standalone");
    let mut gateway = gateway(&scratch, &manifests, &url, provider.url(), &admin).await?;
    let shown = show(scratch.path(), &url, &people).await;
    shown.map_err(|failure| gateway.blame(&failure.to_string()))?;
    if exit {
        return match gateway.stop().await? {
            0 => Ok(()),
            code => Err(gateway.blame(&format!("ended with code {code}"))),
        };
    }
    println!("What is edited in {manifests} holds at once.");
    println!("running until interrupted (Ctrl-C)");
    let code = gateway.wait(Duration::from_secs(u64::from(u32::MAX))).await?;
    Err(gateway.blame(&format!("the gateway has ended with code {code}")))
}

/// Copies the example's manifests, with the address and the key of this run; gives where they are.
fn manifests(folder: &Path, url: &str, people: &KeyPair) -> Result<String> {
    let copies = folder.join("iam");
    fs::create_dir(&copies)?;
    let (x, y) = coordinates(people)?;
    for entry in fs::read_dir(root().join("examples/standalone"))? {
        let path = entry?.path();
        if let Some(name) =
            path.file_name().filter(|_| path.extension().is_some_and(|ending| ending == "yaml"))
        {
            let text = fs::read_to_string(&path)?.replace(ADDRESS, url).replace(KEY.0, &x).replace(KEY.1, &y);
            fs::write(copies.join(name), text)?;
        }
    }
    Ok(copies.display().to_string())
}

/// The public half, as a JWK has it (RFC 7518 section 6.2.1).
fn coordinates(key: &KeyPair) -> Result<(String, String)> {
    // An uncompressed point: 4, then both in 32 bytes each.
    let point = key.public_key_raw().get(1..).and_then(|point| point.split_at_checked(32));
    let (x, y) = point.ok_or_else(|| Failure::new("the key is not on P-256"))?;
    Ok((URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y)))
}

/// Starts the gateway and waits until it is ready.
async fn gateway(
    scratch: &Scratch,
    manifests: &str,
    url: &str,
    upstream: &str,
    (user, password): &(String, String),
) -> Result<Leashed> {
    let file = |name: &str, text: &str| Ok::<_, Failure>(scratch.write(name, text)?.display().to_string());
    let key = file("issuer.key", &KeyPair::generate()?.serialize_pem())?;
    let (user, password) = (file("basic-auth-user", user)?, file("basic-auth-password", password)?);
    let metrics = format!("127.0.0.1:{}", ports::free());
    let mut arguments = vec!["gateway", "--manifests", manifests, "--signing-key-file", &key];
    arguments.extend(["--listen", url.trim_start_matches("http://"), "--metrics-listen", &metrics]);
    arguments.extend(["--public-url", url, "--upstream", upstream]);
    arguments.extend(["--admin-user-file", &user, "--admin-password-file", &password]);
    let log = [("FAAS_IAM_LOG_FORMAT", "text")];
    let mut gateway = product::start("gateway", scratch.path(), &arguments, &log)?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    gateway.answers(&client, &format!("http://{metrics}/readyz"), WITHIN).await?;
    Ok(gateway)
}

/// Types what a person would.
async fn show(folder: &Path, url: &str, people: &KeyPair) -> Result<()> {
    let file = folder.join("bob.jwt");
    write_private(&file, &token("bob", people)?)?;
    let file = file.display();
    println!(
        "\nThe gateway listens at {url}. {file} is bob's token, as his identity provider would give it.\n"
    );
    let mut session = Session::new()?;
    let exchange = format!("faas-iam token exchange --gateway {url} --token {file}");
    session.set("TOKEN", &exchange)?;
    let get =
        |path: &str| Call { method: "GET", url: format!("{url}{path}"), token: Some("TOKEN"), body: None };
    session.call(&get("/system/function/hello?namespace=dev"), 200, "\"hello\"").await?;
    session.call(&get("/system/function/billing?namespace=prod"), 403, "decision").await?;
    let call = |token| {
        let url = format!("{url}/function/report.dev?stream=1");
        Call { method: "POST", url, token, body: Some("the report, please") }
    };
    session.call(&call(None), 401, "").await?;
    session.set("FUNCTION", &format!("{exchange} --scope function --audience dev:report"))?;
    session.call(&call(Some("FUNCTION")), 200, "the report, please").await?;
    let inspect = format!("echo \"$FUNCTION\" | faas-iam token inspect - --gateway {url} | sed '/^$/q'");
    session.command(&inspect, "verified: the gateway has signed it\nkind         function token")
}

/// A token with the claims of the example's file, and what else a provider adds.
fn token(name: &str, people: &KeyPair) -> Result<String> {
    let text = fs::read_to_string(root().join(format!("examples/standalone/claims/{name}.json")))?;
    let mut claims: Value = serde_json::from_str(&text)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    for (name, time) in [("iat", now), ("exp", now + HOUR)] {
        claims[name] = time.into();
    }
    let header = Header { kid: Some(KID.to_owned()), ..Header::new(Algorithm::ES256) };
    Ok(jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(people.serialized_der()))?)
}

#[cfg(test)]
#[tokio::test]
async fn one_command_shows_the_gateway_without_kubernetes() -> Result<()> {
    run(true).await
}
