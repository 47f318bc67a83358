//! Tables: rule, kind, path, value (`-` takes out what is there), and in the snapshot what is said of it.

use super::{Kind, judge_named, told, with};
use Kind::{JwtIssuer, Policy, Role};

type Row = (&'static str, Kind, &'static str, &'static str);

const FINE: &[Row] = &[
    ("5", Policy, "statement/0/action", r#"["Function:*", "Secret:*", "Namespace:*", "Function:Tag"]"#),
    ("6", Policy, "statement/0/resource", r#"["*", "*:*", "d*v:e*v", "dev:a.b_C-1"]"#),
    ("7", Policy, "statement/0/condition", r#"{"Bool": {"jwt:admin": ["true"]}}"#),
    ("8", Role, "principal", "-"),
    ("8", Role, "condition/StringLike", r#"{"jwt:sub": ["repo:acme/*", "project_path:a/*", "a?"]}"#),
    ("10", Role, "scope", r#"["*", "dev:*", "dev:env"]"#),
    ("12", Role, "condition/StringNotEqualIgnoreCase", r#"{"jwt:x": ["a"]}"#),
    ("12", Role, "condition/ForAllValues:StringNotLike", r#"{"jwt:groups": ["a*"]}"#),
    ("13", Role, "condition/StringEqual/jwt:https:~1~1acme.com~1dept", r#"["a"]"#),
    ("14", Role, "condition/Null", r#"{"jwt:groups": ["false"]}"#),
    ("15", Role, "condition/StringEqual/jwt:runner_id", r#"["12270807", "-1", "1.5", "0123"]"#),
    ("16", Role, "condition/ForAnyValue:StringEqual", r#"{"jwt:groups": ["a"]}"#),
    ("18", Role, "condition/StringLike", r#"{"jwt:email": ["*@example.com", "a?*@localhost"]}"#),
    ("18", Role, "condition/StringEqual/jwt:email", r#"["o'neil+faas@example.com"]"#),
    ("19", JwtIssuer, "iss", r#""https://idp.example.com:8443/realms/a/""#),
    ("19", JwtIssuer, "iss", r#""http://localhost:8080""#),
    ("19", JwtIssuer, "iss", r#""http://[::1]:8080""#),
    ("19", JwtIssuer, "iss", r#""https://kubernetes.default.svc.cluster.local""#),
    ("19", JwtIssuer, "issInternal", r#""http://keycloak.auth:8080/realms/a""#),
    ("19", JwtIssuer, "issInternal", r#""https://kubernetes.default.svc:443""#),
    ("21", JwtIssuer, "tokenExpiry", r#""""#),
    ("21", JwtIssuer, "tokenExpiry", r#""1m""#),
    ("21", JwtIssuer, "tokenExpiry", r#""24h""#),
    ("21", JwtIssuer, "tokenExpiry", r#""23h59m59.5s""#),
    ("21", JwtIssuer, "tokenExpiry", r#""+1.5h""#),
    ("21", JwtIssuer, "tokenExpiry", r#""60000ms""#),
    (
        "22",
        JwtIssuer,
        "iss",
        r#""https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0""#,
    ),
    ("22", JwtIssuer, "shared", "true"),
    ("26", JwtIssuer, "algorithms", r#"["RS256", "ES384", "EdDSA"]"#),
    ("27", Role, "principal/jwt:sub", r#"["デプロイ担当", "배포", "émile"]"#),
    (
        "28",
        JwtIssuer,
        "jwks",
        r#"{"keys": [{"kty": "EC", "crv": "P-256", "kid": "a", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}], "note": ""}"#,
    ),
    ("28", JwtIssuer, "caBundleRef", r#"{"kind": "ConfigMap", "name": "ca.bundle-1", "key": "ca_x.crt"}"#),
    ("28", JwtIssuer, "jwksRef", r#"{"kind": "Secret", "name": "keys", "key": "jwks.json"}"#),
];

const WARNED: &[Row] = &[
    (
        "5",
        Policy,
        "statement/0/action",
        r#"["Function:Read", "Function:Admin", "Secret:Read", "Secret:Admin"]"#,
    ),
    ("5", Policy, "statement/0/action", r#"["Role:*", "Policy:*"]"#),
    (
        "3",
        Policy,
        "statement/0",
        r#"{"sid": "s", "effect": "Allow", "action": ["Secret:*", "Namespace:Get"], "resource": ["dev:env"]}"#,
    ),
    (
        "6",
        Policy,
        "statement/0",
        r#"{"sid": "s", "effect": "Allow", "action": ["System:Info"], "resource": ["*:*"]}"#,
    ),
    ("6", Policy, "statement/0/resource/0", r#""kube-system:*""#),
    ("1", Policy, "statement/0/resource/0", r#""dev:**""#),
    ("8", Role, "condition/StringLike", r#"{"jwt:sub": ["*", "**", "?"]}"#),
    ("8", Role, "principal/jwt:sub", r#"["repo:acme/*"]"#),
    ("9", Role, "policy", "-"),
    ("9", Role, "policy", "[]"),
    ("10", Role, "scope", r#"["kube-system:x"]"#),
    ("12", Role, "condition/StringEquals", r#"{"jwt:x": ["a"]}"#),
    ("12", Role, "condition/ForAnyValue:StringEqualsIgnoreCase", r#"{"jwt:x": ["a"]}"#),
    ("13", Role, "condition/ForAnyValue:StringEqual", r#"{"jwt:realm_access.roles": ["a"]}"#),
    ("14", Role, "condition/Null", r#"{"jwt:x": ["true", "false"]}"#),
    ("16", Role, "condition/StringEqual/jwt:groups", r#"["a"]"#),
    ("16", Role, "condition/StringNotLike", r#"{"jwt:groups_direct": ["a"], "jwt:roles": ["b"]}"#),
    ("16", Role, "condition/ForAnyValue:StringNotEqual", r#"{"jwt:groups": ["a"]}"#),
    ("17", Role, "condition/StringEqual/jwt:ref", r#"["refs/*"]"#),
    ("18", Role, "condition/StringEqual/jwt:email", r#"["@example.com"]"#),
    ("19", JwtIssuer, "iss", r#""idp.example.com/realms/a""#),
    ("19", JwtIssuer, "iss", r#""api""#),
    ("23", Role, "condition/StringEqual", r#"{"jwt:fed:iss": ["a"], "jwt:function": ["b"]}"#),
    ("25", Role, "principal/jwt:sub", r#"["1.2885807e+07", "1e3", "-2E5"]"#),
    ("25", Role, "condition/StringEqual/jwt:x", r#"["1.2885807e+07"]"#),
    ("27", Role, "principal/jwt:sub", r#"["аlice"]"#),
    ("27", Policy, "statement/0/sid", r#""pαy""#),
    ("28", JwtIssuer, "jwksRef", r#"{"kind": "ConfigMap", "name": "keys", "key": "jwks.json"}"#),
    (
        "28",
        JwtIssuer,
        "jwks",
        r#"{"keys": [{"kty": "XYZ", "kid": "b"}, {"kid": "c"}, {"kty": "EC", "crv": "P-256", "kid": "a", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}"#,
    ),
    (
        "28",
        JwtIssuer,
        "",
        r#"{"iss": "http://idp.example.com", "aud": ["a"], "issInternal": "http://idp", "caBundleRef": {"kind": "Secret", "name": "a", "key": "b"}, "jwksRef": {"kind": "Secret", "name": "a", "key": "b"}}"#,
    ),
];

#[rustfmt::skip]
const WRONG: &[Row] = &[
    ("5", Policy, "statement/0/action", r#"["Function:L*", "**", "Func*", "function:list", "Secret:Get", "Role:List", "Invoke"]"#),
    ("6", Policy, "statement/0/resource", r#"["dev", "dev:", ":x", "a:b:c", "dev:e?v", "Dev:x", "dev:é", "d.e:x", "**", "dev: x"]"#),
    ("7", Policy, "statement/0/effect", r#""Deny""#),
    ("7", Policy, "statement/0/effect", r#""allow""#),
    ("7", Policy, "statement/0/effect", "-"),
    ("7", Policy, "statement/0/sid", "-"),
    ("7", Policy, "statement/0/action", "-"),
    ("7", Policy, "statement/0/resource", "-"),
    ("7", Policy, "statement", "-"),
    ("8", Policy, "statement", "[]"),
    ("8", Policy, "statement/0", "null"),
    ("8", Policy, "statement/0/sid", r#""""#),
    ("8", Policy, "statement/0/action", "[]"),
    ("8", Policy, "statement/0/action/0", r#""""#),
    ("8", Policy, "statement/0/resource", "null"),
    ("8", Policy, "statement/0/condition", "{}"),
    ("8", Policy, "statement/0/condition", "null"),
    ("8", Role, "principal", r#"{"jwt:sub": ["a"], "jwt:email": ["a@b"], "sub": ["a"]}"#),
    ("8", Role, "principal", r#"{"jwt:email": ["a@b"]}"#),
    ("8", Role, "principal", "null"),
    ("8", Role, "principal", "{}"),
    ("8", Role, "principal/jwt:sub", "null"),
    ("8", Role, "principal/jwt:sub", "[]"),
    ("8", Role, "principal/jwt:sub", r#"["", "repo:", "@"]"#),
    ("8", Role, "condition", "null"),
    ("8", Role, "condition", "{}"),
    ("8", Role, "condition/StringEqual", "null"),
    ("8", Role, "condition/StringEqual", "{}"),
    ("8", Role, "condition/StringEqual/jwt:iss", "null"),
    ("8", Role, "condition/StringEqual/jwt:iss", "[]"),
    ("8", Role, "condition/StringEqual/jwt:iss", r#"["", null]"#),
    ("8", Role, "condition/StringNotEqual", r#"{"jwt:sub": []}"#),
    ("8", Role, "condition/StringLike", r#"{"jwt:sub": ["repo:*", "repo:/*", "re*po:", "project_path:/", "organization:*", "repository_owner:", "/", "*/*", "@", "?@"]}"#),
    ("8", Role, "condition/StringNotLike", r#"{"jwt:sub": ["repo:/*"]}"#),
    ("8", Role, "condition/ForAnyValue:StringEqual", r#"{"jwt:groups": ["/"]}"#),
    ("8", Role, "", "{}"),
    ("8", Role, "policy", "null"),
    ("8", Role, "policy", r#"["p", ""]"#),
    ("10", Role, "scope", r#"["d*:x", "dev:e*", "*:*", "dev", "*:x", ""]"#),
    ("10", Role, "scope", "[]"),
    ("10", Role, "scope", "null"),
    ("12", Role, "condition/principal", r#"{"jwt:sub": ["a"]}"#),
    ("12", Policy, "statement/0/condition", r#"{"principal": {"jwt:sub": ["a"]}}"#),
    ("12", Role, "condition", r#"{"ForAnyValue:Bool": {"jwt:a": ["true"]}, "NotStringEquals": {"jwt:a": ["b"]}, "NumericEquals": {"jwt:a": ["1"]}, "StringEqualsIfExists": {"jwt:a": ["b"]}, "stringequals": {"jwt:a": ["b"]}, "ForAllValues:Null": {"jwt:a": ["true"]}, "": {"jwt:a": ["b"]}}"#),
    ("13", Role, "condition/StringEqual", r#"{"email": ["a"], "jwt:": ["a"], "JWT:sub": ["a"], "": ["a"]}"#),
    ("15", Role, "condition", r#"{"Bool": {"jwt:a": ["True", "1", "yes"]}, "Null": {"jwt:a": ["null"]}}"#),
    ("18", Role, "condition/StringEqual/jwt:email", r#"["alice", "a@", "a@b@c", "a@b c"]"#),
    ("18", Role, "condition/StringLike", r#"{"jwt:email": ["*", "*@*", "*@*.example.com", "*@example.co?", "*@", "*example.com", "a@b*"]}"#),
    ("18", Role, "condition/StringNotEqualIgnoreCase", r#"{"jwt:email": ["example.com"]}"#),
    ("18", Role, "condition/ForAnyValue:StringLike", r#"{"jwt:email": ["*@*"]}"#),
    ("19", JwtIssuer, "iss", "-"),
    ("19", JwtIssuer, "iss", r#""""#),
    ("19", JwtIssuer, "iss", r#""http://idp.example.com""#),
    ("19", JwtIssuer, "iss", r#""http://localhost.example.com""#),
    ("19", JwtIssuer, "iss", r#""https://user:secret@idp.example.com""#),
    ("19", JwtIssuer, "iss", r#""https://169.254.169.254/""#),
    ("19", JwtIssuer, "iss", r#""https://0xa9fea9fe/""#),
    ("19", JwtIssuer, "iss", r#""https://[::ffff:169.254.169.254]/""#),
    ("19", JwtIssuer, "iss", r#""https://metadata.google.internal./""#),
    ("19", JwtIssuer, "aud", "-"),
    ("19", JwtIssuer, "aud", "[]"),
    ("19", JwtIssuer, "aud", r#"["a", ""]"#),
    ("19", JwtIssuer, "issInternal", r#""keycloak.auth:8080""#),
    ("19", JwtIssuer, "issInternal", r#""ftp://keycloak.auth""#),
    ("19", JwtIssuer, "issInternal", r#""http://a:b@keycloak.auth""#),
    ("19", JwtIssuer, "issInternal", r#""http://[fe80::1]:8080""#),
    ("19", JwtIssuer, "issInternal", r#""https://idp.example.com\\@evil""#),
    ("20", JwtIssuer, "system:jwks", r#"{"keys": []}"#),
    ("20", JwtIssuer, "system:jwksRef", r#"{"kind": "Secret", "name": "a", "key": "b"}"#),
    ("20", JwtIssuer, "system:issInternal", r#""http://gateway.openfaas:8080""#),
    ("20", JwtIssuer, "system:caBundleRef", r#"{"kind": "Secret", "name": "a", "key": "b"}"#),
    ("20", JwtIssuer, "system:algorithms", r#"["RS256"]"#),
    ("21", JwtIssuer, "tokenExpiry", r#""59s""#),
    ("21", JwtIssuer, "tokenExpiry", r#""59.999s""#),
    ("21", JwtIssuer, "tokenExpiry", r#""24h1ns""#),
    ("21", JwtIssuer, "tokenExpiry", r#""24h1s""#),
    ("21", JwtIssuer, "tokenExpiry", r#""-1h""#),
    ("21", JwtIssuer, "tokenExpiry", r#""1d""#),
    ("21", JwtIssuer, "tokenExpiry", r#""30""#),
    ("21", JwtIssuer, "tokenExpiry", r#""0""#),
    ("21", JwtIssuer, "tokenExpiry", r#""1h0""#),
    ("21", JwtIssuer, "tokenExpiry", r#""1h-5m""#),
    ("21", JwtIssuer, "tokenExpiry", r#""99999999999999999999999999h""#),
    ("21", JwtIssuer, "tokenExpiry", r#""infh""#),
    ("21", JwtIssuer, "tokenExpiry", r#"" 1h""#),
    ("21", JwtIssuer, "tokenExpiry", "1800"),
    ("21", JwtIssuer, "tokenExpiry", "null"),
    ("22", JwtIssuer, "iss", r#""https://login.microsoftonline.com/common/v2.0""#),
    ("22", JwtIssuer, "iss", r#""https://sts.windows.net/Organizations/""#),
    ("24", JwtIssuer, "iss", r#""urn:faas-iam:basic-auth""#),
    ("25", Role, "conditions", r#"{"StringEqual": {"jwt:sub": ["a"]}}"#),
    ("25", Role, "principals", "null"),
    ("25", Role, "scopes", r#"["dev:*"]"#),
    ("25", Policy, "statement/0/conditions", r#"{"StringEqual": {"jwt:sub": ["a"]}}"#),
    ("25", Role, "policies", r#"["p"]"#),
    ("25", Role, "colour", "1"),
    ("25", Policy, "statements", "[]"),
    ("25", Policy, "statement/0/actions", r#"["*"]"#),
    ("25", Policy, "statement/0/principal", r#"{"jwt:sub": ["a"]}"#),
    ("25", JwtIssuer, "audience", r#"["a"]"#),
    ("25", JwtIssuer, "jwksURI", r#""https://a""#),
    ("25", Role, "condition/StringEqual/jwt:iss", r#""https://idp.example.com""#),
    ("25", Role, "condition/StringEqual/jwt:runner_id", "[12270807]"),
    ("25", Role, "condition/StringEqual/jwt:x", "[107691503500061507151, 1.5, true]"),
    ("25", Role, "condition/Bool", r#"{"jwt:a": [true]}"#),
    ("25", Role, "condition/Null", r#"{"jwt:a": true}"#),
    ("25", Role, "condition", r#"["a"]"#),
    ("25", Role, "condition/StringEqual", r#"["a"]"#),
    ("25", Role, "condition/StringEqual/jwt:iss", r#"{"a": "b"}"#),
    ("25", Role, "principal", r#""alice""#),
    ("25", Role, "principal/jwt:sub", r#"[1234567, true, ["a"], {"a": "b"}]"#),
    ("25", Role, "principal/jwt:sub", "1234567"),
    ("25", Role, "policy", r#""p""#),
    ("25", Role, "scope", r#""dev:*""#),
    ("25", Policy, "statement/0/action", r#""*""#),
    ("25", Policy, "statement/0/sid", "1"),
    ("25", Policy, "statement", r#"{"sid": "s"}"#),
    ("25", JwtIssuer, "aud", r#""gateway""#),
    ("25", JwtIssuer, "capExpiry", r#""true""#),
    ("25", JwtIssuer, "shared", "1"),
    ("25", JwtIssuer, "iss", "7"),
    ("26", JwtIssuer, "algorithms", r#"["HS256", "none", "rs256", "ES512"]"#),
    ("26", JwtIssuer, "emailVerified", r#""Always""#),
    ("27", Role, "principal/jwt:sub", r#"["a\u200b", "a\u0000", "\u2028", "a\u202eb", "\ufeffa", "a\n"]"#),
    ("27", Role, "condition/StringEqual/jwt:a\u{200b}", r#"["x"]"#),
    ("27", Policy, "statement/0/sid", r#""a\tb""#),
    ("28", JwtIssuer, "jwksRef", r#"{"kind": "Pod", "name": "../x", "key": "a/b"}"#),
    ("28", JwtIssuer, "jwksRef", r#"{"kind": "Secret", "name": "Keys", "key": ".."}"#),
    ("28", JwtIssuer, "jwksRef", r#"{"kind": "Secret", "name": "keys"}"#),
    ("28", JwtIssuer, "jwksRef", r#"{"kind": "Secret", "name": "keys", "key": "a", "namespace": "b"}"#),
    ("28", JwtIssuer, "jwksRef", "null"),
    ("28", JwtIssuer, "caBundleRef", r#""company-ca""#),
    ("28", JwtIssuer, "jwks", "null"),
    ("28", JwtIssuer, "jwks", r#""{}""#),
    ("28", JwtIssuer, "jwks", "{}"),
    ("28", JwtIssuer, "jwks", r#"{"keys": []}"#),
    ("28", JwtIssuer, "jwks", r#"{"keys": [{"kty": "XYZ"}]}"#),
    ("28", JwtIssuer, "jwks", r#"{"keys": [{"kty": "oct", "k": "c2VjcmV0LWtleQ"}]}"#),
    ("28", JwtIssuer, "jwks", r#"{"keys": [{"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM", "d": "c2VjcmV0LWtleQ"}]}"#),
    ("28", JwtIssuer, "", r#"{"iss": "https://a", "aud": ["a"], "jwks": {"keys": [{"kty": "EC", "crv": "P-256", "kid": "a", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}, "jwksRef": {"kind": "Secret", "name": "a", "key": "b"}}"#),
];

/// What is said of each row; a path that begins with `system:` is of the JwtIssuer of that name.
fn table(rows: &[Row], expected: impl Fn(&[String], &[String]) -> bool) -> String {
    let mut table = String::new();
    for (rule, kind, path, value) in rows {
        let (name, path) = path.strip_prefix("system:").map_or(("x", *path), |path| ("system", path));
        let value = (*value != "-").then(|| serde_json::from_str(value).unwrap());
        let spec = if path.is_empty() { value.clone().unwrap() } else { with(*kind, path, value.clone()) };
        let (problems, warnings) = told(&judge_named(*kind, name, spec));
        assert!(expected(&problems, &warnings), "{rule} {path} {value:?}: {problems:?} {warnings:?}");
        let shown = value.map_or_else(|| "(missing)".to_owned(), |v| v.to_string());
        table.push_str(&format!("{rule} | {} {path} | {}\n", kind.kind(), shown.escape_debug()));
        problems.iter().for_each(|p| table.push_str(&format!("    {p}\n")));
        warnings.iter().for_each(|w| table.push_str(&format!("    warning: {w}\n")));
    }
    table
}

#[test]
fn what_the_rules_allow_passes_without_a_word() {
    table(FINE, |problems, warnings| problems.is_empty() && warnings.is_empty());
}

#[test]
fn what_is_odd_serves_with_a_warning() {
    insta::assert_snapshot!(table(WARNED, |problems, warnings| problems.is_empty() && !warnings.is_empty()));
}

#[test]
fn what_breaks_a_rule_is_a_problem_that_names_its_field_and_its_cure() {
    insta::assert_snapshot!(table(WRONG, |problems, _| !problems.is_empty()));
}

#[test]
fn every_element_that_breaks_a_rule_has_a_problem_of_its_own() {
    for (_, kind, path, value) in WRONG {
        let Ok(serde_json::Value::Array(items)) = serde_json::from_str(value) else { continue };
        let path = path.strip_prefix("system:").unwrap_or(path);
        if items.len() < 2
            || path == "condition/StringEqual/jwt:iss"
            || *value == r#"["a", ""]"#
            || *value == r#"["p", ""]"#
        {
            continue;
        }
        let (problems, _) = told(&judge_named(*kind, "x", with(*kind, path, Some(items.clone().into()))));
        assert!(problems.len() >= items.len(), "{path} {value}: {problems:?}");
    }
}
