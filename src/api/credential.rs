//! RegistryCredential: a login for a container registry, and where Pods find it.
//!
//! Decides which shapes the API server takes; addresses, names, durations and times are judged by the validator, and
//! the Secret is read by the operator alone.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::choice::choice;
use super::field::Field;
use super::status::RegistryCredentialStatus;
use super::{limits, parts};

/// `expiryWarning` where it is absent, as a Go duration.
pub const DEFAULT_EXPIRY_WARNING: &str = "336h";

/// A login for a registry, and which namespaces and ServiceAccounts get it.
#[expect(clippy::duplicated_attributes, reason = "each column has its own name and type")]
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
#[kube(
    group = "iam.openfaas.com",
    version = "v1alpha1",
    kind = "RegistryCredential",
    plural = "registrycredentials",
    shortname = "ofregcred",
    category = "openfaas",
    namespaced,
    status = "RegistryCredentialStatus",
    derive = "PartialEq",
    doc = "A login for a container registry. It becomes pull secrets in the function namespaces, and their ServiceAccounts name them, so that functions pull private images. Two objects with one registry: the older one wins in each namespace that both are for.",
    printcolumn(
        name = "Registry",
        type_ = "string",
        json_path = ".spec.registry",
        description = "What it is a login for"
    ),
    printcolumn(
        name = "Namespaces",
        type_ = "string",
        json_path = ".status.namespaces.summary",
        description = "Namespaces that have it, of those that get it"
    ),
    printcolumn(
        name = "Expires",
        type_ = "string",
        json_path = ".status.expiresAt",
        description = "When the login ends, where that is known"
    ),
    printcolumn(
        name = "Verified",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Verified")].status"#,
        description = "Whether the registry takes the login; Unknown where nobody has asked it"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#,
        description = "True where every namespace that gets it has it"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        description = "Why it is ready, or why not",
        priority = 1
    ),
    printcolumn(
        name = "Secret",
        type_ = "string",
        json_path = ".spec.secretRef.name",
        description = "Where the login is read from",
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "Time since it was created"
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.namespaces)").message("`namespaces` is not a field here: write `targets.namespaces.names`").field_path(".namespaces").reason(Reason::FieldValueForbidden),
    validation = Rule::new("!has(self.namespaceSelector)").message("`namespaceSelector` is not a field: write `targets.namespaces.selector`").field_path(".namespaceSelector").reason(Reason::FieldValueForbidden),
)]
pub struct RegistryCredentialSpec {
    /// The registry, or a part of one below a path: host, port where it is not 443, path. An image gets the login
    /// whose registry its name begins with, the longest of several. Scheme, `/v1/`, `/v2/` and a slash at the end do
    /// not count, and every name of Docker Hub is one registry; `*` may stand for one part of a host's name. At most
    /// 512 characters. Example: `ghcr.io`, `registry.example.com:5000/team-a`, `docker.io`.
    #[schemars(length(min = 1, max = limits::TEXT))]
    pub registry: String,

    /// The Secret that holds user name and password, in the namespace of this object: of type
    /// `kubernetes.io/basic-auth` or `Opaque` with the keys `username` and `password`, or of type
    /// `kubernetes.io/dockerconfigjson` with an entry for the registry. While it is missing or cannot be read, the
    /// last good login stays. Example: `{name: ghcr-login}`.
    pub secret_ref: SecretRef,

    /// The user's name, where the Secret holds the password alone; it may not contradict the Secret. No `:`, since
    /// basic authentication has no room for one. At most 512 characters. Default: what the Secret says.
    /// Example: `robot$team+pull`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = limits::TEXT))]
    pub username: Option<String>,

    /// Who gets it. Default: every function namespace, and there the ServiceAccounts that functions run as. May not be
    /// empty or null.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(schema_with = "parts::nullable::<Targets>")]
    pub targets: Field<Targets>,

    /// The Secrets that are written. Default: `{mode: Merged}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Output")]
    pub output: Option<Output>,

    /// When the login ends, as the registry said when it was made; registries give no way to ask. From
    /// `expiryWarning` before on the condition `Expiring` is True. A password that is a JWT says it by itself, and the
    /// earlier of the two counts. Default: not known. Example: `"2027-01-31T12:00:00Z"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "parts::date_time")]
    pub expires_at: Option<String>,

    /// For how long before its end the login counts as expiring: a Go duration from `0s` to `8760h`. Default: `336h`,
    /// which is fourteen days. Example: `168h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = limits::TEXT))]
    pub expiry_warning: Option<String>,

