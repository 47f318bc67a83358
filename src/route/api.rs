//! The REST API: endpoints, the action and resource that decide a call, and the call as it is forwarded.

use std::collections::BTreeMap;

use super::body::{Body, Deployment, Shape, is_object_name};
use super::query::Query;
use super::{Refused, function_name, namespace};
use crate::model::{Action, FunctionName, Namespace, Request, Resource};

/// A route of `/system` with a method that it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// `GET /system/functions`.
    ListFunctions,
    /// `POST`, `PUT`, `DELETE /system/functions`: the function stands in the body.
    ChangeFunction(Method),
    /// `GET /system/function/{name}`.
    Function(FunctionName),
    /// `GET /system/logs`.
    Logs,
    /// `POST /system/scale-function/{name}`.
    Scale(FunctionName),
    /// `GET /system/secrets`.
    ListSecrets,
    /// `POST`, `PUT`, `DELETE /system/secrets`: the Secret stands in the body.
    ChangeSecret(Method),
    /// `GET /system/namespaces`.
    ListNamespaces,
    /// `GET /system/namespace/{ns}`.
    Namespace(Namespace),
    /// `POST`, `PUT`, `DELETE /system/namespace/{ns}`; creating names it in the body where the path does not.
    ChangeNamespace(Method, Option<Namespace>),
    /// `GET /system/info`.
    Info,
    /// `GET /system/telemetry`.
    Telemetry,
    /// `POST /system/alert`.
    Alert,
}

/// A method that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Method {
    Post,
    Put,
    Delete,
}

/// A call, understood: what it is judged as, and what is forwarded for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What decides it.
    pub request: Request,
    /// What is forwarded once it is allowed.
    pub forward: Forward,
    /// What a deployment names besides the function.
    pub deployment: Option<Deployment>,
    /// The Secret that is written or deleted.
    pub secret: Option<String>,
    /// What the answer lists, to be cut down to what the caller may see.
    pub listing: Option<Listing>,
}

/// What an answer lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// Functions, item by item.
    Functions,
    /// Namespaces, item by item.
    Namespaces,
    /// Secrets: allowed whole, rebuilt from their names.
    Secrets,
}

/// A request to the provider, built from what was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Forward {
    /// The HTTP method.
    pub method: &'static str,
    /// The path, which needs no encoding.
    pub path: String,
    /// The query, encoded; may be empty.
    pub query: String,
    /// The body, where there is one.
    pub body: Option<Body>,
}

impl Method {
    fn find(method: &str) -> Option<Self> {
        match method {
            "POST" => Some(Self::Post),
            "PUT" => Some(Self::Put),
            "DELETE" => Some(Self::Delete),
            _ => None,
        }
    }

    /// Its name in HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    fn action(self, create: Action, update: Action, delete: Action) -> Action {
        match self {
            Self::Post => create,
            Self::Put => update,
            Self::Delete => delete,
        }
    }
}

impl Endpoint {
    /// Finds the endpoint by its method and the segments behind `/system`.
    pub(super) fn find(method: &str, segments: &[&str]) -> Result<Self, Refused> {
        let change = Method::find(method);
        match (method, segments, change) {
            ("GET", ["functions"], _) => Ok(Self::ListFunctions),
            (_, ["functions"], Some(change)) => Ok(Self::ChangeFunction(change)),
            ("GET", ["function", name], _) => function_name(name).map(Self::Function),
            ("GET", ["logs"], _) => Ok(Self::Logs),
            ("POST", ["scale-function", name], _) => function_name(name).map(Self::Scale),
            ("GET", ["secrets"], _) => Ok(Self::ListSecrets),
            (_, ["secrets"], Some(change)) => Ok(Self::ChangeSecret(change)),
            ("GET", ["namespaces"], _) => Ok(Self::ListNamespaces),
            ("GET", ["namespace", name], _) => namespace(name).map(Self::Namespace),
            (_, ["namespace", name], Some(change)) => {
                Ok(Self::ChangeNamespace(change, Some(namespace(name)?)))
            }
            ("POST", ["namespace"], _) => Ok(Self::ChangeNamespace(Method::Post, None)),
            ("GET", ["info"], _) => Ok(Self::Info),
            ("GET", ["telemetry"], _) => Ok(Self::Telemetry),
            ("POST", ["alert"], _) => Ok(Self::Alert),
            _ => Err(Refused::undecided()),
        }
    }

    /// The action that decides a call, known before its query and body are read.
    pub fn action(&self) -> Action {
        match self {
            Self::ListFunctions => Action::FunctionList,
            Self::ChangeFunction(method) => {
                method.action(Action::FunctionCreate, Action::FunctionUpdate, Action::FunctionDelete)
            }
            Self::Function(_) => Action::FunctionGet,
            Self::Logs => Action::FunctionLogs,
            Self::Scale(_) | Self::Alert => Action::FunctionScale,
            Self::ListSecrets => Action::SecretList,
            Self::ChangeSecret(method) => {
                method.action(Action::SecretCreate, Action::SecretUpdate, Action::SecretDelete)
            }
            Self::ListNamespaces => Action::NamespaceList,
            Self::Namespace(_) => Action::NamespaceGet,
            Self::ChangeNamespace(method, _) => {
                method.action(Action::NamespaceCreate, Action::NamespaceUpdate, Action::NamespaceDelete)
            }
            Self::Info | Self::Telemetry => Action::SystemInfo,
        }
    }

