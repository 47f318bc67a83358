//! Calls of the gateway, as anybody may send them: the method, a space, the path, `?` and the query where there is one, a
//! line break, the body.

use url::{Url, form_urlencoded::parse};

use crate::exchange::{Asked, Wanted};
use crate::model::{Namespace, Resource};
use crate::route::{Call, Invocation, Route, route};

/// What is let through is what was judged: forwarded, it is judged as the same, names its namespace, and stays what it was
/// however often that is done; the path of a function never leads out of it.
pub fn call(bytes: &[u8]) {
    let Ok(head) = std::str::from_utf8(bytes.split(|b| *b == b'\n').next().unwrap_or_default()) else {
        return;
    };
    let body = bytes.get(head.len() + 1..).unwrap_or_default();
    let Some((method, target)) = head.split_once(' ') else { return };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let default = Namespace::new("default-place").expect("a namespace");
    let other = Namespace::new("other").expect("a namespace");
    match route(method, path, &default) {
        Ok(Route::Api(endpoint)) => {
            let Ok(call) = endpoint.call(query, body, &default) else { return };
            assert_eq!(call.request.action(), endpoint.action());
            // What is added to as many pairs as a query may have is one too many for us alone.
            if call.forward.query.matches('&').count() >= 32 {
                return;
            }
            let again = forwarded(&call, &other).expect("what we forward is a call");
            assert_eq!(again, call, "elsewhere it would be judged as another");
        }
        Ok(Route::Function(invocation)) => {
            let target = invocation.target(None);
            let Ok(Route::Function(again)) = route(method, &target, &other) else {
                panic!("{target} is no call")
            };
            assert_eq!(again, invocation);
            assert!(stays(&target, &invocation), "{target} leads out of the function");
            let request = invocation.into_request().expect("a request");
            assert!(matches!(request.resource(), Resource::Function(..)));
        }
        _ => {}
    }
}

/// Whether the path is in the function still when dot segments are resolved, as a browser does. What is no visible ASCII
/// never comes: it is no HTTP.
fn stays(target: &str, function: &Invocation<'_>) -> bool {
    let way = if function.asynchronous { "async-function" } else { "function" };
    let own = format!("/{way}/{}.{}", function.name, function.namespace);
    let url = Url::parse("http://gateway").and_then(|gateway| gateway.join(target)).expect("a URL");
    let below = url.path().strip_prefix(&own);
    !target.bytes().all(|b| b.is_ascii_graphic())
        || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The call that a provider with another default namespace makes of what is forwarded.
fn forwarded(call: &Call, default: &Namespace) -> Option<Call> {
    let forward = &call.forward;
    let Ok(Route::Api(endpoint)) = route(forward.method, &forward.path, default) else { return None };
    let body = forward.body.as_ref().map(|body| body.to_bytes()).unwrap_or_default();
    endpoint.call(&forward.query, &body, default).ok()
}

/// A form, a line break, a query: what is asked for is within its bounds, and no refusal has the token in it.
pub fn exchange(bytes: &[u8]) {
    let form = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let query = bytes.get(form.len() + 1..).unwrap_or_default();
    match Asked::read(form, query, "https://gw.example.com") {
        Ok(asked) => {
            assert!(!asked.subject_token.is_empty());
            assert!(
                !format!("{asked:?}").contains(asked.subject_token.as_str())
                    || asked.subject_token.len() < 16
            );
            if let Wanted::Function { audience } = asked.wanted {
                assert!(audience.iter().all(|one| !matches!(one, Resource::Cluster)));
            }
        }
        Err(refusal) => {
            let (tokens, others): (Vec<_>, Vec<_>) =
                parse(form).chain(parse(query)).partition(|(name, _)| name == "subject_token");
            let text = format!("{refusal:?}");
            let told = |token: &str| {
                token.len() >= 16
                    && text.contains(token)
                    && !others.iter().any(|(_, other)| other.contains(token))
            };
            assert!(!tokens.iter().any(|(_, token)| told(token)), "it tells the token");
        }
    }
}
