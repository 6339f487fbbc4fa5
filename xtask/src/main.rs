//! The one binary.

mod browser;
mod record;
mod test_command;
#[cfg(test)]
mod tidy;

fn main() {}
