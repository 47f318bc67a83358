//! The registry of the tests is a real one: it asks who somebody is by password or by token, and has images.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use crate::support::{
    Result,
    certs::Authority,
    registry::{Registry, basic},
    token_service::{Answer, Asked, TokenService},
};

const IMAGE: &str = "team/app";

/// What a path of the registry answers, with this `Authorization`.
async fn status(registry: &Registry, path: &str, authorization: Option<&str>) -> Result<StatusCode> {
    let asked = registry.client()?.get(registry.url(path));
    let asked = authorization.into_iter().fold(asked, |asked, value| asked.header("authorization", value));
    Ok(asked.send().await?.status())
}

#[tokio::test]
async fn a_registry_asks_for_a_password_and_shows_its_image_to_who_has_one() -> Result<()> {
    let authority = Authority::new("registry")?;
    let (robot, old, new) = ("robot$team+pull", "old:\"pass\" w\u{f6}rd", "new-password");
    let registry = Registry::by_passwords(&authority, &[(robot, old)]).await?;
    registry.push(IMAGE).await?;
    let tags = format!("/v2/{IMAGE}/tags/list");

    let unknown = registry.client()?.get(registry.url("/v2/")).send().await?;
    assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(unknown.headers()["www-authenticate"], r#"Basic realm="registry of the tests""#);
    assert_eq!(status(&registry, &tags, Some(&basic(robot, old))).await?, StatusCode::OK);
    assert_eq!(status(&registry, &tags, Some(&basic(robot, new))).await?, StatusCode::UNAUTHORIZED);
    registry.set_users(&[(robot, new)])?;
    assert_eq!(status(&registry, &tags, Some(&basic(robot, new))).await?, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn a_registry_takes_tokens_of_its_service_for_what_they_are_for() -> Result<()> {
    let authority = Authority::new("registry")?;
    let service = TokenService::start(&authority).await?;
    service.knows("alice", "wonderland", &[IMAGE]);
    let registry = Registry::by_tokens(&authority, &service, &service.realm_at("localhost")).await?;
    registry.push(IMAGE).await?;
    registry.push("team/other").await?;
    let tags = |name: &str| format!("/v2/{name}/tags/list");

    let unknown = registry.client()?.get(registry.url(&tags(IMAGE))).send().await?;
    let challenge = unknown.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert!(challenge.contains(&format!(r#"Bearer realm="{}""#, service.realm_at("localhost"))));
    assert!(challenge.contains(r#"scope="repository:team/app:pull""#), "{challenge}");

    let bearer = token(&registry, &service, "wonderland").await?.unwrap();
    let bearer = format!("Bearer {bearer}");
    assert_eq!(status(&registry, "/v2/", Some(&bearer)).await?, StatusCode::OK);
    assert_eq!(status(&registry, &tags(IMAGE), Some(&bearer)).await?, StatusCode::OK);
    assert_eq!(status(&registry, &tags("team/other"), Some(&bearer)).await?, StatusCode::UNAUTHORIZED);

    assert_eq!(token(&registry, &service, "wrong").await?, None);
    let asked = service.asked();
    assert_eq!(asked.len(), 2);
    let query = vec![("scope".into(), format!("repository:{IMAGE}:pull repository:team/other:pull"))];
    assert_eq!(asked[0], Asked { query, authorization: Some(basic("alice", "wonderland")) });
    Ok(())
}

/// The token that the service gives `alice` for two repositories.
async fn token(registry: &Registry, service: &TokenService, password: &str) -> Result<Option<String>> {
    let realm = service.realm_at("127.0.0.1");
    let url = format!("{realm}?scope=repository:{IMAGE}:pull%20repository:team/other:pull");
    let answer = registry.client()?.get(url).header("authorization", basic("alice", password)).send().await?;
    if answer.status() == StatusCode::UNAUTHORIZED {
        return Ok(None);
    }
    let answer: Value = serde_json::from_str(&answer.text().await?)?;
    Ok(answer["token"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn the_token_service_misbehaves_as_it_is_told() -> Result<()> {
    let authority = Authority::new("registry")?;
    let service = TokenService::start(&authority).await?;
    let root = reqwest::Certificate::from_pem(authority.pem().as_bytes())?;
    let policy = reqwest::redirect::Policy::none();
    let client = reqwest::Client::builder().tls_certs_only([root]).no_proxy().redirect(policy).build()?;
    let ask = async |answer| {
        service.answers(answer);
        client.get(service.realm_at("localhost")).timeout(Duration::from_millis(300)).send().await
    };
    for status in [403, 500] {
        assert_eq!(ask(Answer::Status(status)).await?.status().as_u16(), status);
    }
    assert_eq!(ask(Answer::Status(429)).await?.headers()["retry-after"], "7");
    let redirect = ask(Answer::Redirect("https://elsewhere.test/".into())).await?;
    assert_eq!(
        (redirect.status().as_u16(), redirect.headers()["location"].to_str()?),
        (307, "https://elsewhere.test/")
    );
    assert_eq!(ask(Answer::Text("no token".into())).await?.text().await?, "no token");
    assert!(ask(Answer::Silence).await.unwrap_err().is_timeout());
    assert_eq!(service.asked().len(), 6);
    Ok(())
}
