//! What stands on the way between clients and the app: nothing, or a proxy that disturbs some of what passes.

use std::collections::BTreeMap;
use std::sync::Arc;

use common::client::Client;
use common::fault::{Action, Answer, FaultProxy, Rule, Rules};
use common::guard::Guard;
use common::history::Fault;
use common::ids::AppId;
use common::target::Environment;
use url::Url;

/// One of so many requests is disturbed.
const EVERY: u64 = 3;
/// How long a request is held back; clients wait a shorter time.
const HELD_BACK_MS: u64 = 600;

/// The way to the app.
pub(super) struct Way {
    pub(super) client: Client,
    proxy: Option<FaultProxy>,
}

impl Way {
    /// The way that a fault asks for.
    pub(super) async fn of(environment: &Environment, base: &Url, app: AppId, fault: Fault) -> Result<Self, String> {
        let mut environment = environment.clone();
        let proxy = match rule(fault) {
            None => None,
            Some(rule) => {
                let rules = Rules::of(vec![rule]).map_err(|errors| errors.to_string())?;
                Some(FaultProxy::start(base.clone(), rules).await.map_err(|error| error.to_string())?)
            }
        };
        if let Some(proxy) = &proxy {
            environment = environment.through_proxy(app, proxy.address().port());
        }
        let client = Client::new(Arc::new(Guard::new(environment))).map_err(|error| error.to_string())?;
        Ok(Self { client, proxy })
    }

    /// Ends it; tells how many requests each rule disturbed.
    pub(super) async fn end(self) -> BTreeMap<String, u64> {
        let Some(proxy) = self.proxy else { return BTreeMap::new() };
        let counts = proxy.counts();
        proxy.stop().await;
        counts
    }
}

fn rule(fault: Fault) -> Option<Rule> {
    let action = match fault {
        Fault::None | Fault::Kill => return None,
        Fault::Duplicate => Action::duplicate(),
        Fault::Delay => Action::delay_ms(HELD_BACK_MS),
        Fault::CommitThen503 => Action::CommitThenFail(Answer::of(503)),
    };
    Some(Rule::new(fault.as_str()).on("POST", "*").every(EVERY).does(action))
}
