//! The smallest thing that makes the operator write everything it ever writes: one object a kind, one edit of one.

use faas_iam::{
    api::Kind,
    bundle::names::{SIGNING_KEY, SIGNING_SECRET},
};
use serde_json::json;

use crate::operator::installed::{Installed, WITHIN, all_ready, installed, swept};
use crate::support::{
    Failure, Result,
    chart::Operator,
    cluster::Cluster,
    faults::{
        Call, Proxy,
        dump::{Dump, Dumper, Words},
        play::ends_as,
    },
};

const DECLARED: &str = r#"
apiVersion: iam.openfaas.com/v1
kind: JwtIssuer
metadata: { name: partner }
spec:
  iss: https://partner.example.com
  aud: [gw]
  jwks:
    keys:
      - { kty: EC, crv: P-256, alg: ES256, use: sig, kid: "1",
          x: f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU, y: x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0 }
---
apiVersion: iam.openfaas.com/v1
kind: Policy
metadata: { name: look }
spec: { statement: [{ sid: "1", effect: Allow, action: ["Function:Get"], resource: ["dev:*"] }] }
---
apiVersion: iam.openfaas.com/v1
kind: Role
metadata: { name: caller }
spec:
  policy: [look]
  principal: { "jwt:sub": [alice] }
  condition: { StringEqual: { "jwt:iss": ["https://partner.example.com"] } }
"#;

/// Somebody who comes and goes.
const SPARE: &str = r#"
apiVersion: iam.openfaas.com/v1
kind: Policy
metadata: { name: spare }
spec: { statement: [{ sid: "1", effect: Allow, action: ["Function:List"], resource: ["dev:*"] }] }
"#;

pub const NAMES: [(Kind, &str); 3] =
    [(Kind::JwtIssuer, "partner"), (Kind::Policy, "look"), (Kind::Role, "caller")];

/// Old shards go while somebody is still looking.
const ARGUMENTS: [&str; 2] = ["--keep-shards-for", "1s"];

/// The scene in a namespace of its own, and an operator's way to the API server.
pub struct Scene {
    pub at: Installed,
    pub proxy: Proxy,
    dumper: Dumper,
}

impl Scene {
    pub async fn set(at: Installed, dumper: Dumper) -> Result<Self> {
        at.apply(DECLARED).await?;
        let proxy = Proxy::before(at.account().kubeconfig()).await?;
        Ok(Self { at, proxy, dumper })
    }

    /// Connects anew, after the API server has been away.
    pub async fn again(&mut self) -> Result<()> {
        self.at.again().await?;
        self.dumper = self.dumper.of_client(self.at.client.clone());
        Ok(())
    }

    /// Starts an operator behind the proxy, always as the same one.
    pub fn start(&self) -> Result<Operator> {
        self.at.account().behind(&self.proxy).start("one", &ARGUMENTS)
    }

    /// What people do and wait for.
    pub async fn play(&self) -> Result<()> {
        all_ready(&self.at, &NAMES).await?;
        self.at.edit(Kind::Role, "caller", json!({ "scope": ["dev:env"] })).await?;
        let narrowed = |bundle: &faas_iam::bundle::Bundle| {
            bundle.roles().next().is_some_and(|(_, role)| role.scope.is_some())
        };
        self.at.bundle_with("the edit", narrowed).await?;
        all_ready(&self.at, &NAMES).await?;
        swept(&self.at).await
    }

    /// Another Policy, until it is in the bundle and says so.
    pub async fn spare_comes(&self) -> Result<()> {
        self.at.apply(SPARE).await?;
        self.at.bundle_with("the spare one", |bundle| bundle.policies().count() == 2).await?;
        all_ready(&self.at, &[(Kind::Policy, "spare")]).await
    }

    /// Deletes it.
    pub async fn spare_goes(&self) -> Result<()> {
        self.at.objects(Kind::Policy).delete("spare", &Default::default()).await?;
        Ok(())
    }

    /// Waits until no bundle has it any more.
    pub async fn spare_is_forgotten(&self) -> Result<()> {
        self.at.bundle_with("no spare one", |bundle| bundle.policies().count() == 1).await?;
        all_ready(&self.at, &NAMES).await
    }

    /// Waits until there is what is expected, and that it still is when the operator has ended: whatever was on its way is
    /// done then.
    pub async fn ends_as(&self, expected: &Dump, mut operator: Operator) -> Result<()> {
        operator.ready().await?;
        ends_as(expected, WITHIN, async || self.dump().await).await?;
        operator.stop().await?;
        ends_as(expected, WITHIN, async || self.dump().await).await
    }

    /// A failure with what was asked last.
    pub fn blame(&self, failure: &Failure) -> Failure {
        let calls = self.proxy.calls();
        let last: Vec<_> = calls.iter().rev().take(20).rev().map(ToString::to_string).collect();
        Failure::new(format!("{failure}\n--- asked at last\n{}", last.join("\n")))
    }

    /// What there is now. The signing key is made at random.
    pub async fn dump(&self) -> Result<Dump> {
        let secret = self.at.secrets().get(SIGNING_SECRET).await?;
        let pem = secret.data.and_then(|mut data| data.remove(SIGNING_KEY)).unwrap_or_default().0;
        let kid = faas_iam::operator::signing::kid(&pem).map_err(|why| Failure::new(why.to_string()))?;
        let words: Words =
            vec![(String::from_utf8(pem)?, "PRIVATE KEY".to_owned()), (kid, "KEY ID".to_owned())];
        self.dumper.of(&self.at.namespace, &words).await
    }
}

/// What an undisturbed run leaves, and every write that it makes. The Lease is renewed by time, whatever happens.
pub struct Undisturbed {
    pub dumper: Dumper,
    pub dump: Dump,
    pub writes: Vec<Call>,
}

/// Plays the scene with nothing in its way.
pub async fn undisturbed(cluster: &Cluster) -> Result<Undisturbed> {
    let mut recorded = None;
    installed(cluster, json!({}), async |at| {
        // Our definitions are there now.
        let dumper = Dumper::new(cluster.admin().await?).await?;
        let scene = Scene::set(at, dumper.clone()).await?;
        let operator = scene.start()?;
        scene.play().await.map_err(|failure| scene.blame(&failure))?;
        operator.stop().await?;
        let dump = scene.dump().await?;
        let writes = scene.proxy.calls().into_iter();
        let writes = writes.filter(|call| call.writes() && !call.what.starts_with("PUT leases/")).collect();
        recorded = Some(Undisturbed { dumper, dump, writes });
        Ok(())
    })
    .await?;
    recorded.ok_or_else(|| Failure::new("nothing was recorded"))
}
