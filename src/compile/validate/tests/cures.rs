//! What people write who know another system, or this one from memory: each is told what they meant.

use super::{Kind, judge, told, with};
use Kind::{JwtIssuer, Policy, Role};

/// Kind, path, value, what is said: all of it about that one value.
#[rustfmt::skip]
const MEANT: &[(Kind, &str, &str, &str)] = &[
    (JwtIssuer, "issuer", r#""https://a""#, "spec.issuer: unknown field; write `iss`"),
    (JwtIssuer, "audience", r#"["a"]"#, "spec.audience: unknown field; write `aud`"),
    (JwtIssuer, "aux", r#"["a"]"#, "spec.aux: unknown field; write `aud`"),
    (JwtIssuer, "axy", r#"["a"]"#, "spec.axy: unknown field; remove it"),
    (JwtIssuer, "jwksUri", r#""https://a""#, "spec.jwksUri: unknown field; remove it: the address of the keys is asked of the issuer"),
    (JwtIssuer, "tokenExpiry", "3600", "spec.tokenExpiry: a number has no unit; write a duration such as `3600s`"),
    (JwtIssuer, "tokenExpiry", r#""3600""#, "spec.tokenExpiry: `3600` has no unit; write `3600s`"),
    (JwtIssuer, "tokenExpiry", r#""30""#, "spec.tokenExpiry: `30` is no duration from `1m` to `24h`"),
    (JwtIssuer, "emailVerified", "true", "spec.emailVerified: text belongs here: write `IfPresent` or `Required`"),
    (JwtIssuer, "jwks", r#""-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----\n""#, "spec.jwks: a private key: remove it, and replace the key, for whoever reads this object knows it"),
    (JwtIssuer, "jwks", r#""-----BEGIN PUBLIC KEY-----\nMIG\n-----END PUBLIC KEY-----\n""#, "spec.jwks: a map belongs here, and PEM is none; write the key as a JWK Set, `{keys: [{kty: …}]}`"),
    (JwtIssuer, "jwks", r#""{\"keys\": []}""#, "spec.jwks: a map belongs here, not text; write it without quotes"),
    (Role, "condition/StringEqual", r#"{"jwt.groups": ["a"]}"#, "write `jwt:groups`"),
    (Role, "condition/StringEqual", r#"{"jwt/groups": ["a"]}"#, "write `jwt:groups`"),
    (Role, "condition/StringEqual", r#"{"jwtgroups": ["a"]}"#, "write `jwt:jwtgroups`"),
    (Role, "principal", r#"{"sub": ["a"]}"#, "spec.principal.sub: `principal` knows only `jwt:sub`; write it so"),
    (Role, "condition/ForAnyValues:StringEqual", r#"{"jwt:x": ["a"]}"#, "write `ForAnyValue:StringEqual`"),
    (Role, "condition/NotStringEquals", r#"{"jwt:x": ["a"]}"#, "write `StringNotEqual`"),
    (Role, "scope", r#"["shop/*"]"#, "`shop/*` is neither `*` nor `namespace:name`; write `shop:*`"),
    (Policy, "statement/0/resource/0", r#""shop/*""#, "; write `shop:*`"),
    (Policy, "statement/0/resource/0", r#""shop.*""#, "; write `shop:*`"),
    (Policy, "statement/0/resource/0", r#""shop/cart""#, "; write `shop:cart`"),
    (Policy, "statement/0/resource/0", r#""cart.shop""#, "; write `shop:cart`"),
    (Policy, "statement/0/resource/0", r#""shop""#, "; write `shop:*`"),
    (Policy, "statement/0/resource/0", r#""Shop""#, "`Shop` is neither `*` nor `namespace:name`"),
    (Policy, "statement/0/resource/0", r#""function:shop:*""#, "has more than one `:`; write `shop:*`"),
    (Policy, "statement/0/resource/0", r#""arn:faas:shop:cart""#, "has more than one `:`; write `namespace:name`"),
    (Policy, "statement/0/action/0", r#""Function:Deploy""#, "`Function:Deploy` is no action; write `Function:Create` and `Function:Update`"),
    (Policy, "statement/0/action/0", r#""Function:Call""#, "write `Function:Invoke`"),
    (Policy, "statement/0/action/0", r#""Function:Publish""#, "is no action; of this family are `Function:List`, `Function:Get`, "),
    (Policy, "statement/0/action/0", r#""Function:Update ""#, "write `Function:Update`"),
    (Policy, "statement/0/action/0", r#""Invoke""#, "write `Function:Invoke`"),
    (Policy, "statement/0/action/0", r#""create""#, "write `Function:Create`, `Secret:Create` or `Namespace:Create`"),
    (Policy, "statement/0/action/0", r#""Storage:Read""#, "`Storage:Read` is no action; the families are `Function`, `Secret`, `Namespace` and `System`"),
];

#[test]
fn r25_what_was_meant_is_told_for_what_people_bring_from_elsewhere() {
    let mut wrong = Vec::new();
    for (kind, path, value, wanted) in MEANT {
        let value = serde_json::from_str(value).unwrap();
        let problems = told(&judge(*kind, with(*kind, path, Some(value)))).0;
        if problems.len() != 1 || !problems[0].contains(wanted) {
            wrong.push(format!("{path}: {wanted}\n    {}", problems.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Kind, path, value, what is said as a warning.
#[rustfmt::skip]
const ODD: &[(Kind, &str, &str, &str)] = &[
    (JwtIssuer, "iss", r#""https://idp.example.com/realms/a/.well-known/openid-configuration""#, "spec.iss: no token is signed so: leave off the path of discovery, `https://idp.example.com/realms/a`"),
    (Policy, "statement/0/resource/0", r#""shop:.*""#, "spec.statement[0].resource[0]: names of functions do not begin with `.`, and `*` alone stands for any run; write `shop:*`"),
];

#[test]
fn r25_what_serves_and_can_hardly_be_meant_is_a_warning() {
    for (kind, path, value, wanted) in ODD {
        let value = serde_json::from_str(value).unwrap();
        let (problems, warnings) = told(&judge(*kind, with(*kind, path, Some(value))));
        assert_eq!((problems, warnings), (vec![], vec![(*wanted).to_owned()]), "{path}");
    }
}

#[test]
fn a_resource_that_could_not_be_read_makes_no_action_out_of_reach() {
    let statement = r#"{"sid": "s", "effect": "Allow", "action": ["Secret:List"], "resource": ["shop/*"]}"#;
    let spec = with(Policy, "statement/0", Some(serde_json::from_str(statement).unwrap()));
    assert_eq!(told(&judge(Policy, spec)).1, Vec::<String>::new());
}

#[test]
fn r25_one_misspelt_field_is_one_problem() {
    for (kind, right, wrong) in [
        (Policy, "statement/0/action", "statement/0/actions"),
        (Policy, "statement", "statements"),
        (JwtIssuer, "iss", "issuer"),
        (JwtIssuer, "aud", "audience"),
    ] {
        let missing = told(&judge(kind, with(kind, right, None))).0;
        assert!(missing.iter().any(|said| said.contains("missing, and it must be there")), "{missing:?}");
        let mut spec =
            with(kind, wrong, Some(super::base(kind).pointer(&format!("/{right}")).unwrap().clone()));
        let at = right.rsplit_once('/').map_or(String::new(), |(way, _)| format!("/{way}"));
        let field = right.rsplit('/').next().unwrap();
        spec.pointer_mut(&at).unwrap().as_object_mut().unwrap().remove(field);
        let problems = told(&judge(kind, spec)).0;
        assert!(problems.len() == 1 && problems[0].contains("unknown field; write"), "{wrong}: {problems:?}");
    }
}
