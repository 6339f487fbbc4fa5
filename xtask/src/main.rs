//! The one binary.

#[cfg_attr(not(test), expect(dead_code, reason = "nothing runs yet that leaves a record"))]
mod record;
#[cfg_attr(not(test), expect(dead_code, reason = "nothing runs yet that leaves a report"))]
mod report;

fn main() {}
