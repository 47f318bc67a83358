//! The route table, and that what is forwarded is what was judged.

use serde_json::{Value, json};

use super::*;

fn default() -> Namespace {
    Namespace::new("openfaas-fn").unwrap()
}

fn refused(method: &str, path: &str) -> (u16, &'static str) {
    let refused = route(method, path, &default()).unwrap_err();
    (refused.status, refused.reason)
}

fn call(method: &str, target: &str, body: &str) -> Result<Call, Refused> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match route(method, path, &default())? {
        Route::Api(endpoint) => endpoint.call(query, body.as_bytes(), &default()).inspect(|call| {
            assert_eq!(endpoint.action(), call.request.action(), "known before the body is read");
        }),
        other => panic!("{other:?}"),
    }
}

/// The call as one line: what it is judged as, and what is forwarded.
fn told(method: &str, target: &str, body: &str) -> String {
    match call(method, target, body) {
        Err(refused) => format!("{} {}", refused.status, refused.reason),
        Ok(call) => {
            let body = call.forward.body.as_ref().map(|b| String::from_utf8(b.to_bytes()).unwrap());
            format!(
                "{} > {} {} {}",
                call.request,
                call.forward.method,
                call.forward.target(),
                body.unwrap_or_default()
            )
        }
    }
}

#[test]
fn s6_every_route_of_the_upstream_is_decided() {
    let rows = [
        (
            "GET",
            "/system/functions?namespace=dev",
            "",
            "Function:List dev:* > GET /system/functions?namespace=dev ",
        ),
        (
            "GET",
            "/system/functions",
            "",
            "Function:List openfaas-fn:* > GET /system/functions?namespace=openfaas-fn ",
        ),
        (
            "GET",
            "/system/function/env?namespace=dev&usage=1",
            "",
            "Function:Get dev:env > GET /system/function/env?namespace=dev&usage=1 ",
        ),
        (
            "GET",
            "/system/function/a.b",
            "",
            "Function:Get openfaas-fn:a.b > GET /system/function/a.b?namespace=openfaas-fn ",
        ),
        (
            "POST",
            "/system/functions",
            r#"{"service":"env","namespace":"dev","image":"i"}"#,
            r#"Function:Create dev:env > POST /system/functions?namespace=dev {"image":"i","namespace":"dev","service":"env"}"#,
        ),
        (
            "PUT",
            "/system/functions",
            r#"{"service":"env"}"#,
            r#"Function:Update openfaas-fn:env > PUT /system/functions?namespace=openfaas-fn {"namespace":"openfaas-fn","service":"env"}"#,
        ),
        (
            "DELETE",
            "/system/functions?namespace=dev",
            r#"{"functionName":"env"}"#,
            r#"Function:Delete dev:env > DELETE /system/functions?namespace=dev {"functionName":"env","namespace":"dev"}"#,
        ),
        (
            "GET",
            "/system/logs?name=env&follow=true&tail=5",
            "",
            "Function:Logs openfaas-fn:env > GET /system/logs?follow=true&name=env&namespace=openfaas-fn&tail=5 ",
        ),
        (
            "POST",
            "/system/scale-function/env?namespace=dev",
            r#"{"replicas":2}"#,
            r#"Function:Scale dev:env > POST /system/scale-function/env?namespace=dev {"namespace":"dev","replicas":2,"serviceName":"env"}"#,
        ),
        (
            "GET",
            "/system/secrets?namespace=dev",
            "",
            "Secret:List dev:* > GET /system/secrets?namespace=dev ",
        ),
        (
            "POST",
            "/system/secrets",
            r#"{"name":"s","namespace":"dev","value":"v"}"#,
            r#"Secret:Create dev:* > POST /system/secrets?namespace=dev {"name":"s","namespace":"dev","value":"v"}"#,
        ),
        (
            "PUT",
            "/system/secrets",
            r#"{"name":"s"}"#,
            r#"Secret:Update openfaas-fn:* > PUT /system/secrets?namespace=openfaas-fn {"name":"s","namespace":"openfaas-fn"}"#,
        ),
        (
            "DELETE",
            "/system/secrets",
            r#"{"name":"s","namespace":"dev"}"#,
            r#"Secret:Delete dev:* > DELETE /system/secrets?namespace=dev {"name":"s","namespace":"dev"}"#,
        ),
        ("GET", "/system/namespaces", "", "Namespace:List * > GET /system/namespaces "),
        ("GET", "/system/namespace/dev", "", "Namespace:Get dev:* > GET /system/namespace/dev "),
        (
            "POST",
            "/system/namespace/dev",
            r#"{"name":"dev"}"#,
            r#"Namespace:Create dev:* > POST /system/namespace/dev {"name":"dev"}"#,
        ),
        (
            "POST",
            "/system/namespace",
            r#"{"name":"dev"}"#,
            r#"Namespace:Create dev:* > POST /system/namespace/dev {"name":"dev"}"#,
        ),
        (
            "POST",
            "/system/namespace/",
            r#"{"name":"dev"}"#,
            r#"Namespace:Create dev:* > POST /system/namespace/dev {"name":"dev"}"#,
        ),
        (
            "PUT",
            "/system/namespace/dev",
            "{}",
            r#"Namespace:Update dev:* > PUT /system/namespace/dev {"name":"dev"}"#,
        ),
        (
            "DELETE",
            "/system/namespace/dev",
            "{}",
            r#"Namespace:Delete dev:* > DELETE /system/namespace/dev {"name":"dev"}"#,
        ),
        ("GET", "/system/info", "", "System:Info * > GET /system/info "),
        ("GET", "/system/telemetry", "", "System:Info * > GET /system/telemetry "),
        (
            "POST",
            "/system/alert",
            r#"{"alerts":[{"labels":{"a":"b"}}]}"#,
            r#"Function:Scale * > POST /system/alert {"alerts":[{"labels":{"a":"b"}}]}"#,
        ),
    ];
    for (method, target, body, want) in rows {
        assert_eq!(told(method, target, body), want, "{method} {target}");
    }
}

