//! The API server goes away and comes back: the operator stays alive, drops nothing, and goes on.

use faas_iam::api::Kind;
use serde_json::json;

use super::{
    installed::{all_ready, installed},
    main_job::{DECLARED, DECLARED_NAMES},
};
use crate::support::{
    Result,
    controlplane::{ControlPlane, Program},
    flags::Options,
};

#[tokio::test]
async fn an_operator_outlives_the_api_server_and_goes_on_when_it_is_back() -> Result<()> {
    let mut plane = ControlPlane::start(Options::default()).await?;
    let cluster = plane.cluster().clone();
    let outlived = installed(&cluster, json!({}), async |mut at| {
        at.apply(DECLARED).await?;
        let mut operator = at.start("one", &["--lease-duration", "5s"])?;
        all_ready(&at, &DECLARED_NAMES).await?;
        let before = at.index().await?;

        plane.kill(Program::Apiserver).await?;
        operator.process.line_with("the Lease cannot be", super::installed::WITHIN).await?;
        assert_eq!(operator.get("/livez").await?.0, 200);
        plane.start_program(Program::Apiserver).await?;
        plane.ready(Program::Apiserver).await?;

        at.again().await?;
        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:env"] })).await?;
        let bundle =
            at.bundle_with("the edit", |bundle| bundle.roles().any(|(_, role)| role.scope.is_some())).await?;
        assert_eq!(bundle.issuers().count(), 2, "nothing was dropped meanwhile");
        assert!(at.index().await?.generation > before.generation);
        all_ready(&at, &DECLARED_NAMES).await?;
        operator.stop().await
    })
    .await;
    plane.shut_down().await?;
    outlived
}
