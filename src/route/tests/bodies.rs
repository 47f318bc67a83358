//! Queries and bodies: one namespace, read as Go reads it, and what is forwarded is what was judged.

use serde_json::{Value, json};

use super::*;

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
    assert_eq!(call.asked().unwrap().target(), "/system/function/env?namespace=openfaas-fn");
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
