//! Whether an address counts: what `email_verified` says of it, and what the issuer asks for (`semantics.md` 18).

use std::fmt;

use serde_json::Value;

use crate::model::{ClaimValue, Claims, EmailVerified};

/// Whether the principal's `email` may satisfy a condition (`semantics.md` 18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EmailStanding {
    Counts,
    /// `email_verified` is there and not true.
    Unverified,
    /// `email_verified` is missing and the issuer requires it.
    VerificationMissing,
    /// The claim is no text with exactly one `@`.
    NoAddress,
}

impl fmt::Display for EmailStanding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counts => "the address counts",
            Self::Unverified => "`email_verified` is not true, so `email` satisfies no operator",
            Self::VerificationMissing => "the issuer has `emailVerified: Required` and `email_verified` is missing, so `email` satisfies no operator",
            Self::NoAddress => "`email` is no text with exactly one `@`, so it satisfies no operator",
        })
    }
}

impl EmailStanding {
    pub(super) fn counts(self) -> bool {
        self == Self::Counts
    }

    /// `verified` is `email_verified` as it came: for this rule alone, null is there and not true.
    pub(super) fn of(verified: Option<&Value>, claims: &Claims, wanted: EmailVerified) -> Self {
        let verified = match verified {
            Some(Value::Bool(true)) => true,
            Some(Value::String(t)) if t == "true" => true,
            Some(_) => return Self::Unverified,
            None => false,
        };
        if !verified && wanted == EmailVerified::Required {
            return Self::VerificationMissing;
        }
        let address = |v: &ClaimValue| matches!(v, ClaimValue::Text(t) if t.matches('@').count() == 1);
        if claims.get("email").is_some_and(|v| !address(v)) { Self::NoAddress } else { Self::Counts }
    }
}
