//! The one binary.

mod record;
#[expect(dead_code, reason = "nothing runs yet that leaves a report")]
mod report;

fn main() {}
