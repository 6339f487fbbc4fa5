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
        let rules = rules(fault);
        let proxy = if rules.is_empty() {
            None
        } else {
            let rules = Rules::of(rules).map_err(|errors| errors.to_string())?;
            Some(FaultProxy::start(base.clone(), rules).await.map_err(|error| error.to_string())?)
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

/// What is done to requests: the first of each few is doubled, the second is answered as if it had failed.
fn rules(fault: Fault) -> Vec<Rule> {
    let rule = |of: Fault, skip: u64, action: Action| {
        Rule::new(of.as_str()).on("POST", "*").skip(skip).every(EVERY).does(action)
    };
    let mut rules = Vec::new();
    if fault.duplicates() {
        rules.push(rule(Fault::Duplicate, 0, Action::duplicate()));
    }
    if fault.loses_answers() {
        rules.push(rule(Fault::CommitThen503, u64::from(fault.duplicates()), Action::CommitThenFail(Answer::of(503))));
    }
    if fault == Fault::Delay {
        rules.push(rule(fault, 0, Action::delay_ms(HELD_BACK_MS)));
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wire_has_a_rule_for_each_thing_that_is_done_on_it() {
        let names = |fault| rules(fault).iter().map(|rule| rule.id.clone()).collect::<Vec<_>>();
        assert!(names(Fault::None).is_empty() && names(Fault::Kill).is_empty());
        for fault in [Fault::Duplicate, Fault::Delay, Fault::CommitThen503] {
            assert_eq!(names(fault), [fault.as_str()]);
        }
        assert_eq!(names(Fault::Together), ["duplicate", "commit_then_503"]);
    }
}
