//! An outage of A3 itself: 503 in front of it.

use common::fault::{Action, Answer, Rule, Rules};
use common::ids::AppId;

use super::ask::Asked;
use super::told;
use crate::embedded::Embedded;
use crate::record::{OwnOutage, Share};

/// Runs that are asked for while A3 answers 503.
const ASKED: u64 = 12;

/// Every second request to start a run is answered 503: half of those never reached A3, the other half did. Once a run is
/// not taken in time, no other is asked for.
pub(super) async fn drive(asked: &mut Asked, embedded: &Embedded) -> Result<OwnOutage, String> {
    let proxy = embedded.proxy(AppId::A3, None).ok_or("no proxy stands before A3")?;
    let start = |id: &str, skip: u64, action: Action| {
        Rule::new(id).on("POST", "/orchestration/run").skip(skip).every(4).does(action)
    };
    let rules = Rules::of(vec![
        start("refused", 0, Action::Status(Answer::of(503))),
        start("taken_and_refused", 2, Action::CommitThenFail(Answer::of(503))),
    ]);
    let outage = proxy.set(rules.map_err(told)?);
    let first = asked.runs.len();
    let mut own = OwnOutage { asked: 0, answered_503: 0, taken: 0, after: Share::default() };
    while own.asked < ASKED && own.taken == own.asked {
        let answered = asked.ask().await?;
        own.asked += 1;
        own.answered_503 += answered.answered_503;
        own.taken += u64::from(answered.run.is_some());
    }
    drop(outage);
    asked.settled(&asked.runs[first..]).await?;
    Ok(own)
}
