//! Bad paths, headers and bodies, sent with a token that may do everything: what is refused is refused for
//! what it is.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{counted, reason, refused};
use crate::gateway::tests::support::*;
use crate::route::MAX_BODY_BYTES;

/// Sends a head as it stands, and reads the status of the answer.
async fn status(running: &Running, target: &str, headers: &str) -> u16 {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    code.unwrap_or_else(|| panic!("{target}: {answer:?}"))
}

#[tokio::test]
async fn s2_paths_that_somebody_could_read_differently_go_nowhere() {
    let running = Running::new().await;
    let token = running.api_token("root").await;
    let shown = format!("Authorization: Bearer {token}");
    let get = async |target: &str| status(&running, target, &shown).await;
    assert_eq!(get("/system/info").await, 200);
    running.provider.take();
    for target in [
        "/system",
        "/system/",
        "/system//info",
        "//system/info",
        "///system/info",
        "/./system/info",
        "/../system/info",
        "/x/../system/info",
        "/system/../system/info",
        "/system/./info",
        "/system/info/",
        "/system/info/.",
        "/system/info/..",
        "/system/info;x=y",
        "/system/info%20",
        "/system/info%00",
        "/system/info%2f",
        "/system/info%3fx",
        "/system/info%23",
        "/system%2finfo",
        "/%73ystem/info",
        "/system/%69nfo",
        "/system/%2e%2e/system/info",
        "/system/%252e%252e/info",
        "/system\\info",
        "\\system\\info",
        "/System/info",
        "/SYSTEM/INFO",
        "/system/Info",
        "/system/info.json",
        "/system/functions/../info",
        "/healthz/../system/info",
        "/ui/../system/info",
        "/ui/..%2fsystem/info",
        "/ui/%2e%2e/system/info",
        "/ui/..;/system/info",
        "/.well-known/../system/info",
        "/oauth/../system/info",
        "/function/../system/info",
        "/function/..%2fsystem/info",
        "/function/%2e%2e/system/info",
        "/function/..",
        "/function/.",
        "/function/",
        "/function",
        "/function//env",
        "/function/env%00.dev",
        "/function/env%2edev",
        "/function/env%2Fx",
        "/function/e%6ev",
        "/function/env.Dev",
        "/function/env.dev;x",
        "/function/env:8080",
        "/function/env@evil.example.com",
        "/function/env.dev.",
        "/function/.dev",
        "/async-function/",
        "/async-function/env",
        "/async-function/../system/info",
        "/functions/env",
        "/metrics",
        "/livez",
        "/readyz",
        "/debug/pprof",
        "/api",
        "*",
        "system/info",
        "?x",
    ] {
        let before = counted(&running);
        let found = get(target).await;
        assert!((400..500).contains(&found), "{target}: {found}");
        assert!(running.provider.take().is_empty(), "{target} went upstream");
        // Some are no HTTP, and end before anybody decides.
        if found != 400 || counted(&running) != before {
            let why = reason(&running, &before);
            let known = ["ambiguous_path", "undecided_route", "name", "namespace", "no_credential"];
            assert!(known.contains(&why.as_str()), "{target}: {why}");
        }
    }
}

#[tokio::test]
async fn s2_a_fragment_is_never_seen_and_so_never_forwarded() {
    let running = Running::new().await;
    let token = running.api_token("root").await;
    // The parser of requests cuts it off, so that it can be neither judged nor refused here.
    for (target, forwarded) in [
        ("/system/info#x", "/system/info"),
        ("/system/info#/../functions", "/system/info"),
        ("/function/env#.dev", "/function/env.openfaas-fn"),
    ] {
        assert_eq!(
            status(&running, target, &format!("Authorization: Bearer {token}")).await,
            200,
            "{target}"
        );
        assert_eq!(running.provider.only().target, forwarded);
    }
}

