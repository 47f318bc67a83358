//! The decision: may this principal do this action on this resource, and why.