    /// Whether a call has a body that says what it is about; of others the body is not read.
    pub fn takes_body(&self) -> bool {
        matches!(
            self,
            Self::ChangeFunction(_)
                | Self::Scale(_)
                | Self::ChangeSecret(_)
                | Self::ChangeNamespace(..)
                | Self::Alert
        )
    }

    /// Understands a call. `query` is encoded, without its question mark.
    ///
    /// # Errors
    /// [`Refused`] for what is ambiguous, malformed or names nothing.
    pub fn call(&self, query: &str, body: &[u8], default_namespace: &Namespace) -> Result<Call, Refused> {
        let reader = Reader { query: Query::parse(query)?, default_namespace };
        match self {
            Self::ListFunctions => reader.list(Action::FunctionList, "/system/functions", Listing::Functions),
            Self::ListSecrets => reader.list(Action::SecretList, "/system/secrets", Listing::Secrets),
            Self::ListNamespaces => reader.namespaces(),
            Self::Function(name) => reader.function(name),
            Self::Logs => reader.logs(),
            Self::Info => reader.cluster("GET", "/system/info", Action::SystemInfo, None),
            Self::Telemetry => reader.cluster("GET", "/system/telemetry", Action::SystemInfo, None),
            Self::Alert => {
                let body = Body::parse(body, Shape::Alert)?;
                reader.cluster("POST", "/system/alert", Action::FunctionScale, Some(body))
            }
            Self::ChangeFunction(Method::Delete) => {
                reader.delete_function(Body::parse(body, Shape::Deletion)?)
            }
            Self::ChangeFunction(method) => reader.deploy(*method, Body::parse(body, Shape::Deployment)?),
            Self::Scale(name) => reader.scale(name, Body::parse(body, Shape::Scale)?),
            Self::ChangeSecret(method) => reader.secret(*method, Body::parse(body, Shape::Secret)?),
            Self::Namespace(name) => reader.namespace(name),
            Self::ChangeNamespace(method, name) => reader.change_namespace(*method, name.as_ref(), body),
        }
    }
}

/// Reads what a call is about out of its query and body.
struct Reader<'a> {
    query: Query,
    default_namespace: &'a Namespace,
}

