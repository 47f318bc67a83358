//! The OpenID provider of the tests is a real one: discovery, a key set, tokens by a real flow, keys that rotate.

use jsonwebtoken::{DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::{Value, json};

use crate::support::{
    Result,
    oidc::{Options, Provider},
};

async fn keys(provider: &Provider) -> Result<JwkSet> {
    let client = provider.client()?;
    let url = format!("{}/.well-known/openid-configuration", provider.issuer());
    let discovery: Value =
        serde_json::from_str(&client.get(url).send().await?.error_for_status()?.text().await?)?;
    assert_eq!(discovery["issuer"], provider.issuer());
    let address = discovery["jwks_uri"].as_str().unwrap();
    Ok(serde_json::from_str(&client.get(address).send().await?.error_for_status()?.text().await?)?)
}

fn verify(token: &str, keys: &JwkSet, audience: &str) -> Value {
    let header = decode_header(token).unwrap();
    let key = keys.find(header.kid.as_ref().unwrap()).expect("the key that signed is published");
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&[audience]);
    decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &validation).unwrap().claims
}

#[tokio::test]
async fn tokens_of_both_algorithms_verify_before_and_after_a_rotation() -> Result<()> {
    for algorithm in ["RS256", "ES256"] {
        let path = String::from("/realms/acme");
        let mut provider = Provider::start(&Options { path, algorithm: algorithm.into(), issuer: None })?;
        let old = provider.token(&json!({"groups": ["deployers"], "aud": "gateway"})).await?;
        let kid = provider.rotate()?;
        let new = provider.token(&json!({})).await?;

        let keys = keys(&provider).await?;
        assert_eq!(decode_header(&new)?.kid, Some(kid));
        let claims = verify(&old, &keys, "gateway");
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!(provider.issuer()), &json!("sid1")));
        assert_eq!(claims["groups"], json!(["deployers"]));
        assert_eq!(verify(&new, &keys, "sid1")["iss"], provider.issuer());
    }
    Ok(())
}
