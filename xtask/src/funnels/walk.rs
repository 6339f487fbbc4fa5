//! One walk through a funnel: requests in order under one trace, each a hop with its time; the first that goes wrong ends it.

use common::client::{Client, Reply};
use common::ids::{AppId, TraceId};
use http::Method;
use serde_json::Value;

use crate::record::Hop;

/// A walk under way.
pub(super) struct Walk {
    client: Client,
    pub(super) trace: TraceId,
    pub(super) hops: Vec<Hop>,
}

/// The walk ended early; its last hop says why.
pub(super) struct Stumbled;

/// What is asked of one hop.
pub(super) struct Ask<'a> {
    pub(super) app: AppId,
    pub(super) name: &'a str,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) status: u16,
}

impl Walk {
    pub(super) fn new(client: Client) -> Self {
        Self { client, trace: TraceId::fresh(), hops: Vec::new() }
    }

    /// Takes one hop.
    pub(super) async fn hop(&mut self, ask: Ask<'_>) -> Result<Reply, Stumbled> {
        let mut request = self.client.request(ask.app, ask.method.clone(), &ask.path).trace(self.trace);
        if let Some(body) = &ask.body {
            request = request.json(body);
        }
        let answered = request.send().await;
        let mut hop = Hop {
            app: ask.app,
            name: ask.name.to_owned(),
            request: format!("{} {}", ask.method, ask.path),
            status: 0,
            ms: 0.0,
            ok: false,
            error: None,
        };
        let reply = match answered {
            Ok(reply) => reply,
            Err(error) => {
                hop.error = Some(error.to_string());
                self.hops.push(hop);
                return Err(Stumbled);
            }
        };
        hop.status = reply.status;
        hop.ms = reply.elapsed.as_ms();
        hop.error = wrong(&ask, &reply);
        hop.ok = hop.error.is_none();
        let ok = hop.ok;
        self.hops.push(hop);
        if ok { Ok(reply) } else { Err(Stumbled) }
    }

    /// Ends the walk on the last hop: it answered, but without what the next hop needs.
    pub(super) fn stumble(&mut self, why: String) -> Stumbled {
        if let Some(hop) = self.hops.last_mut() {
            hop.ok = false;
            hop.error = Some(why);
        }
        Stumbled
    }
}

fn wrong(ask: &Ask<'_>, reply: &Reply) -> Option<String> {
    if reply.status != ask.status {
        let body: String = reply.text().chars().take(160).collect();
        return Some(format!("status {} instead of {}: {body}", reply.status, ask.status));
    }
    reply.violations.first().map(|violation| format!("breaks the shared protocol: {violation}"))
}