    /// Whether the registry is asked if it takes the login. Default: `{mode: Off}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Verification")]
    pub verification: Option<Verification>,

    /// What becomes of a Secret of somebody else's that has the name of ours: `Never`, it is left alone, and the
    /// condition `Synced` names its namespace; `IfEqual`, it becomes ours where it holds the very same logins.
    /// Default: `Never`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "AdoptionPolicy")]
    pub adoption_policy: Option<AdoptionPolicy>,

    /// What becomes of the pull secrets when this object is deleted: `Delete`, references and logins go; `Retain`,
    /// they stay where they are and are nobody's. Default: `Delete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "DeletionPolicy")]
    pub deletion_policy: Option<DeletionPolicy>,

    /// What becomes of Pods of functions that cannot pull because they were made before their ServiceAccount named
    /// the pull secret: `Report`, an Event names them; `Recreate`, they are deleted, so that their Deployment makes
    /// new ones. Needs `registry.stuckPods: true` in the chart's values (`operator --stuck-pods`), without which no
    /// Pod is watched, and neither is done. Default: `Report`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "StuckPods")]
    pub stuck_pods: Option<StuckPods>,

    /// Whether the login is handed out nowhere for now: it is taken out of every namespace as if this object were
    /// deleted, and comes back with `false`. Default: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub suspend: Option<bool>,

    /// Not a field: it is refused, because a choice of namespaces that got lost would give the login to all of them.
    /// Write `targets.namespaces.names`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "parts::names")]
    pub namespaces: Option<Vec<String>>,

    /// Not a field: it is refused, because a choice of namespaces that got lost would give the login to all of them.
    /// Write `targets.namespaces.selector`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "parts::label_selector")]
    pub namespace_selector: Option<LabelSelector>,
}

/// A Secret in the namespace of the object.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct SecretRef {
    /// The name of the Secret, in the namespace of this object. At most 253 characters.
    #[schemars(length(min = 1, max = limits::NAME))]
    pub name: String,
}

/// Who gets a login.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("minProperties" = 1))]
#[x_kube(validation = Rule::new("!has(self.namespaceSelector)").message("`namespaceSelector` is not a field: write `namespaces.selector`").field_path(".namespaceSelector").reason(Reason::FieldValueForbidden))]
pub struct Targets {
    /// Which of the function namespaces get it: those that carry the annotation `openfaas`, the one in which functions
    /// are that name none, and those whose owner has set the annotation `iam.openfaas.com/registry-credentials` to
    /// `"true"`. No other namespace ever does. Where `selector` and `names` are both given, both have to fit. Default:
    /// all of them. May not be empty or null. Example: `{selector: {matchLabels: {team: a}}}`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(schema_with = "parts::nullable::<NamespaceTargets>")]
    pub namespaces: Field<NamespaceTargets>,

    /// Which ServiceAccounts of these namespaces name the pull secret. Default: `{mode: Functions}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "AccountTargets")]
    pub service_accounts: Option<AccountTargets>,

    /// Not a field: it is refused, because a choice of namespaces that got lost would give the login to all of them.
    /// Write `namespaces.selector`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "parts::label_selector")]
    pub namespace_selector: Option<LabelSelector>,
}

/// Which of the function namespaces get a login.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("minProperties" = 1))]
#[x_kube(validation = Rule::new("!has(self.matchLabels)").message("`matchLabels` belongs under `selector`: write `selector.matchLabels`").field_path(".matchLabels").reason(Reason::FieldValueForbidden))]
pub struct NamespaceTargets {
    /// Namespaces by their labels; whoever may label namespaces decides with it. May not be empty or null.
    /// Example: `{matchLabels: {team: a}}`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(schema_with = "parts::nullable_label_selector")]
    pub selector: Field<LabelSelector>,

    /// Namespaces by name, 1 to 256. One that is no function namespace gets nothing, and the condition `Warnings`
    /// names it. May not be empty or null. Example: `[openfaas-fn, team-a]`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(schema_with = "parts::nullable_names")]
    pub names: Field<Vec<String>>,

    /// Not a field here: it is refused, because a choice of namespaces that got lost would give the login to more of
    /// them. Write `selector.matchLabels`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "parts::match_labels")]
    pub match_labels: Option<BTreeMap<String, String>>,
}

