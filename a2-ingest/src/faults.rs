//! How A2 can be broken, and which check must notice.

mod wire;

use common::service::Defect;
use common::suite::Fault;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    let mut all = vec![
        Fault::defect(
            "a2.ack_before_commit",
            "acknowledges events before they are stored, and never stores every 50th",
            Defect::A2AckBeforeCommit,
            "a2.acknowledged_is_kept",
        ),
        Fault::defect(
            "a2.batch_silent_partial",
            "drops a bad item of a batch without a word",
            Defect::A2BatchSilentPartial,
            "a2.batch_tells_each_item",
        ),
        Fault::defect(
            "a2.forwards_nothing",
            "stores events and never tells A8",
            Defect::A2ForwardsNothing,
            "a2.forwarded_to_a8",
        ),
        Fault::defect(
            "a2.idempotency_off",
            "stores a repeated request again",
            Defect::IdempotencyOff,
            "a2.one_key_one_event",
        ),
        Fault::defect(
            "a2.headers_missing",
            "answers lack the headers that protect browsers",
            Defect::SecurityHeadersMissing,
            "a2.security_headers",
        ),
        Fault::defect("a2.keys_unchecked", "takes any key, or none", Defect::KeysUnchecked, "a2.keys_wanted"),
    ];
    all.extend(wire::all());
    all
}