#[test]
fn routes_of_our_own() {
    let rows = [
        ("GET", "/healthz", Route::Health),
        ("GET", "/", Route::Page),
        ("GET", "/ui/index.html", Route::Page),
        ("GET", "/ui", Route::Page),
        ("HEAD", "/ui/", Route::Page),
        ("GET", "/.well-known/openid-configuration", Route::Discovery),
        ("GET", KEYS_PATH, Route::Keys),
        ("POST", "/oauth/token", Route::Token),
        ("DELETE", "/async-function/3fa8-1", Route::CancelCall("3fa8-1")),
    ];
    for (method, path, want) in rows {
        assert_eq!(route(method, path, &default()), Ok(want), "{method} {path}");
    }
}

#[test]
fn s6_a_route_that_nobody_decided_on_is_denied() {
    let rows = [
        ("GET", "/system"),
        ("GET", "/system/"),
        ("PATCH", "/system/functions"),
        ("HEAD", "/system/functions"),
        ("OPTIONS", "/system/functions"),
        ("GET", "/system/functions/env"),
        ("POST", "/system/function/env"),
        ("PUT", "/system/scale-function/env"),
        ("GET", "/system/scale-function/env"),
        ("GET", "/system/scale-function/env/x"),
        ("POST", "/system/logs"),
        ("DELETE", "/system/namespaces"),
        ("PUT", "/system/namespace"),
        ("GET", "/system/alert"),
        ("GET", "/System/functions"),
        ("GET", "/metrics"),
        ("GET", "/oauth/token"),
        ("POST", "/oauth/authorize"),
        ("POST", "/healthz"),
        ("GET", "/async-function/env"),
        ("PUT", "/async-function/env"),
        ("DELETE", "/async-function/a/b"),
        ("DELETE", "/async-function/"),
        ("GET", "/functions/env"),
        ("GET", "/function"),
        ("get", "/healthz"),
    ];
    for (method, path) in rows {
        assert!(
            matches!(refused(method, path), (403, "undecided_route") | (400, "ambiguous_path")),
            "{method} {path}"
        );
    }
}

#[test]
fn s2_ambiguous_paths_are_refused_and_not_cleaned() {
    for path in [
        "/system//functions",
        "//system/functions",
        "/system/./functions",
        "/system/x/../functions",
        "/system/functions/",
        "/system/namespace/",
        "/system/functions%2f",
        "/system/%66unctions",
        "/system\\functions",
        "/system/functions%00",
        "/system/function/%C3%A9",
        "/system/function/é",
        "/system/functions#x",
        "/system/functions;x",
        "system/functions",
        "",
        "/system/function/..",
        "/system/function/.",
        "/ui/../system/functions",
        "/ui//x",
        "/.well-known/../system/info",
        "/oauth//token",
    ] {
        assert_eq!(refused("GET", path), (400, "ambiguous_path"), "{path}");
    }
}

