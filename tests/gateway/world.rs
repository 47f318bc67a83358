//! The gateway as a process, from a folder of manifests, between a provider and an OpenID provider. It holds no
//! expectation.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell};

use crate::people::{ROBOTS, Signer, now};
use crate::support::{
    Failure, Result,
    child::Leashed,
    oidc, ports, product,
    provider::{self, Provider},
    scratch::Scratch,
};

/// How long anything may take that takes a moment.
pub const WITHIN: Duration = Duration::from_secs(60);
/// The administrator of the provider, which the gateway alone knows.
pub const ADMIN: (&str, &str) = ("admin", "correct horse battery staple");
/// How an exchange is asked for.
pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// What a subject token is.
pub const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// Who may do what: alice everything in `dev`, robot the same by another issuer, eve sees `dev:env` and invokes it, root
/// everything, and so does the administrator where basic auth is let in at all.
const GRANTED: &str = r#"
apiVersion: iam.openfaas.com/v1
kind: Policy
metadata: { name: dev, namespace: openfaas }
spec: { statement: [{ sid: s, effect: Allow, action: ["Function:*", "Secret:*", "Namespace:*"], resource: ["dev:*"] }] }
---
apiVersion: iam.openfaas.com/v1
kind: Policy
metadata: { name: env, namespace: openfaas }
spec: { statement: [{ sid: s, effect: Allow, action: ["Function:List", "Function:Get", "Function:Invoke"], resource: ["dev:env"] }] }
---
apiVersion: iam.openfaas.com/v1
kind: Policy
metadata: { name: all, namespace: openfaas }
spec: { statement: [{ sid: s, effect: Allow, action: ["*"], resource: ["*"] }] }
"#;

/// A gateway that listens.
pub struct Gateway {
    /// Its process.
    pub process: Leashed,
    /// Where it listens.
    pub address: String,
}

/// Everything that runs.
pub struct World {
    /// Behind the gateways.
    pub provider: Provider,
    /// In front of them, by TLS with an authority of its own.
    pub idp: oidc::Provider,
    /// The key of the issuer [`ROBOTS`].
    pub robots: Signer,
    /// The gateways' own key.
    pub ours: Signer,
    /// What all of them call themselves, which is where `deny` listens.
    pub public_url: String,
    /// Functions are private, and nobody gets in by basic auth.
    pub deny: Gateway,
    /// Functions are private, and the administrator gets in.
    pub migrate: Gateway,
    /// Functions are public.
    pub public: Gateway,
    one_token: Mutex<()>,
    scratch: Scratch,
}

/// The one that most tests share: one request after another, so that each knows what it made the provider see.
pub async fn shared() -> Result<&'static World> {
    static SHARED: OnceCell<Result<World>> = OnceCell::const_new();
    match SHARED.get_or_init(World::start).await {
        Ok(world) => Ok(world),
        Err(failure) => Err(Failure::new(failure.to_string())),
    }
}

impl World {
    /// Starts all of it.
    pub async fn start() -> Result<Self> {
        let names = ["env.dev", "env.prod", "env", "env.prod-dev", "envy.dev", "my-env.dev"];
        let provider = Provider::start(&provider::Options {
            functions: names.map(str::to_owned).to_vec(),
            admin: Some((ADMIN.0.to_owned(), ADMIN.1.to_owned())),
            ..Default::default()
        })?;
        let idp = oidc::Provider::start(&oidc::Options::default())?;
        let (robots, mut ours) = (Signer::new("r1")?, Signer::new("ours")?);
        let scratch = Scratch::new()?;
        let port = ports::free();
        let public_url = format!("http://127.0.0.1:{port}");
        let iam = scratch.path().join("iam");
        std::fs::create_dir(&iam)?;
        std::fs::write(iam.join("policies.yaml"), GRANTED)?;
        std::fs::write(iam.join("who.json"), who(&public_url, idp.issuer(), &robots).to_string())?;
        scratch.write("issuer.key", &ours.pem())?;
        scratch.write("user", ADMIN.0)?;
        scratch.write("password", ADMIN.1)?;
        scratch.write("ca.pem", &idp.ca())?;
        let start = Start { scratch: &scratch, upstream: provider.url(), public_url: &public_url };
        let deny = start.gateway("deny", port, &["--private-functions"]).await?;
        let migrate = start
            .gateway("migrate", ports::free(), &["--private-functions", "--basic-auth", "migrate"])
            .await?;
        let public = start.gateway("public", ports::free(), &[]).await?;
        ours.named(&deny.kid().await?);
        Ok(Self {
            provider,
            idp,
            robots,
            ours,
            public_url,
            deny,
            migrate,
            public,
            one_token: Mutex::default(),
            scratch,
        })
    }

    /// A token of the identity provider for somebody.
    pub async fn id_token(&self, sub: &str) -> Result<String> {
        // Its claims stand in one file.
        let _alone = self.one_token.lock().await;
        self.idp.token(&json!({"sub": sub, "aud": self.public_url})).await
    }

    /// A token of the issuer whose keys stand in its JwtIssuer.
    pub fn robot_token(&self, sub: &str) -> Result<String> {
        self.robots.token(&json!({"iss": ROBOTS, "aud": self.public_url, "sub": sub, "exp": now() + 3600}))
    }