#[tokio::test]
async fn s4_queries_that_name_two_things_or_none_go_nowhere() {
    let running = Running::new().await;
    let token = running.api_token("root").await;
    for query in [
        "namespace=dev&namespace=dev",
        "namespace=dev&namespace=prod",
        "namespace=dev&Namespace=prod",
        "namespace=dev&name%73pace=prod",
        "namespace=dev&name\u{17f}pace=prod",
        "NAMESPACE=dev",
        "namespace=Dev",
        "namespace=dev%00",
        "namespace=dev%20",
        "namespace=../prod",
        "namespace=dev%2Fprod",
        "namespace=dev,prod",
        "namespace=*",
        "namespace=%",
        "namespace=%2",
        "namespace=%zz",
        "namespace=%FF",
        "namespace=%C0%AF",
        "namespace=dev;x=y",
        "x=1&x=2",
        "x=1&X=2",
        &"a&".repeat(40),
        &(0..40).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join("&"),
    ] {
        let before = counted(&running);
        let (status, text) =
            running.send("GET", &format!("/system/functions?{query}"), Some(&token), "").await;
        let why = reason(&running, &before);
        assert!(["query", "namespace"].contains(&why.as_str()), "{query}: {why}");
        refused(&running, &before, status, &why, query);
        assert!(text.contains("(decision "), "{text}");
    }
}

