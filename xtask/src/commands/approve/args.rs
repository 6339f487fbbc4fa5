//! Flags of `approve`, and those by which runs find what was approved.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use common::approval::{Action, Scope};
use common::ids::RunId;

use crate::run::Desk;

/// Where a run finds decisions.
#[derive(Debug, Clone, Args)]
pub(crate) struct DeskArgs {
    /// Who may approve what.
    #[arg(long, env = "HANDSHAKE_APPROVERS", value_name = "FILE", default_value = "tests/perf/config/approvers.yaml")]
    pub(crate) approvers: PathBuf,
    /// How long a restricted action waits for a person before it is held and the rest goes on: `90s`, `10m`, `2h`; unless
    /// given, 30s on a terminal where somebody is listed who may decide, else not at all.
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(crate) wait_for_approval: Option<Duration>,
}

impl DeskArgs {
    /// With the folder of runs beside which the record of approvals lies.
    pub(crate) fn desk(&self, runs: &Path) -> Desk {
        Desk { runs: runs.to_owned(), approvers: self.approvers.clone(), wait: self.wait_for_approval }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// The restricted action: vus_over_60, inject_503, production_write, cookie_policy, secret_rotation, deploy_staging,
    /// production_action or promote_beyond_canary.
    #[arg(required_unless_present = "new_key")]
    pub(crate) action: Option<Action>,
    /// The run; the newest if none is named.
    #[arg(long)]
    pub(crate) run: Option<RunId>,
    /// How far, `env=embedded,apps=a2,vus=100`; needed where the run has not asked, or has asked for two things.
    #[arg(long)]
    pub(crate) scope: Option<Scope>,
    /// How long it is valid: `30m`, `2h`, `1d`; at most 7d.
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "2h")]
    pub(crate) expires: Duration,
    /// The private key (PEM); its passphrase is asked for, or taken from HANDSHAKE_APPROVAL_PASSPHRASE.
    #[arg(long, env = "HANDSHAKE_APPROVAL_KEY", value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// A command that signs in place of a key: bytes on its standard input, the signature (DER, base64) on its output.
    #[arg(long, value_name = "CMD")]
    pub(crate) agent: Option<String>,
    /// Signs a refusal.
    #[arg(long, requires = "reason")]
    pub(crate) refuse: bool,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Does not ask whether you are sure; needed where nobody can be asked.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Makes a key in this new file, and prints the entry for approvers.yaml.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["action", "run", "scope", "agent", "refuse"])]
    pub(crate) new_key: Option<PathBuf>,
    /// Who may approve what.
    #[arg(long, env = "HANDSHAKE_APPROVERS", value_name = "FILE", default_value = "tests/perf/config/approvers.yaml")]
    pub(crate) approvers: PathBuf,
    /// Where runs are kept.
    #[arg(long, env = "HANDSHAKE_RUNS", default_value = "target/handshake/runs")]
    pub(crate) runs: PathBuf,
}

/// `90s`, `10m`, `2h`, `1d`.
fn span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time: write 90s, 10m, 2h or 1d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let count: u64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    count.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_number_and_a_unit() {
        let seconds = |text| span(text).map(|time| time.as_secs());
        assert_eq!(["0s", "90s", "10m", "2h", "7d"].map(|text| seconds(text).unwrap()), [0, 90, 600, 7_200, 604_800]);
        for text in ["", "h", "2", "2w", "-1h", "1.5h", "2 h", "é", "99999999999999999999d", "999999999999999999d"] {
            assert!(span(text).unwrap_err().contains("write 90s"), "{text}");
        }
    }
}
