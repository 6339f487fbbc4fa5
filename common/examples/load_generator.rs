//! The load engine as a program of its own, for `cargo xtask bench`: takes an order as one argument of JSON, prints what
//! came of it as one line of JSON.

use std::process::ExitCode;

use common::load::bench::generator::generate;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that is read by another")]
async fn main() -> ExitCode {
    let order = std::env::args().nth(1).unwrap_or_default();
    let order = match serde_json::from_str(&order) {
        Ok(order) => order,
        Err(error) => {
            eprintln!("the order {order:?}: {error}; see common::load::bench::generator::Order");
            return ExitCode::FAILURE;
        }
    };
    match generate(order).await {
        Ok(generated) => {
            println!("{}", serde_json::json!(generated));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
