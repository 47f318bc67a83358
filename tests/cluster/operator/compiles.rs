//! How often everything is compiled: once for an edit, and never for what the operator writes itself.

use faas_iam::api::Kind;
use kube::api::Patch;
use serde_json::json;

use super::{
    installed::{all_ready, installed},
    main_job::{DECLARED, DECLARED_NAMES},
};
use crate::support::{Failure, Result, shared::shared};

#[tokio::test]
async fn an_edit_is_compiled_once_and_the_statuses_that_follow_are_not() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        at.apply(DECLARED).await?;
        let mut operator = at.start("one", &[])?;
        all_ready(&at, &DECLARED_NAMES).await?;
        operator.ready().await?;
        let compiles = async || {
            let found = operator.metric("faas_iam_compiles_total").await?;
            found.ok_or_else(|| Failure::new("no such metric"))
        };
        let before = compiles().await?;
        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:*"] })).await?;
        all_ready(&at, &DECLARED_NAMES).await?;
        // What comes back after this was seen after the echoes of all statuses before.
        let lie = Patch::Merge(json!({ "status": { "conditions": [] } }));
        at.objects(Kind::Role).patch_status("caller", &Default::default(), &lie).await?;
        all_ready(&at, &DECLARED_NAMES).await?;
        assert_eq!(compiles().await? - before, 1.0);
        operator.stop().await
    })
    .await
}
