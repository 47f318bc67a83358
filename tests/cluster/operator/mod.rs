//! dev
pub(crate) mod installed;