#[tokio::test]
async fn s5_bodies_that_go_would_read_differently_go_nowhere() {
    let running = Running::new().await;
    let token = running.api_token("root").await;
    let deploy = r#""service":"env","image":"i""#;
    let nested = format!("{}{}", r#"{"x":"#.repeat(100), "1".to_owned() + &"}".repeat(100));
    let rows = [
        ("POST", "/system/functions", String::new()),
        ("POST", "/system/functions", "null".into()),
        ("POST", "/system/functions", "[]".into()),
        ("POST", "/system/functions", "7".into()),
        ("POST", "/system/functions", "{".into()),
        ("POST", "/system/functions", format!("{{{deploy}}}}}")),
        ("POST", "/system/functions", format!("{{{deploy}}}{{{deploy}}}")),
        ("POST", "/system/functions", format!("\u{feff}{{{deploy}}}")),
        ("POST", "/system/functions", format!("{{{deploy},}}")),
        ("POST", "/system/functions", format!("{{{deploy},\"x\":NaN}}")),
        ("POST", "/system/functions", format!("{{{deploy},\"x\":\"\\ud800\"}}")),
        ("POST", "/system/functions", format!("{{{deploy},\"x\":{nested}}}")),
        ("POST", "/system/functions", format!("{{{deploy},\"service\":\"other\"}}")),
        ("POST", "/system/functions", format!("{{{deploy},\"Service\":\"other\"}}")),
        ("POST", "/system/functions", format!("{{{deploy},\"\u{17f}ervice\":\"other\"}}")),
        ("POST", "/system/functions", format!("{{{deploy},\"s\\u0065rvice\":\"other\"}}")),
        ("POST", "/system/functions", format!("{{{deploy},\"NAMESPACE\":\"prod\"}}")),
        ("POST", "/system/functions", format!("{{{deploy},\"namespace\":7}}")),
        ("POST", "/system/functions", format!("{{{deploy},\"namespace\":null}}")),
        ("POST", "/system/functions", format!("{{{deploy},\"namespace\":\"Prod\"}}")),
        ("POST", "/system/functions?namespace=dev", format!("{{{deploy},\"namespace\":\"prod\"}}")),
        ("POST", "/system/functions", format!("{{{deploy},\"secrets\":\"a\"}}")),
        ("POST", "/system/functions", format!("{{{deploy},\"secrets\":[\"../a\"]}}")),
        ("POST", "/system/functions", format!("{{{deploy},\"Secrets\":[\"a\"]}}")),
        ("POST", "/system/functions", format!("{{{deploy},\"labels\":[\"a\"]}}")),
        ("POST", "/system/functions", format!("{{{deploy},\"labels\":{{\"a\":null}}}}")),
        ("PUT", "/system/functions", r#"{"service":"../env"}"#.into()),
        ("PUT", "/system/functions", r#"{"service":"env\u0000"}"#.into()),
        ("PUT", "/system/functions", r#"{"service":["env"]}"#.into()),
        ("PUT", "/system/functions", r#"{"functionName":"env"}"#.into()),
        ("DELETE", "/system/functions", r#"{"service":"env"}"#.into()),
        ("DELETE", "/system/functions", r#"{"functionName":"env","functionname":"other"}"#.into()),
        ("DELETE", "/system/functions", String::new()),
        ("POST", "/system/scale-function/env", r#"{"serviceName":"other","replicas":1}"#.into()),
        ("POST", "/system/scale-function/env", r#"{"serviceName":null}"#.into()),
        ("POST", "/system/scale-function/env", String::new()),
        ("POST", "/system/secrets", r#"{"name":"../s"}"#.into()),
        ("POST", "/system/secrets", r#"{"name":"s","Name":"basic-auth"}"#.into()),
        ("POST", "/system/secrets", r#"{"value":"v"}"#.into()),
        ("DELETE", "/system/secrets?namespace=dev", r#"{"name":"s","namespace":"prod"}"#.into()),
        ("PUT", "/system/namespace/dev", r#"{"name":"prod"}"#.into()),
        ("POST", "/system/namespace", r#"{}"#.into()),
        ("DELETE", "/system/namespace/dev", r#"{"Name":"prod"}"#.into()),
        ("POST", "/system/alert", "[]".into()),
    ];
    for (method, target, body) in rows {
        let before = counted(&running);
        let (status, _) = running.send(method, target, Some(&token), &body).await;
        let row = format!("{method} {target} {body:.80}");
        let why = reason(&running, &before);
        assert!(["body", "namespace", "name"].contains(&why.as_str()), "{row}: {why}");
        refused(&running, &before, status, &why, &row);
        assert_eq!(status, 400, "{row}");
    }
    let large = format!("{{{deploy},\"x\":\"{}\"}}", "x".repeat(MAX_BODY_BYTES));
    let before = counted(&running);
    let (status, _) = running.send("POST", "/system/functions", Some(&token), &large).await;
    refused(&running, &before, status, "body_too_large", "more than is read");
}

#[tokio::test]
async fn s9_headers_that_say_two_things_go_nowhere() {
    let mut running = Running::new().await;
    running.change(|bundle| bundle.insert("p", private(&["dev:*"])));
    let (api, function) = (running.api_token("root").await, running.function_token("root", &[]).await);
    let rows = [
        ("/system/info", format!("Authorization: Bearer {api}\r\nAuthorization: Bearer {api}"), "header"),
        ("/system/info", format!("Authorization: Bearer {api}\r\nauthorization: Basic YTpi"), "header"),
        ("/system/info", format!("Authorization: Bearer {api}\u{e9}"), "header"),
        (
            "/function/env.dev",
            format!("Authorization: Bearer {function}\r\nAuthorization: Bearer x"),
            "header",
        ),
        ("/function/env.dev", format!("X-Auth-Token: {function}\r\nX-Auth-Token: {function}"), "header"),
        (
            "/function/env.dev",
            format!("X-Auth-Token: {function}\r\nAuthorization: Bearer {api}"),
            "two_tokens",
        ),
        ("/function/env.dev", format!("X-Auth-Token: {function}\u{e9}"), "header"),
        ("/function/env", format!("Authorization: Bearer {api}\r\nAuthorization: Bearer x"), "header"),
        ("/system/info", format!("Authorization : Bearer {api}"), ""),
        ("/system/info", format!("Authorization\u{0}: Bearer {api}"), ""),
        ("/system/info", format!("Authorization: Bearer\r\n {api}"), ""),
        ("/system/info", format!("X: y\u{0}\r\nAuthorization: Bearer {api}"), ""),
    ];
    for (target, headers, want) in rows {
        let before = counted(&running);
        let found = status(&running, target, &headers).await;
        if want.is_empty() {
            assert_eq!(
                (found, counted(&running) == before),
                (400, true),
                "no HTTP, and nobody decides: {headers:.40}"
            );
            assert!(running.provider.take().is_empty(), "{headers:.40}");
        } else {
            refused(&running, &before, found, want, &format!("{target} {headers:.60}"));
        }
    }
}
