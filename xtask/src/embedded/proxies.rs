//! Fault proxies between the embedded apps. They run in this process, not in the apps'.

use common::fault::{Edge, FaultProxy, Proxies};
use common::ids::AppId;

use super::Embedded;
use super::wiring::Wiring;

impl Embedded {
    /// The proxy before `at` that all callers pass, or `from` alone; `None` if the plan asked for none there.
    pub(crate) fn proxy(&self, at: AppId, from: Option<AppId>) -> Option<&FaultProxy> {
        self.proxies.get(Edge { at, from })
    }
}

/// Sends `caller` through the proxies that are meant for it alone.
pub(super) fn reroute(proxies: &Proxies, caller: AppId, wiring: &mut Wiring) {
    for (at, through) in proxies.of(caller) {
        let known = wiring.upstreams.insert(at, through);
        // Tokens name their issuer by the address that everybody else knows it by.
        if let (AppId::A1, Some(known)) = (at, known) {
            let issuer = known.as_str().trim_end_matches('/').to_owned();
            wiring.options.entry("issuer".to_owned()).or_insert(issuer);
        }
    }
}
