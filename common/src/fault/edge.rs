//! Proxies between apps: where each stands, and who finds whom through which.

use std::collections::BTreeMap;

use url::Url;

use super::{FaultProxy, ProxyError, Rules};
use crate::ids::AppId;

/// Where a proxy stands: before an app, for all callers or for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The app behind it.
    pub at: AppId,
    /// The only app that takes this way; all callers, the harness too, if none is named.
    pub from: Option<AppId>,
}

/// The proxies of an ecosystem on this machine.
#[derive(Debug, Default)]
pub struct Proxies(Vec<(Edge, FaultProxy)>);

impl Proxies {
    /// Starts a proxy for each edge, without rules. One for all callers takes the app's place in `bases`. An edge to an
    /// app that is not among them is left out.
    ///
    /// # Errors
    /// When an app is not on this machine or no port is free.
    pub async fn start(edges: &[Edge], bases: &mut BTreeMap<AppId, Url>) -> Result<Self, ProxyError> {
        let own = bases.clone();
        let mut proxies = Vec::new();
        for edge in edges {
            let Some(to) = own.get(&edge.at) else { continue };
            let proxy = FaultProxy::start(to.clone(), Rules::none()).await?;
            if edge.from.is_none() {
                bases.insert(edge.at, proxy.url());
            }
            proxies.push((*edge, proxy));
        }
        Ok(Self(proxies))
    }

    /// The proxy at this place.
    #[must_use]
    pub fn get(&self, edge: Edge) -> Option<&FaultProxy> {
        self.0.iter().find(|(place, _)| *place == edge).map(|(_, proxy)| proxy)
    }

    /// The apps that `caller` alone finds at another address than everybody else.
    pub fn of(&self, caller: AppId) -> impl Iterator<Item = (AppId, Url)> {
        self.0.iter().filter(move |(edge, _)| edge.from == Some(caller)).map(|(edge, proxy)| (edge.at, proxy.url()))
    }

    /// Ends them all.
    pub async fn stop(self) {
        for (_, proxy) in self.0 {
            proxy.stop().await;
        }
    }
}