impl Reader<'_> {
    /// The one place that decides the namespace of a call (`security-rules.md` 4): query and body may both
    /// name it, and have to agree.
    fn place(&mut self, body: Option<&Body>) -> Result<Namespace, Refused> {
        let asked = self.query.take("namespace")?;
        let written = body.map(|body| body.text("namespace")).transpose()?.flatten();
        match (asked.as_deref(), written) {
            (Some(asked), Some(written)) if asked != written => {
                Err(Refused::bad("namespace", "query and body name different namespaces"))
            }
            (Some(name), _) | (None, Some(name)) => namespace(name),
            (None, None) => Ok(self.default_namespace.clone()),
        }
    }

    fn list(mut self, action: Action, path: &str, listing: Listing) -> Result<Call, Refused> {
        let place = self.place(None)?;
        let query = self.query.with("namespace", place.as_str()).to_text();
        let forward = Forward { method: "GET", path: path.to_owned(), query, body: None };
        Ok(Call { listing: Some(listing), ..plain(action, Resource::Namespace(place), forward)? })
    }

    fn namespaces(self) -> Result<Call, Refused> {
        let path = "/system/namespaces".to_owned();
        let forward = Forward { method: "GET", path, query: self.query.to_text(), body: None };
        let listing = Some(Listing::Namespaces);
        Ok(Call { listing, ..plain(Action::NamespaceList, Resource::Cluster, forward)? })
    }

    fn cluster(
        self,
        method: &'static str,
        path: &str,
        action: Action,
        body: Option<Body>,
    ) -> Result<Call, Refused> {
        let forward = Forward { method, path: path.to_owned(), query: self.query.to_text(), body };
        plain(action, Resource::Cluster, forward)
    }

    fn function(mut self, name: &FunctionName) -> Result<Call, Refused> {
        let place = self.place(None)?;
        let query = self.query.with("namespace", place.as_str()).to_text();
        let forward = Forward { method: "GET", path: format!("/system/function/{name}"), query, body: None };
        plain(Action::FunctionGet, Resource::Function(place, name.clone()), forward)
    }

    fn logs(mut self) -> Result<Call, Refused> {
        let place = self.place(None)?;
        let name = self.query.take("name")?.ok_or_else(|| Refused::bad("query", "`name` is missing"))?;
        let name = function_name(&name)?;
        let query = self.query.with("name", name.as_str()).with("namespace", place.as_str()).to_text();
        let forward = Forward { method: "GET", path: "/system/logs".to_owned(), query, body: None };
        plain(Action::FunctionLogs, Resource::Function(place, name), forward)
    }

    fn deploy(mut self, method: Method, body: Body) -> Result<Call, Refused> {
        let place = self.place(Some(&body))?;
        let name = function_name(body.required("service")?)?;
        let deployment = body.deployment(&place, &name)?;
        let action = method.action(Action::FunctionCreate, Action::FunctionUpdate, Action::FunctionDelete);
        let forward = self.change(method.as_str(), "/system/functions".to_owned(), &place, body);
        let call = plain(action, Resource::Function(place, name), forward)?;
        Ok(Call { deployment: Some(deployment), ..call })
    }

    fn delete_function(mut self, body: Body) -> Result<Call, Refused> {
        let place = self.place(Some(&body))?;
        let name = function_name(body.required("functionName")?)?;
        let forward = self.change("DELETE", "/system/functions".to_owned(), &place, body);
        plain(Action::FunctionDelete, Resource::Function(place, name), forward)
    }

    fn scale(mut self, name: &FunctionName, body: Body) -> Result<Call, Refused> {
        let place = self.place(Some(&body))?;
        if body.text("serviceName")?.is_some_and(|written| written != name.as_str()) {
            return Err(Refused::bad("body", "path and body name different functions"));
        }
        let body = body.with("serviceName", name.as_str());
        let forward = self.change("POST", format!("/system/scale-function/{name}"), &place, body);
        plain(Action::FunctionScale, Resource::Function(place, name.clone()), forward)
    }

    fn secret(mut self, method: Method, body: Body) -> Result<Call, Refused> {
        let place = self.place(Some(&body))?;
        let name = body.required("name")?.to_owned();
        if !is_object_name(&name) {
            return Err(Refused::bad("name", "`name` is no name of a Secret"));
        }
        let action = method.action(Action::SecretCreate, Action::SecretUpdate, Action::SecretDelete);
        let forward = self.change(method.as_str(), "/system/secrets".to_owned(), &place, body);
        Ok(Call { secret: Some(name), ..plain(action, Resource::Namespace(place), forward)? })
    }

    fn namespace(self, name: &Namespace) -> Result<Call, Refused> {
        let path = format!("/system/namespace/{name}");
        let forward = Forward { method: "GET", path, query: self.query.to_text(), body: None };
        plain(Action::NamespaceGet, Resource::Namespace(name.clone()), forward)
    }

    fn change_namespace(
        self,
        method: Method,
        in_path: Option<&Namespace>,
        body: &[u8],
    ) -> Result<Call, Refused> {
        let body = Body::parse(body, Shape::Namespace)?;
        let written = body.text("name")?.map(namespace).transpose()?;
        let name = match (in_path, written) {
            (Some(path), Some(written)) if *path != written => {
                return Err(Refused::bad("namespace", "path and body name different namespaces"));
            }
            (Some(path), _) => path.clone(),
            (None, Some(written)) => written,
            (None, None) => return Err(Refused::bad("namespace", "`name` is missing")),
        };
        let action = method.action(Action::NamespaceCreate, Action::NamespaceUpdate, Action::NamespaceDelete);
        let forward = Forward {
            method: method.as_str(),
            path: format!("/system/namespace/{name}"),
            query: self.query.to_text(),
            body: Some(body.with("name", name.as_str())),
        };
        plain(action, Resource::Namespace(name), forward)
    }

    /// A change, its namespace named wherever the provider might look for it.
    fn change(self, method: &'static str, path: String, place: &Namespace, body: Body) -> Forward {
        let query = self.query.with("namespace", place.as_str()).to_text();
        Forward { method, path, query, body: Some(body.with("namespace", place.as_str())) }
    }
}

fn plain(action: Action, resource: Resource, forward: Forward) -> Result<Call, Refused> {
    let request = Request::new(action, resource).map_err(|error| Refused::bad("name", error.to_string()))?;
    Ok(Call { request, forward, deployment: None, secret: None, listing: None })
}

impl Call {
    /// The request that asks the provider what is there before the change: the function with its labels, or the
    /// names of all Secrets of the namespace.
    pub fn asked(&self) -> Option<Forward> {
        let path = match (&self.deployment, &self.secret) {
            (Some(deployment), _) => format!("/system/function/{}", deployment.name),
            (None, Some(_)) => "/system/secrets".to_owned(),
            (None, None) => return None,
        };
        let place = self.request.resource().namespace()?;
        let query = Query::default().with("namespace", place.as_str()).to_text();
        Some(Forward { method: "GET", path, query, body: None })
    }
}

impl Forward {
    /// Path and query.
    pub fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    /// The same with these labels added to the deployment in its body.
    #[must_use]
    pub fn with_labels(mut self, labels: &BTreeMap<String, String>) -> Self {
        self.body = self.body.map(|body| body.with_labels(labels));
        self
    }
}

/// A call of the upstream's UI, whose path was found to be one thing to everybody.
///
/// # Errors
/// [`Refused`] for a query that is none.
pub fn ui(method: &str, path: &str, query: &str) -> Result<Forward, Refused> {
    let method = if method == "HEAD" { "HEAD" } else { "GET" };
    let query = Query::parse(query)?.to_text();
    Ok(Forward { method, path: path.to_owned(), query, body: None })
}