/// Which ServiceAccounts name a pull secret.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(has(self.mode) && self.mode == 'Selected') || (!has(self.selector) && !has(self.names))").message("`selector` and `names` are for the mode `Selected`: write `mode: Selected`, or remove them"),
    validation = Rule::new("!has(self.mode) || self.mode != 'Selected' || has(self.selector) || has(self.names)").message("the mode `Selected` needs `selector` or `names`: give it one of them, or write `mode: None`").reason(Reason::FieldValueRequired),
)]
pub struct AccountTargets {
    /// `Functions`: those that functions run as, and `default`. `Default`: `default` alone. `Selected`: those that
    /// `selector` or `names` fits. `All`: all of them. `None`: none, and Pods name the Secret themselves. Default:
    /// `Functions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "AccountMode")]
    pub mode: Option<AccountMode>,

    /// ServiceAccounts by their labels, with `mode: Selected` alone. Example: `{matchLabels: {app: builder}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "parts::label_selector")]
    pub selector: Option<LabelSelector>,

    /// ServiceAccounts by name, 1 to 256, with `mode: Selected` alone. Example: `[builder]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "parts::names")]
    pub names: Option<Vec<String>>,
}

/// The Secrets that are written.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.name) || (has(self.mode) && self.mode == 'Dedicated')").message("`name` is for the mode `Dedicated`: the merged Secret has one name in the whole installation").field_path(".name"))]
pub struct Output {
    /// `Merged`: one Secret for each namespace with all of its logins, of a name that the whole installation shares
    /// (`faas-iam-pull`). `Dedicated`: one with this login alone. Default: `Merged`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "OutputMode")]
    pub mode: Option<OutputMode>,

    /// The name of the Secret, with `mode: Dedicated` alone. At most 253 characters. Default: the name of this object
    /// and `-pull`. Example: `ghcr-pull`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = limits::NAME))]
    pub name: Option<String>,
}

/// What the registry is asked about a login.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.repository) || !has(self.mode) || self.mode != 'Pull'").message("the mode `Pull` needs `repository`: the path of images that the login may pull").field_path(".repository").reason(Reason::FieldValueRequired),
    validation = Rule::new("!has(self.repository) || (has(self.mode) && self.mode == 'Pull')").message("`repository` is for the mode `Pull`: write `mode: Pull`, or remove it").field_path(".repository"),
    validation = Rule::new("!has(self.gateRollout) || !self.gateRollout || (has(self.mode) && self.mode != 'Off')").message("`gateRollout` needs an answer of the registry: write `mode: Login` or `mode: Pull`, or remove it").field_path(".gateRollout"),
)]
pub struct Verification {
    /// `Off`: the registry is not asked. `Login`: whether it takes user name and password, which an expired robot
    /// account can still pass. `Pull`: whether images of `repository` may be pulled. Default: `Off`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "VerificationMode")]
    pub mode: Option<VerificationMode>,

    /// The path of images below `registry`, without a tag; with `mode: Pull` alone, and needed there. At most 512
    /// characters. Example: `acme/app`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = limits::TEXT))]
    pub repository: Option<String>,

    /// Whether a login that the registry refuses for certain is held back, so that the last good one stays in its
    /// place; where the registry cannot be reached, nothing is held back. Needs another mode than `Off`. Default:
    /// `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub gate_rollout: Option<bool>,
}

choice! {
    /// Which ServiceAccounts name a pull secret.
    AccountMode:
    /// Those that functions run as, and `default`.
    Functions,
    /// `default` alone.
    Default,
    /// Those that a selector or a list of names fits.
    Selected,
    /// All of them.
    All,
    /// None.
    None,
}

choice! {
    /// Into which Secret a login goes.
    OutputMode:
    /// One for all logins of a namespace.
    Merged,
    /// One of its own.
    Dedicated,
}

choice! {
    /// What the registry is asked.
    VerificationMode:
    /// Nothing.
    Off,
    /// Whether it takes the login.
    Login,
    /// Whether images may be pulled with it.
    Pull,
}

choice! {
    /// What becomes of somebody else's Secret that has the name of ours.
    AdoptionPolicy:
    /// It is left alone.
    Never,
    /// It becomes ours where it holds the very same.
    IfEqual,
}

choice! {
    /// What becomes of pull secrets whose object is deleted.
    DeletionPolicy:
    /// They go.
    Delete,
    /// They stay, and are nobody's.
    Retain,
}

choice! {
    /// What becomes of Pods that were made too early to pull.
    StuckPods:
    /// They are named.
    Report,
    /// They are deleted, so that new ones can pull.
    Recreate,
}