#[test]
fn s10_nothing_is_connected_to() {
    for path in ["/function/env", "/function/env.dev/x", "/async-function/env", "/system/info", "gw:443", ""]
    {
        assert_eq!(refused("CONNECT", path), (400, "method"), "{path}");
    }
}

#[test]
fn s3_a_functions_name_is_split_at_its_last_dot() {
    let rows = [
        ("/function/env", "openfaas-fn:env", "/function/env.openfaas-fn"),
        ("/function/env/", "openfaas-fn:env", "/function/env.openfaas-fn/"),
        ("/function/env.dev", "dev:env", "/function/env.dev"),
        ("/function/a.b.dev/p", "dev:a.b", "/function/a.b.dev/p"),
        ("/function/env.dev/../x//y%2f?z", "dev:env", "/function/env.dev/../x//y%2f?z"),
        ("/function/env/%00\u{e9}#", "openfaas-fn:env", "/function/env.openfaas-fn/%00\u{e9}#"),
        ("/function/E_n-v.dev", "dev:E_n-v", "/function/E_n-v.dev"),
    ];
    for (path, resource, forwarded) in rows {
        let Ok(Route::Function(call)) = route("GET", path, &default()) else { panic!("{path}") };
        assert_eq!((call.resource().to_string().as_str(), call.target(None).as_str()), (resource, forwarded));
        assert_eq!(call.request().unwrap().to_string(), format!("Function:Invoke {resource}"));
    }
    let Ok(Route::Function(call)) = route("GET", "/function/env/a", &default()) else { panic!() };
    assert_eq!(call.target(Some("x=%2e&x")), "/function/env.openfaas-fn/a?x=%2e&x");
    assert_eq!(call.target(Some("")), "/function/env.openfaas-fn/a?");
    let Ok(Route::Function(queued)) = route("POST", "/async-function/env.dev/x", &default()) else {
        panic!()
    };
    assert_eq!((queued.target(None).as_str(), queued.asynchronous), ("/async-function/env.dev/x", true));
}

#[test]
fn s2_a_functions_name_is_nothing_else() {
    for path in [
        "/function/",
        "/function//env",
        "/function/env.",
        "/function/.dev",
        "/function/env.Dev",
        "/function/..",
        "/function/e%6Ev",
        "/function/env%2Edev",
        "/function/env:dev",
        "/function/env.dev;x",
        "/function/\u{e9}",
        "/function/env\\x",
        "/function/env%2Fx",
        "/function/env?x",
        "/function/%00",
    ] {
        assert_eq!(refused("GET", path).0, 400, "{path}");
    }
}