    /// An API token of somebody.
    pub async fn api_token(&self, sub: &str) -> Result<String> {
        self.deny.exchange(&self.id_token(sub).await?, &[]).await
    }

    /// A function token of somebody, for these functions and namespaces or all that are granted.
    pub async fn function_token(&self, sub: &str, audience: &[&str]) -> Result<String> {
        let mut more = vec![("scope", "function")];
        more.extend(audience.iter().map(|audience| ("audience", *audience)));
        self.deny.exchange(&self.id_token(sub).await?, &more).await
    }

    /// One more gateway, with these files, at this port.
    pub async fn another(&self, name: &str, port: u16, more: &[&str]) -> Result<Gateway> {
        let (upstream, public_url) = (self.provider.url(), self.public_url.as_str());
        Start { scratch: &self.scratch, upstream, public_url }.gateway(name, port, more).await
    }

    /// Writes a file beside the gateways' own, and gives its path.
    pub fn file(&self, name: &str, text: &str) -> Result<String> {
        Ok(self.scratch.write(name, text)?.display().to_string())
    }

    /// Where the gateways' files are.
    pub fn folder(&self) -> &std::path::Path {
        self.scratch.path()
    }
}

/// What every gateway has.
struct Start<'w> {
    scratch: &'w Scratch,
    upstream: &'w str,
    public_url: &'w str,
}

impl Start<'_> {
    async fn gateway(&self, name: &str, port: u16, more: &[&str]) -> Result<Gateway> {
        let address = format!("127.0.0.1:{port}");
        let file = |name: &str| self.scratch.path().join(name).display().to_string();
        let (iam, key, user, password) = (file("iam"), file("issuer.key"), file("user"), file("password"));
        let mut arguments = vec!["gateway", "--manifests", &iam, "--signing-key-file", &key];
        arguments.extend(["--admin-user-file", &user, "--admin-password-file", &password]);
        arguments.extend(["--listen", &address, "--metrics-listen", "127.0.0.1:0"]);
        let audit = file(&format!("{name}.audit"));
        arguments.extend(["--audit-file", &audit]);
        arguments.extend(["--upstream", self.upstream, "--public-url", self.public_url]);
        arguments.extend(more);
        let ca = file("ca.pem");
        arguments.splice(1..1, ["--ca-file", &ca]);
        let env = [("FAAS_IAM_LOG_FORMAT", "json")];
        let mut process = product::start(name, self.scratch.path(), &arguments, &env)?;
        process.line_with("\"message\":\"listening\"", WITHIN).await?;
        Ok(Gateway { process, address })
    }
}

impl Gateway {
    /// A URL of it.
    pub fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    /// Exchanges a token; the failure is the refusal's text.
    pub async fn exchange(&self, token: &str, more: &[(&str, &str)]) -> Result<String> {
        let mut form =
            vec![("grant_type", GRANT), ("subject_token", token), ("subject_token_type", ID_TOKEN)];
        form.extend(more);
        let form: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = client()?.post(self.url("/oauth/token")).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer: Value = serde_json::from_str(&request.send().await?.text().await?)?;
        let token = answer["access_token"].as_str().map(str::to_owned);
        token.ok_or_else(|| Failure::new(format!("no token: {answer}")))
    }

    /// The id of the key with which it signs.
    async fn kid(&self) -> Result<String> {
        let keys = client()?.get(self.url("/.well-known/keys")).send().await?.text().await?;
        let keys: Value = serde_json::from_str(&keys)?;
        let kid = keys["keys"][0]["kid"].as_str().map(str::to_owned);
        kid.ok_or_else(|| Failure::new(format!("no key: {keys}")))
    }
}

/// A client that follows nothing and keeps no connection: each test has a runtime of its own.
pub fn client() -> Result<reqwest::Client> {
    let none = reqwest::redirect::Policy::none();
    Ok(reqwest::Client::builder().redirect(none).no_proxy().pool_max_idle_per_host(0).build()?)
}

/// The issuers, and the Roles of everybody.
fn who(public_url: &str, idp: &str, robots: &Signer) -> Value {
    let object = |kind: &str, name: &str, spec: Value| {
        let metadata = json!({"name": name, "namespace": "openfaas"});
        json!({"apiVersion": "iam.openfaas.com/v1", "kind": kind, "metadata": metadata, "spec": spec})
    };
    let role = |name: &str, policy: &str, iss: &str, sub: &str| {
        let condition = json!({"StringEqual": {"jwt:iss": [iss]}});
        object(
            "Role",
            name,
            json!({"policy": [policy], "principal": {"jwt:sub": [sub]}, "condition": condition}),
        )
    };
    let jwks = json!({"keys": [robots.jwk()]});
    let items = vec![
        object("JwtIssuer", "system", json!({"iss": public_url, "aud": [public_url]})),
        object("JwtIssuer", "idp", json!({"iss": idp, "aud": [public_url]})),
        object("JwtIssuer", "robots", json!({"iss": ROBOTS, "aud": [public_url], "jwks": jwks})),
        role("alice", "dev", idp, "alice"),
        role("eve", "env", idp, "eve"),
        role("root", "all", idp, "root"),
        role("robot", "dev", ROBOTS, "robot"),
        role("admin", "all", "urn:faas-iam:basic-auth", ADMIN.0),
    ];
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}
