//! An answer from the person who watches the run: `approve` asks her, in a process of its own with a key that this one never
//! sees.

use common::approval::Request;
use tokio::process::Command;

use super::Desk;
use crate::program;
use crate::ui::Ui;

/// Starts `approve` at the run's terminal and waits for it. What it signed is found in the record of approvals.
pub(super) async fn answer(ui: &Ui, desk: &Desk, request: &Request) {
    let told = ui.step_aside(ask(desk, request)).await;
    if let Err(error) = told {
        ui.note(&format!("  `approve` could not be started here: {error}; use another terminal"));
    }
}

async fn ask(desk: &Desk, request: &Request) -> std::io::Result<()> {
    let mut approve = Command::new(program::path()?);
    approve.arg("approve").arg(request.action.as_str());
    approve.args(["--run", request.run.as_str()]).args(["--scope", &request.scope.to_string()]);
    approve.arg("--runs").arg(&desk.runs).arg("--approvers").arg(&desk.approvers);
    approve.kill_on_drop(true).status().await.map(drop)
}
