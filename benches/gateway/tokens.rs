//! What is declared, who asks, and their tokens: an installation of 100 teams, an identity provider whose
//! key stands in its JwtIssuer, and a person of the team `dev`.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use faas_iam::api::Kind;
use faas_iam::token::SigningKey;
use serde_json::{Map, Value, json};

/// The gateway's public URL.
pub const US: &str = "https://gateway.example.com";
/// The identity provider.
pub const IDP: &str = "https://idp.example.com";
/// Teams beside `dev`, each with a Policy and a Role.
const TEAMS: usize = 100;

/// The keys of the installation.
pub struct World {
    idp: EcdsaKeyPair,
    /// Our own key, in PEM.
    pub pem: String,
    /// The same, ready.
    pub signing: SigningKey,
}

impl World {
    pub fn new() -> Self {
        let pem = faas_iam::operator::signing::generate().unwrap().to_string();
        let idp = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let signing = SigningKey::from_pem(pem.as_bytes()).unwrap();
        Self { idp, pem, signing }
    }

    /// The public half of the identity provider's key.
    pub fn idp_key(&self) -> Value {
        let (x, y) = self.idp.public_key().as_ref()[1..].split_at(32);
        let encoded = |bytes| URL_SAFE_NO_PAD.encode::<&[u8]>(bytes);
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "idp-1", "x": encoded(x), "y": encoded(y)})
    }

    /// Everything that is declared.
    pub fn objects(&self) -> Vec<(Kind, String, Value)> {
        let issuer = |name: &str, spec| (Kind::JwtIssuer, name.to_owned(), spec);
        let mut all = vec![
            issuer("system", json!({"iss": US, "aud": [US], "tokenExpiry": "12h"})),
            issuer(
                "idp",
                json!({"iss": IDP, "aud": [US], "tokenExpiry": "12h", "jwks": {"keys": [self.idp_key()]}}),
            ),
        ];
        for team in (0..TEAMS).map(|n| format!("team-{n}")).chain(["dev".to_owned()]) {
            let statement = json!({"sid": "s", "effect": "Allow", "action": ["Function:*", "Secret:*"], "resource": [format!("{team}:*")]});
            let who =
                json!({"StringEqual": {"jwt:iss": [IDP]}, "ForAnyValue:StringEqual": {"jwt:groups": [team]}});
            all.push((Kind::Policy, team.clone(), json!({"statement": [statement]})));
            all.push((Kind::Role, team.clone(), json!({"policy": [team], "condition": who})));
        }
        all
    }

    /// Writes it where a gateway reads it.
    pub fn write(&self, folder: &Path) {
        let manifests = folder.join("iam");
        std::fs::create_dir(&manifests).unwrap();
        for (kind, name, spec) in self.objects() {
            let object = json!({"apiVersion": kind.api_version(), "kind": format!("{kind:?}"), "metadata": {"name": name, "namespace": "openfaas"}, "spec": spec});
            let file = manifests.join(format!("{kind:?}-{name}.json"));
            std::fs::write(file, object.to_string()).unwrap();
        }
        std::fs::write(folder.join("issuer.key"), &self.pem).unwrap();
        std::fs::write(folder.join("user"), "admin").unwrap();
        std::fs::write(folder.join("password"), "hunter2").unwrap();
    }

    /// What a person's token of the identity provider says.
    pub fn subject(&self) -> Map<String, Value> {
        let claims = json!({
            "iss": IDP, "sub": "5f0c6a0e-8f5b-4a43-9f0d-1f4d5f1f7d11", "aud": US, "iat": now(), "exp": now() + 36_000,
            "email": "alice@example.com", "email_verified": true, "name": "Alice Example",
            "preferred_username": "alice", "groups": ["everybody", "staff", "dev"],
        });
        claims.as_object().unwrap().clone()
    }

    /// A token of the identity provider.
    pub fn subject_token(&self) -> String {
        let header = json!({"alg": "ES256", "kid": "idp-1", "typ": "JWT"}).to_string();
        let payload = serde_json::to_string(&self.subject()).unwrap();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = self.idp.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Tokens of ours that are like this one and yet others, each.
    pub fn others(&self, token: &str, from: usize, count: usize) -> impl Iterator<Item = String> {
        let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let mut claims: Map<String, Value> = serde_json::from_slice(&payload).unwrap();
        (from..from + count).map(move |at| {
            claims.insert("jti".to_owned(), format!("{at:016x}").into());
            self.signing.sign(&claims, &SystemRandom::new()).unwrap()
        })
    }
}

/// Seconds since 1970.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed()
}

/// The form that exchanges a token.
pub fn form(subject: &str, function: bool) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
    form.append_pair("subject_token_type", "urn:ietf:params:oauth:token-type:id_token");
    form.append_pair("subject_token", subject);
    if function {
        form.append_pair("scope", "function");
    }
    form.finish()
}
