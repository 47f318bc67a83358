//! Secrets show up nowhere: planted wherever the operator and the commands read, looked for in all that they write.

use std::collections::BTreeMap;

use faas_iam::{
    api::Kind,
    bundle::names::{INDEX_KEY, INDEX_SECRET},
};
use k8s_openapi::api::events::v1::Event;
use kube::{Api, ResourceExt as _};
use rcgen::KeyPair;
use serde_json::{Value, json};

use super::{
    installed::{Installed, Operator, WITHIN, all_ready, installed},
    main_job::{DECLARED, DECLARED_NAMES, GATEWAY},
};
use crate::support::{Result, canary::Canary, certs::Authority, shared::shared, wait::eventually};

const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
/// The private half of a key, as a JWK has it.
const PASTED: &str = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
const REFERRED: &str = "0g9vAFYvAnJ5XW7yV1nGjqLWj5r2Xq0oYbH5n3m7wZk";
const SYMMETRIC: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T";
const BESIDE: &str = "hunter2-beside-the-key-set";
const NO_JSON: &str = "rubbish-where-a-key-set-should-be";
const NO_KEY: &str = "rubbish-where-a-signing-key-should-be";

/// Secrets that `jwksRef` and `caBundleRef` lead to: name, key, text, and the JwtIssuer's reason.
fn referred(private_key: &str) -> Result<[(&'static str, &'static str, String, &'static str); 4]> {
    let public = json!({ "kty": "EC", "crv": "P-256", "x": X, "y": Y });
    let private = json!({ "kty": "EC", "crv": "P-256", "x": X, "y": Y, "d": REFERRED });
    let roots = Authority::new("private roots")?.pem() + private_key;
    Ok([
        ("partner", "jwks.json", json!({ "keys": [public] }).to_string(), "Accepted"),
        ("no-json", "jwks.json", format!(r#"{{"keys": [{NO_JSON}]}}"#), "KeysInvalid"),
        ("private-keys", "jwks.json", json!({ "keys": [private] }).to_string(), "KeysInvalid"),
        ("private-roots", "ca.crt", roots, "CaBundleInvalid"),
    ])
}

fn secret(name: &str, data: Value) -> String {
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": data })
        .to_string()
}

fn issuer(name: &str, more: Value) -> String {
    let mut spec = json!({ "iss": format!("https://{name}.example.com"), "aud": ["gw"] });
    spec.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    json!({ "apiVersion": Kind::JwtIssuer.api_version(), "kind": "JwtIssuer", "metadata": { "name": name }, "spec": spec })
        .to_string()
}

/// Everything that is planted in the cluster, as manifests; at last the installation's roots, a private key among them.
fn planted(private_key: &str) -> Result<Vec<String>> {
    let mut planted = Vec::new();
    for (name, key, text, _) in referred(private_key)? {
        planted.push(secret(name, json!({ key: text, "password": BESIDE })));
        let field = if key == "ca.crt" { "caBundleRef" } else { "jwksRef" };
        planted.push(issuer(name, json!({ field: { "kind": "Secret", "name": name, "key": key } })));
    }
    planted.push(secret("ca-bundle", json!({ "ca.crt": Authority::new("roots")?.pem() + private_key })));
    Ok(planted)
}

/// What the API server refuses at the door, so that only the commands meet it, in files.
fn pasted() -> String {
    let private = json!({ "kty": "EC", "crv": "P-256", "x": X, "y": Y, "d": PASTED });
    issuer("pasted", json!({ "jwks": { "keys": [private, { "kty": "oct", "k": SYMMETRIC }] } }))
}

/// What is planted, and everything in which it must not show, by where it is.
struct Hunt {
    at: Installed,
    private_key: String,
    planted: Vec<String>,
    places: BTreeMap<String, String>,
}

impl Hunt {
    async fn plant(at: Installed) -> Result<Self> {
        let private_key = KeyPair::generate()?.serialize_pem();
        let planted = planted(&private_key)?;
        at.apply(DECLARED).await?;
        for manifest in &planted[..planted.len() - 1] {
            at.apply(manifest).await?;
        }
        let refusal = at.apply(&pasted()).await.unwrap_err().to_string();
        assert!(refusal.contains("spec.jwks.keys[0]"), "{refusal}");
        Ok(Self { at, private_key, planted, places: [("a refusal".to_owned(), refusal)].into() })
    }

    /// Waits until the operator has met every secret and said what it has to say about it.
    async fn met(&self) -> Result<()> {
        all_ready(&self.at, &DECLARED_NAMES).await?;
        for (name, _, _, reason) in referred(&self.private_key)? {
            self.at.reason(Kind::JwtIssuer, name, reason).await?;
        }
        self.at.apply(&self.planted[self.planted.len() - 1]).await?;
        eventually("an Event about the bundle of certificates", WITHIN, async || {
            let events = self.at.events(INDEX_SECRET).await?;
            Ok(events.iter().any(|event| event.starts_with("CaBundleRefused: ")).then_some(()))
        })
        .await
    }

    /// Every secret there is, the operator's own token and key among them.
    async fn canaries(&self, token: &str) -> Result<Vec<Canary>> {
        let own = self.at.token()?;
        let mut canaries: Vec<_> = [PASTED, SYMMETRIC, REFERRED, BESIDE, NO_JSON]
            .map(|text| Canary::new(&format!("`{text}`"), text))
            .into();
        canaries.extend(Canary::pem("the private key among certificates", &self.private_key));
        canaries.extend(Canary::token("the token of `can-i`", token));
        canaries.extend(Canary::token("the operator's own token", &own));
        let pasted = pasted();
        for canary in &canaries {
            let mut there = self.planted.iter().map(String::as_str).chain([&*pasted, token, &own]);
            assert!(there.any(|text| canary.shows_in(text)), "{} was not planted", canary.name);
        }
        let key = self.at.secrets().get("issuer-key").await?.data.unwrap_or_default();
        canaries.extend(Canary::pem("our own signing key", std::str::from_utf8(&key["issuer.key"].0)?));
        canaries.push(Canary::new("what should be a signing key", NO_KEY));
        Ok(canaries)
    }

    /// What the commands say, on the cluster and on files.
    fn ask(&mut self, token: &str) -> Result<()> {
        let manifests = [&self.planted[..], &[DECLARED.to_owned(), pasted()]].concat();
        let files = self.at.file("planted.yaml", &manifests.join("\n---\n"))?;
        let cut = token.rsplit_once('.').unwrap().0;
        let tokens = [("good", token), ("forged", &*format!("{cut}.AAAA")), ("cut", cut)];
        let tokens = tokens.map(|(name, text)| self.at.file(name, text)).into_iter();
        // The token itself, where its file belongs, is what people do, too.
        let tokens = tokens.chain([Ok(token.to_owned())]).collect::<Result<Vec<_>>>()?;
        let mut commands = vec![vec!["check"], vec!["render"], vec!["who-can", "Function:Invoke", "dev:env"]];
        for token in &tokens {
            commands.push(vec!["can-i", "Function:Invoke", "dev:env", "--token", token]);
        }
        for command in commands {
            for more in
                [&[][..], &["-o", "json"], &["-o", "yaml"], &["-f", &files], &["-f", &files, "-o", "json"]]
            {
                let command = [&command[..], more].concat();
                self.places.insert(command.join(" "), self.at.run(&command)?.1);
            }
        }
        Ok(())
    }

    /// What the operator has written into the cluster, what its endpoints say, and at last its log.
    async fn look(&mut self, operator: Operator, debug: &str) -> Result<()> {
        self.objects(debug).await?;
        for path in ["/metrics", "/readyz", "/livez"] {
            self.places.insert(format!("{path} ({debug})"), operator.get(path).await?.1);
        }
        let log = operator.process.stderr() + &operator.process.stdout();
        assert!(log.contains(debug), "the log has the level that was asked for");
        self.places.insert(format!("the log ({debug})"), log);
        operator.stop().await
    }

    async fn objects(&mut self, when: &str) -> Result<()> {
        let at = &self.at;
        let mut put =
            |what: &str, name: &str, text| self.places.insert(format!("{what} {name} ({when})"), text);
        for kind in Kind::ACCESS {
            for object in at.objects(kind).list(&Default::default()).await? {
                put("the status of", &object.name_any(), object.data["status"].to_string());
            }
        }
        let events: Api<Event> = Api::namespaced(at.client.clone(), &at.namespace);
        for event in events.list(&Default::default()).await? {
            put("Event", &event.name_any(), serde_json::to_string(&event)?);
        }
        for shard in at.index().await?.shards {
            put("shard", &shard.name, serde_json::to_string(&at.maps().get(&shard.name).await?)?);
        }
        let index = at.secrets().get(INDEX_SECRET).await?.data.unwrap_or_default();
        put("the index", "", String::from_utf8_lossy(&index[INDEX_KEY].0).into_owned());
        Ok(())
    }

    /// Every place in which a secret shows.
    fn leaks(&self, canaries: &[Canary]) -> Vec<String> {
        let shown = self.places.iter().flat_map(|(place, text)| {
            let shown = canaries.iter().filter(|canary| canary.shows_in(text));
            shown.map(move |canary| format!("{} in {place}", canary.name))
        });
        shown.collect()
    }
}

#[tokio::test]
async fn no_secret_shows_in_logs_events_statuses_metrics_the_bundle_or_what_commands_say() -> Result<()> {
    let shared = shared().await?;
    let named = json!(["partner", "no-json", "private-keys", "private-roots"]);
    installed(shared.cluster(), json!({ "rbac": { "referencedSecrets": named } }), async |at| {
        let mut hunt = Hunt::plant(at).await?;
        let operator = hunt.at.start("text", &["--public-url", GATEWAY, "--log-level", "trace"])?;
        hunt.met().await?;
        let token = hunt.at.cluster.token("default", "default", &[GATEWAY]).await?;
        let canaries = hunt.canaries(&token).await?;
        hunt.ask(&token)?;
        hunt.look(operator, " DEBUG ").await?;

        hunt.at.apply(&secret("issuer-key", json!({ "issuer.key": NO_KEY }))).await?;
        let json = ["--public-url", GATEWAY, "--log-level", "trace", "--log-format", "json"];
        let operator = hunt.at.start("json", &json)?;
        hunt.at.reason(Kind::JwtIssuer, "system", "SigningKeyUnavailable").await?;
        hunt.look(operator, r#""level":"DEBUG""#).await?;

        assert_eq!(hunt.leaks(&canaries), Vec::<String>::new());
        Ok(())
    })
    .await
}
