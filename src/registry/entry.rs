//! One entry of a `config.json` of Docker: a login in one of its shapes
//! (<https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/>).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::login::{Login, LoginError};

/// Base64 as people and tools leave it: with padding or without.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const LENIENT_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const LENIENT_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// An entry as it stands. Has no `Debug`: it is a secret.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identitytoken: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registrytoken: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    username: Option<String>,
}

impl Entry {
    /// The entry that every reader understands: `auth`, and the same once more as user and password.
    pub fn of(login: &Login) -> Self {
        Self {
            auth: Some(std::mem::take(&mut *login.basic())),
            username: Some(login.username().to_owned()),
            password: Some(login.password().to_owned()),
            identitytoken: None,
            registrytoken: None,
        }
    }

    /// Bytes that it has as JSON, at most: of a character in a text six.
    pub fn room(&self) -> usize {
        let texts = [&self.auth, &self.username, &self.password];
        64 + 6 * texts.into_iter().flatten().map(String::len).sum::<usize>()
    }

    /// The login that it holds.
    ///
    /// # Errors
    /// [`LoginError`]: what the kubelet would read otherwise, or not at all, is none.
    pub fn login(&self) -> Result<Login, LoginError> {
        let filled = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        if filled(&self.identitytoken) || filled(&self.registrytoken) {
            return Err(LoginError::Token);
        }
        let pair = self.auth.as_ref().filter(|auth| !auth.is_empty()).map(|auth| decode(auth)).transpose()?;
        let told = |text: &Option<String>| text.clone().map(Zeroizing::new).filter(|text| !text.is_empty());
        match (pair, told(&self.username), told(&self.password)) {
            (Some(pair), username, password) => {
                let (user, pass) = pair.split_once(':').ok_or(LoginError::Auth)?;
                let agrees = |told: Option<Zeroizing<String>>, is: &str| told.is_none_or(|told| *told == is);
                if !agrees(username, user) || !agrees(password, pass) {
                    return Err(LoginError::Contradiction);
                }
                Login::new(user, pass)
            }
            (None, Some(username), Some(password)) => Login::new(&username, &password),
            (None, None, _) => Err(LoginError::NoUsername),
            (None, Some(_), None) => Err(LoginError::NoPassword),
        }
    }
}

/// `user:password` of an `auth`.
fn decode(auth: &str) -> Result<Zeroizing<String>, LoginError> {
    // Where it was broken into lines it still means one thing.
    let auth = Zeroizing::new(auth.chars().filter(|c| !matches!(c, '\r' | '\n')).collect::<String>());
    let bytes = LENIENT_STANDARD.decode(&*auth).or_else(|_| LENIENT_URL.decode(&*auth));
    let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Zeroizing::new).ok_or(LoginError::Auth)
}
