//! The one binary.

mod record;

fn main() {}
