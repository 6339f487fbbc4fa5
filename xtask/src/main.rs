//! The one binary.

#[expect(dead_code, reason = "nothing runs yet that leaves a record")]
mod record;
#[cfg_attr(not(test), expect(dead_code, reason = "nothing runs yet that leaves a report"))]
mod report;
#[expect(dead_code, reason = "nothing runs yet that a person could watch")]
mod ui;

fn main() {}
