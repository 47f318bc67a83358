//! The route table.

use super::*;

mod bodies;

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

/// Where a queued call is taken back.
const CALL: &str = "/async-function/3fa85f64-5717-4562-b3fc-2c963f66afa6";

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
        ("DELETE", CALL, Route::CancelCall("3fa85f64-5717-4562-b3fc-2c963f66afa6")),
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
fn s11_what_may_be_a_functions_name_is_no_id_of_a_queued_call() {
    for id in [
        "",
        "env",
        "env.dev",
        "3fa8-1",
        "a/b",
        "3fa85f6457174562b3fc2c963f66afa6",
        "3fa85f64-5717-4562-b3fc-2c963f66afa6.dev",
        "3fa85f64-5717-4562-b3fc-2c963f66afa6/x",
        "3fa85f64-5717-4562-b3fc-2c963f66afag",
        "3fa85f64-5717-4562-b3fc2-c963f66afa6",
        "3fa85f64-5717-4562-b3fc-2c963f66afa-",
        "{3fa85f64-5717-4562-b3fc-2c963f66afa6}",
    ] {
        assert_eq!(refused("DELETE", &format!("/async-function/{id}")), (400, "name"), "{id}");
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
        ("/function/env.dev/x//y%2f?z", "dev:env", "/function/env.dev/x//y%2f?z"),
        ("/function/env/%00\u{e9}#", "openfaas-fn:env", "/function/env.openfaas-fn/%00\u{e9}#"),
        ("/function/E_n-v.dev", "dev:E_n-v", "/function/E_n-v.dev"),
    ];
    for (path, resource, forwarded) in rows {
        let Ok(Route::Function(call)) = route("GET", path, &default()) else { panic!("{path}") };
        assert_eq!(call.target(None), forwarded);
        assert_eq!(call.into_request().unwrap().to_string(), format!("Function:Invoke {resource}"));
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
fn s2_what_leads_out_of_a_function_goes_nowhere() {
    for rest in [
        "/..",
        "/../",
        "/../prod.dev",
        "/./../prod.dev",
        "//../prod.dev",
        "/x/../../prod.dev",
        "/x//../../prod.dev",
        "/x/./../../prod.dev",
        "/../../system/functions",
        "/%2e%2e/prod.dev",
        "/.%2E/prod.dev",
        "/%2e./prod.dev",
        "/..%2fprod.dev",
        "/%2F..%2Fprod.dev",
        "/x%2f..%2f../prod.dev",
        "/..\\prod.dev",
        "/..%5cprod.dev",
        "/x\\..\\..\\prod.dev",
        "/%252e%252e/prod.dev",
        "/%25252e%2e/prod.dev",
        "/%25%32%65%2e/prod.dev",
        "/..;/prod.dev",
        "/..;x=y/prod.dev",
        "/..%3bx/prod.dev",
        "/..%3fx",
        "/..%23x",
        "/;/../prod.dev",
    ] {
        for prefix in ["/function/", "/async-function/"] {
            let path = format!("{prefix}env.dev{rest}");
            assert_eq!(refused("POST", &path), (400, "ambiguous_path"), "{path}");
        }
    }
}

#[test]
fn dot_segments_that_stay_in_the_function_pass_as_they_came() {
    for rest in [
        "/.",
        "/a/..",
        "/a/../b",
        "/a/b/../../c",
        "/a%2f..%2fb",
        "/a/%2e%2e/b",
        "/...",
        "/..a",
        "/a..",
        "/..%20",
        "/%",
        "/%2",
        "/%zz/%2e",
        "/a?../../x",
    ] {
        let path = format!("/function/env.dev{rest}");
        let Ok(Route::Function(call)) = route("GET", &path, &default()) else { panic!("{path}") };
        assert_eq!(call.target(None), path);
    }
}
