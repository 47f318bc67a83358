//! A user's name and password as a registry takes them: by basic authentication (RFC 7617).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Bytes of a user's name, and of a password: a key of a service account has 3 KiB.
const MAX_USERNAME: usize = 512;
const MAX_PASSWORD: usize = 64 * 1024;

/// A user's name and password. Has no `Debug` that shows them, and is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    username: Zeroizing<String>,
    password: Zeroizing<String>,
}

/// Why there is no login in what somebody wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// No user.
    #[error("there is no `username`")]
    NoUsername,
    /// No password, or an empty one: the kubelet would ask as nobody.
    #[error("there is no `password`, or it is empty")]
    NoPassword,
    /// A user's name that basic authentication (RFC 7617) cannot tell from the password, or that is no line.
    #[error("the `username` has a `:` or a control character, or more than {MAX_USERNAME} bytes")]
    Username,
    /// Too long a password, or one with a character that ends texts elsewhere.
    #[error("the `password` has more than {MAX_PASSWORD} bytes, or the character NUL")]
    Password,
    /// An `auth` that is no base64 of `user:password`.
    #[error("its `auth` is not the base64 of `user:password`")]
    Auth,
    /// An `auth` that says something else than user and password beside it.
    #[error("its `auth` contradicts the `username` or `password` beside it; leave one of them")]
    Contradiction,
    /// A token, with which the kubelet does not log in.
    #[error(
        "it has an `identitytoken` or `registrytoken`, which the kubelet does not use; make an access token or robot account and use its name and secret"
    )]
    Token,
}

impl Login {
    /// A login that basic authentication can say.
    ///
    /// # Errors
    /// [`LoginError`].
    pub fn new(username: &str, password: &str) -> Result<Self, LoginError> {
        match () {
            () if username.is_empty() => Err(LoginError::NoUsername),
            () if password.is_empty() => Err(LoginError::NoPassword),
            () if username.len() > MAX_USERNAME
                || username.contains(|c: char| c == ':' || c.is_control()) =>
            {
                Err(LoginError::Username)
            }
            () if password.len() > MAX_PASSWORD || password.contains('\0') => Err(LoginError::Password),
            () => Ok(Self { username: username.to_owned().into(), password: password.to_owned().into() }),
        }
    }

    /// The user's name.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// What basic authentication says: the base64 of `user:password`.
    pub fn basic(&self) -> Zeroizing<String> {
        let pair = Zeroizing::new(format!("{}:{}", self.username(), self.password()));
        Zeroizing::new(STANDARD.encode(pair.as_bytes()))
    }

    /// The password; whoever takes it out of here keeps it from every text.
    pub fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}
