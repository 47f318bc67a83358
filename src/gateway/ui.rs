//! `/` and `/ui/…`: a page of ours that tells how to log in, and OpenFaaS' own UI for who holds the
//! administrator's credential while it is still let in (`--basic-auth migrate`).
//!
//! Nobody is ever asked for that credential: a browser that has been keeps it, and sends it with whatever
//! another site, or the page of a function, makes it send to this address. So the UI is for clients that
//! send the credential unasked, and everybody else reaches it at the upstream's own address, such as by a port
//! forwarded there.

use std::sync::Arc;

use http::header::{CACHE_CONTROL, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, WWW_AUTHENTICATE};
use http::{Request, StatusCode};
use http_body_util::Either;
use hyper::body::Incoming;

use super::answer::{Answer, Denial, text};
use super::authenticate::Identity;
use super::case::Case;
use super::config::BasicAuth;
use super::credential::{Shown, authorization};
use super::headers;
use super::service::Gateway;
use super::standing::Lasting;
use crate::engine::{Permit, Principal};
use crate::model::{Action, Request as Question};
use crate::route::ui;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

impl Gateway {
    /// The UI for who may do everything, else our page.
    pub async fn front(&self, request: &Request<Incoming>, case: &mut Case) -> Result<Answer, Denial> {
        let everything = Question::everywhere(Action::SystemInfo);
        let Some(permit) = self.sees_ui(request.headers(), &everything, case) else { return Ok(self.page()) };
        let uri = request.uri();
        let forward = ui(request.method().as_str(), uri.path(), uri.query().unwrap_or_default())?;
        self.allow(&permit, case);
        let mut answer = self.to_provider(&permit, &forward, request.headers(), case).await?;
        headers::for_client(answer.headers_mut());
        answer.headers_mut().remove(WWW_AUTHENTICATE);
        // The same address is a page of ours to others.
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(answer.map(|body| Either::Left(Lasting::new(body, None))))
    }

    /// A permit where the administrator's credential is shown, is let in, and Roles give it everything on `*`.
    fn sees_ui<'q>(&self, shown: &HeaderMap, asked: &'q Question, case: &mut Case) -> Option<Permit<'q>> {
        let principal = self.administrator(shown)?;
        let now_is = self.snapshot()?;
        let permit = now_is.engine.permit_everything(&principal, asked)?;
        case.decided_by(&now_is);
        case.asks(permit.request());
        case.is_of(&Arc::new(Identity { principal, until: i64::MAX }));
        Some(permit)
    }

    /// The administrator, under `migrate`, where the call comes from no other site.
    pub fn administrator(&self, shown: &HeaderMap) -> Option<Principal> {
        let Ok(Shown::Basic(pair)) = authorization(shown) else { return None };
        let admin = self.admin.as_ref().filter(|_| self.settings.basic_auth == BasicAuth::Migrate)?;
        (admin.is(&pair) && !is_cross_site(shown, &self.settings.public_url))
            .then(|| Principal::basic_auth(&admin.user))
    }

    fn page(&self) -> Answer {
        let url = &self.settings.public_url;
        let page = format!(
            "This OpenFaaS gateway is guarded by faas-iam.\n\n\
             Get in:    TOKEN=$(faas-iam token exchange --gateway {url} --token FILE)\n\
             Then:      faas-cli list --gateway {url} --token \"$TOKEN\"\n\
             FILE holds a token of your identity provider, or of a CI job. Other programs exchange it at\n\
             {url}/oauth/token (RFC 8693).\n"
        );
        text(StatusCode::OK, page)
    }
}

/// Whether a browser says that another site made it send this (W3C Fetch Metadata, RFC 6454): programs say
/// neither.
fn is_cross_site(shown: &HeaderMap, public_url: &str) -> bool {
    let site = shown.get_all(SEC_FETCH_SITE).iter();
    let elsewhere = site.into_iter().any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
    let host = shown.get(HOST).and_then(|host| host.to_str().ok());
    let ours = [host, authority(public_url)];
    elsewhere || shown.get_all(ORIGIN).iter().any(|origin| !is_one_of(origin, &ours))
}

/// Whether an origin is the host that was asked, or the one by which clients know us; `null` is nobody's.
fn is_one_of(origin: &HeaderValue, ours: &[Option<&str>]) -> bool {
    let of = origin.to_str().ok().and_then(authority);
    of.is_some_and(|of| ours.iter().flatten().any(|ours| ours.eq_ignore_ascii_case(of)))
}

/// Host and port of a URL, as they are written.
fn authority(url: &str) -> Option<&str> {
    url.split_once("://")?.1.split('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_was_made_to_send_by_another_site_is_known() {
        let rows: [(&[(&str, &str)], bool); 11] = [
            (&[], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://gw.example.com")], false),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")], true),
            (&[("origin", "https://evil.example.com")], true),
            (&[("origin", "https://known.example.com")], false),
            (&[("origin", "https://known.example.com:8443")], true),
            (&[("origin", "null")], true),
            (&[("origin", "https://gw.example.com.evil.org")], true),
        ];
        for (shown, want) in rows {
            let mut headers = HeaderMap::new();
            headers.insert("host", "GW.example.com".parse().unwrap());
            for (name, value) in shown {
                headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
            }
            assert_eq!(is_cross_site(&headers, "https://known.example.com/"), want, "{shown:?}");
        }
    }
}
