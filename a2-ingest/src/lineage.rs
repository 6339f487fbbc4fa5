//! A2's lineage as a second source: what a request must have left there.

use common::reconcile::TransactionLog;
use serde_json::Value;

/// The log of what a route stores, `POST /api/v1/events`; `None` for routes that store nothing.
#[must_use]
pub fn transaction_log(route: &str) -> Option<TransactionLog> {
    let records: fn(&Value) -> Vec<Value> = match route {
        "POST /api/v1/events" => |body| vec![body.clone()],
        "POST /api/v1/events/batch" => |body| body.as_array().cloned().unwrap_or_default(),
        _ => return None,
    };
    Some(TransactionLog {
        name: "A2's lineage",
        path: "/api/v1/lineage/",
        list: "/events",
        empty_is_404: true,
        records,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_batch_must_leave_each_of_its_items() {
        let log = transaction_log("POST /api/v1/events/batch").unwrap();
        assert_eq!((log.records)(&json!([{ "n": 1 }, { "n": 2 }])), [json!({ "n": 1 }), json!({ "n": 2 })]);
        assert!(transaction_log("GET /api/v1/scholarships").is_none());
    }
}