#[test]
fn s4_one_place_decides_the_namespace() {
    let deploy =
        |target: &str, namespace: &str| told("POST", target, &format!(r#"{{"service":"env"{namespace}}}"#));
    let of =
        |target: &str, namespace: &str| deploy(target, namespace).split(" > ").next().unwrap().to_owned();
    assert_eq!(of("/system/functions", r#","namespace":"dev""#), "Function:Create dev:env");
    assert_eq!(of("/system/functions?namespace=dev", ""), "Function:Create dev:env");
    assert_eq!(of("/system/functions?namespace=dev", r#","namespace":"dev""#), "Function:Create dev:env");
    assert_eq!(of("/system/functions?namespace=", r#","namespace":"""#), "Function:Create openfaas-fn:env");
    for (target, namespace) in [
        ("/system/functions?namespace=dev", r#","namespace":"prod""#),
        ("/system/functions?namespace=dev&namespace=dev", ""),
        ("/system/functions?namespace=dev&namespace=", ""),
        ("/system/functions?Namespace=dev", ""),
        ("/system/functions?n%61mespace=dev&namespace=dev", ""),
        ("/system/functions?namespace=%zz", ""),
        ("/system/functions?namespace=dev;a=b", ""),
        ("/system/functions?namespace=%FF", ""),
        ("/system/functions?namespace=Dev", ""),
        ("/system/functions", r#","namespace":null"#),
        ("/system/functions", r#","namespace":["dev"]"#),
        ("/system/functions", r#","Namespace":"dev""#),
    ] {
        assert!(deploy(target, namespace).starts_with("400 "), "{target} {namespace}");
    }
}

#[test]
fn s5_what_go_would_read_differently_is_refused() {
    for body in [
        "",
        "[]",
        "null",
        r#"{"service":"a","service":"b"}"#,
        r#"{"service":"a","Service":"b"}"#,
        r#"{"service":"a","ſervice":"b"}"#,
        r#"{"service":"a","x":1,"X":2}"#,
        r#"{"service":"a","limits":{"cpu":"1","cpu":"2"}}"#,
        r#"{"service":"a"} {}"#,
        "\u{feff}{\"service\":\"a\"}",
        r#"{"service":7}"#,
        r#"{"service":"a b"}"#,
        r#"{"service":""}"#,
        r#"{"image":"x"}"#,
        r#"{"service":"a","secrets":"b"}"#,
        r#"{"service":"a","secrets":["../b"]}"#,
        r#"{"service":"a","secrets":["prod/b"]}"#,
        r#"{"service":"a","secrets":[null]}"#,
        r#"{"service":"a","labels":["b"]}"#,
        r#"{"service":"a","labels":{"b":1}}"#,
        r#"{"service":"a","ſecrets":["b"]}"#,
        r#"{"service":"a","\u212a":1,"k":2}"#,
    ] {
        assert!(told("POST", "/system/functions", body).starts_with("400 "), "{body}");
    }
    let large = format!(r#"{{"service":"a","image":"{}"}}"#, "x".repeat(MAX_BODY_BYTES));
    assert!(told("POST", "/system/functions", &large).starts_with("400 "));
}

#[test]
fn path_and_body_have_to_agree() {
    assert!(told("POST", "/system/scale-function/env", r#"{"serviceName":"other"}"#).starts_with("400 "));
    assert!(told("PUT", "/system/namespace/dev", r#"{"name":"prod"}"#).starts_with("400 "));
    assert!(told("POST", "/system/namespace", "{}").starts_with("400 "));
}

#[test]
fn what_a_deployment_names_is_known_before_it_is_judged() {
    let body = json!({"service": "env", "namespace": "dev", "secrets": ["a", "env-identity"],
        "labels": {"team": "x", "iam.openfaas.com/group": "g"}, "newField": {"kept": true}});
    let deployment = call("PUT", "/system/functions", &body.to_string()).unwrap().deployment.unwrap();
    assert_eq!(deployment.secrets, ["a", "env-identity"]);
    assert_eq!(deployment.protected, [("iam.openfaas.com/group".to_owned(), "g".to_owned())].into());
    for empty in [r#"{"service":"env","secrets":null,"labels":null}"#, r#"{"service":"env"}"#] {
        let deployment = call("POST", "/system/functions", empty).unwrap().deployment.unwrap();
        assert!(deployment.secrets.is_empty() && deployment.protected.is_empty());
    }
}

#[test]
fn deployed_protected_labels_are_put_back_and_everything_else_is_kept() {
    let body = json!({"service": "env", "labels": {"team": "x"}, "newField": {"kept": true}});
    let call = call("PUT", "/system/functions", &body.to_string()).unwrap();
    assert_eq!(
        call.deployment.as_ref().unwrap().asked().target(),
        "/system/function/env?namespace=openfaas-fn"
    );
    let kept = [("iam.openfaas.com/group".to_owned(), "g".to_owned())].into();
    let forwarded = call.forward.with_labels(&kept).body.unwrap().to_bytes();
    let forwarded: Value = serde_json::from_slice(&forwarded).unwrap();
    assert_eq!(forwarded["labels"], json!({"team": "x", "iam.openfaas.com/group": "g"}));
    assert_eq!(forwarded["newField"], json!({"kept": true}));
}

proptest::proptest! {
    /// Whatever stands in front, `/system` is reached by a route of the table alone, and what is forwarded
    /// has the namespace that was judged.
    #[test]
    fn whatever_is_sent_is_refused_or_forwarded_as_it_was_judged(
        path in "/(system|function|ui|oauth)?[/a-z.%\\\\;]{0,24}", query in "[a-z=&%0-9;]{0,24}", body in "[{}a-z\":,]{0,40}",
    ) {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            if let Ok(Route::Api(endpoint)) = route(method, &path, &default())
                && let Ok(call) = endpoint.call(&query, body.as_bytes(), &default())
                && let Some(ns) = call.request.resource().namespace()
            {
                let target = call.forward.target();
                let named = format!("namespace={ns}");
                proptest::prop_assert!(target.contains(&named) || target.contains(&format!("/namespace/{ns}")), "{}", target);
            }
        }
    }
}
