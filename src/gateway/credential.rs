//! What a client shows: one `Authorization`, or an `X-Auth-Token` at a function. Reads and takes off;
//! believes nothing.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use zeroize::Zeroizing;

use super::answer::Denial;
use crate::token::claims_iss;

/// The header in which a private function's caller may send its token beside an `Authorization` of the
/// application's own.
pub const X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

/// The administrator's basic credential. Has no `Debug`: it is a secret.
#[derive(Clone)]
pub struct Admin {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: Zeroizing<String>,
}

/// What `Authorization` holds.
pub enum Shown<'h> {
    /// There is none.
    Nothing,
    /// A bearer token.
    Bearer(&'h str),
    /// A user's name and password.
    Basic(Zeroizing<String>),
    /// Another scheme.
    Other,
}

/// The one `Authorization` of a request.
///
/// # Errors
/// [`Denial`] where there is more than one, or it is no visible ASCII.
pub fn authorization(headers: &HeaderMap) -> Result<Shown<'_>, Denial> {
    let Some(value) = single(headers, &AUTHORIZATION)? else { return Ok(Shown::Nothing) };
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Shown::Bearer(rest.trim()));
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = STANDARD.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        return Ok(decoded.map_or(Shown::Other, |pair| Shown::Basic(Zeroizing::new(pair))));
    }
    Ok(Shown::Other)
}

/// The one value of a header.
///
/// # Errors
/// [`Denial`] where there is more than one, or it is no visible ASCII.
pub fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Denial> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Denial::bad("header", format!("more than one `{name}`")));
    }
    first
        .map(|value| value.to_str().map_err(|_| Denial::bad("header", format!("`{name}` is no text"))))
        .transpose()
}

impl Admin {
    /// Whether `user:password` is the administrator's; takes as long whatever it is.
    pub fn is(&self, pair: &str) -> bool {
        let own = Zeroizing::new(format!("{}:{}", self.user, *self.password));
        aws_lc_rs::constant_time::verify_slices_are_equal(own.as_bytes(), pair.as_bytes()).is_ok()
    }

    /// The value of `Authorization`.
    pub fn header(&self) -> Option<http::HeaderValue> {
        let pair = Zeroizing::new(format!("{}:{}", self.user, *self.password));
        let mut value =
            http::HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair.as_bytes()))).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// Takes what is ours off a call to a function, so that it cannot collect it (`security-rules.md` 11): any
/// token with our `iss`, and the administrator's credential, in either header and under any scheme.
pub fn strip_ours(headers: &mut HeaderMap, public_url: &str, admin: Option<&Admin>) {
    for name in [AUTHORIZATION, X_AUTH_TOKEN] {
        let ours = headers.get_all(&name).iter().any(|value| is_ours(value.as_bytes(), public_url, admin));
        if ours {
            headers.remove(&name);
        }
    }
}

/// Whether a header's value holds a credential of ours.
pub fn is_ours(value: &[u8], public_url: &str, admin: Option<&Admin>) -> bool {
    let text = String::from_utf8_lossy(value);
    // Whatever stands around it, and with or without padding: who gets it can write it anew.
    let words =
        |more: &'static str| text.split(move |c: char| !(c.is_ascii_alphanumeric() || more.contains(c)));
    words("-_.").any(|word| claims_iss(word, public_url))
        || admin.is_some_and(|admin| words("+/").any(|word| is_admin(word, admin)))
}

fn is_admin(word: &str, admin: &Admin) -> bool {
    let decoded = STANDARD_NO_PAD.decode(word).ok().map(Zeroizing::new);
    decoded.and_then(|bytes| std::str::from_utf8(&bytes).map(|pair| admin.is(pair)).ok()).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const US: &str = "https://gw";

    fn admin() -> Admin {
        Admin { user: "admin".into(), password: Zeroizing::new("secret1".into()) }
    }

    fn stays(name: &str, value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        strip_ours(&mut headers, US, Some(&admin()));
        !headers.is_empty()
    }

    #[test]
    fn s11_what_is_ours_never_reaches_a_function() {
        let token = |iss: &str| format!("e30.{}.x", URL_SAFE_NO_PAD.encode(format!(r#"{{"iss":"{iss}"}}"#)));
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        for header in ["authorization", "x-auth-token"] {
            assert!(!stays(header, &format!("Bearer {}", token(US))), "{header}");
            assert!(!stays(header, &format!("bearer   {}", token(US))), "{header}");
            assert!(!stays(header, &token(US)), "{header}");
            assert!(!stays(header, &format!("DPoP {}", token(US))), "{header}");
            assert!(!stays(header, &basic("admin:secret1")), "{header}");
            for around in ["Token token=\"{}\", x", "Bearer:{}", "a;{};b", "Bearer\u{a0}{}", "({})"] {
                let pair = STANDARD.encode("admin:secret1");
                for ours in [token(US).as_str(), &pair, pair.trim_end_matches('=')] {
                    assert!(!stays(header, &around.replace("{}", ours)), "{header} {around}");
                }
            }
            assert!(stays(header, &format!("Bearer {}", token("https://idp"))), "{header}");
            assert!(stays(header, &basic("admin:other")), "{header}");
            assert!(stays(header, "Bearer opaque"), "{header}");
        }
    }

    #[test]
    fn s9_one_authorization_only() {
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, "Bearer a".parse().unwrap());
        assert!(matches!(authorization(&headers), Ok(Shown::Bearer("a"))));
        headers.append(AUTHORIZATION, "Bearer a".parse().unwrap());
        assert!(authorization(&headers).is_err());
    }

    #[test]
    fn a_basic_credential_is_the_administrators_or_nobodys() {
        assert!(admin().is("admin:secret1"));
        for pair in ["admin:secre", "admin:secret1s", "root:secret1", "", "admin"] {
            assert!(!admin().is(pair), "{pair}");
        }
    }
}
