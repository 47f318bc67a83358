//! RegistryCredential: reported on, and in no bundle.

use serde_json::json;

use super::{Kind, Readiness, World};
use crate::api::Reason;

#[test]
fn a_login_for_a_registry_is_in_no_bundle_whether_valid_or_not() {
    let world = |registry: &str| {
        let spec = json!({ "registry": registry, "secretRef": { "name": "login" } });
        World::default().object(Kind::RegistryCredential, "ghcr", spec)
    };
    for (registry, want) in [
        ("ghcr.io", (Readiness::Ready, Reason::Accepted)),
        ("ghcr.io:port", (Readiness::Stalled, Reason::Invalid)),
    ] {
        assert_eq!(world(registry).state(Kind::RegistryCredential, "ghcr"), want);
        assert_eq!(world(registry).link().bundle.iter().count(), 0, "{registry}");
    }
}
