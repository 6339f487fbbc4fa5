//! The whole harness beside a truth that is known: real runs of the embedded ecosystem, sound or told to misbehave by a
//! known amount, each by this very program. What they say is counted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::clock;
use serde_json::Value;

/// Where runs and what they said are kept.
const KEPT: &str = "target/handshake/field";

/// A truth, and what may be said of it.
struct Case {
    name: &'static str,
    title: &'static str,
    args: &'static [&'static str],
    expected: Expected,
}

/// What a verdict may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// Nothing that decides fails.
    NoFailure,
    /// Claims on A2's latency fail, nothing else does.
    A2SlowAlone,
    /// No claim on A2's errors under load passes.
    NoErrorsPass,
}

const CASES: &[Case] = &[
    Case { name: "healthy", title: "sound apps", args: &["ecosystem"], expected: Expected::NoFailure },
    Case {
        name: "slow_1_30",
        title: "A2's P95 at 1.3 times its limit of 125 ms",
        args: &["ecosystem", "--defect", "a2:p95_ms=163"],
        expected: Expected::A2SlowAlone,
    },
    Case {
        name: "slow_0_95",
        title: "A2's P95 at 0.95 times its limit",
        args: &["suite", "a2", "--scenario", "a2_single", "--defect", "a2:p95_ms=119"],
        expected: Expected::NoFailure,
    },
    Case {
        name: "errors_0_5",
        title: "0.5 % of A2's answers are errors",
        args: &["suite", "a2", "--scenario", "a2_single", "--defect", "a2:fails_per_mille=5"],
        expected: Expected::NoFailure,
    },
    Case {
        name: "errors_1_5",
        title: "1.5 % of A2's answers are errors",
        args: &["suite", "a2", "--scenario", "a2_single", "--defect", "a2:fails_per_mille=15"],
        expected: Expected::NoErrorsPass,
    },
    Case {
        name: "errors_3_0",
        title: "3 % of A2's answers are errors",
        args: &["suite", "a2", "--scenario", "a2_single", "--defect", "a2:fails_per_mille=30"],
        expected: Expected::NoErrorsPass,
    },
];

/// What the runs of a case said.
#[derive(Debug, Default)]
struct Seen {
    runs: u32,
    /// Runs in which a claim failed that should.
    failed_rightly: u32,
    /// Claims that came out as they must not, by run.
    wrong: Vec<String>,
    /// Verdicts on A2's errors under load.
    errors: BTreeMap<String, u32>,
    /// P95s of A2's single events, in milliseconds.
    p95_ms: Vec<f64>,
    took_s: f64,
}

/// Runs each of the chosen cases so often, one after the other; false if a verdict was wrong.
///
/// # Errors
/// When a case is unknown, or a run gives no verdicts.
pub(super) fn run(runs: u32, chosen: &[String]) -> Result<bool, String> {
    let known: Vec<_> = CASES.iter().map(|case| case.name).collect();
    if let Some(name) = chosen.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("--case {name}: there are {}", known.join(", ")));
    }
    let mut sound = true;
    for case in CASES.iter().filter(|case| chosen.is_empty() || chosen.iter().any(|name| name == case.name)) {
        let mut seen = Seen::default();
        for n in 1..=runs {
            let began = clock::monotonic();
            let verdicts = once(case, n)?;
            seen.took_s += began.elapsed().as_secs_f64();
            seen.count(case, n, &verdicts);
            anstream::println!("{}", seen.line(case));
        }
        seen.wrong.iter().for_each(|wrong| anstream::println!("  wrong: {wrong}"));
        let missed = case.expected == Expected::A2SlowAlone && seen.failed_rightly < seen.runs;
        sound &= seen.wrong.is_empty() && !missed;
    }
    Ok(sound)
}

/// One run in a process of its own; its `verdicts.json`.
fn once(case: &Case, n: u32) -> Result<Value, String> {
    let folder = PathBuf::from(KEPT).join(case.name);
    let output = folder.join(format!("{n}"));
    let _ = std::fs::remove_dir_all(&output);
    std::fs::create_dir_all(&output).map_err(|error| format!("{}: {error}", output.display()))?;
    let program = crate::program::path().map_err(|error| format!("this program cannot be found: {error}"))?;
    let log = output.join("log.txt");
    let file = std::fs::File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    let status = Command::new(program)
        .args(case.args)
        .args(["--profile", "quick", "--base-port", "0", "--output"])
        .arg(&output)
        .arg("--runs")
        .arg(folder.join("runs"))
        .stdin(Stdio::null())
        .stdout(file.try_clone().map_err(|error| format!("{}: {error}", log.display()))?)
        .stderr(file)
        .status()
        .map_err(|error| format!("a run cannot be started: {error}"))?;
    read(&output.join("tests/perf/reports/verdicts.json")).map_err(|why| {
        format!("run {n} of {} ended with {status} and without verdicts ({why}): see {}", case.name, log.display())
    })
}

fn read(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

impl Seen {
    fn count(&mut self, case: &Case, n: u32, verdicts: &Value) {
        self.runs += 1;
        let mut rightly = false;
        for said in verdicts["statements"].as_array().into_iter().flatten() {
            let (id, verdict) = (said["id"].as_str().unwrap_or_default(), said["verdict"].as_str().unwrap_or_default());
            let on_errors = id.starts_with("a2.errors.a2_single");
            let on_latency = id.starts_with("a2.p95.") && !id.contains("_smoke.") || id == "a2.headroom";
            let failed = verdict == "FAIL" && said["gate"] == true;
            if on_errors {
                *self.errors.entry(verdict.to_owned()).or_default() += 1;
            }
            if id.starts_with("a2.p95.a2_single") {
                self.p95_ms.extend(said["latency"]["p95_ms"].as_f64());
            }
            let wrong = match case.expected {
                Expected::NoFailure => failed,
                Expected::A2SlowAlone => failed && !on_latency,
                Expected::NoErrorsPass => failed && !on_errors || on_errors && verdict == "PASS",
            };
            rightly |= failed && !wrong;
            if wrong {
                self.wrong
                    .push(format!("run {n}: {verdict} {id}: {}", said["explanation"].as_str().unwrap_or_default()));
            }
        }
        self.failed_rightly += u32::from(rightly);
    }

    fn line(&self, case: &Case) -> String {
        let mut p95 = self.p95_ms.clone();
        p95.sort_unstable_by(f64::total_cmp);
        let middle = p95.get(p95.len() / 2).map(|ms| format!(", median P95 {ms:.1} ms")).unwrap_or_default();
        let errors: Vec<_> = self.errors.iter().map(|(verdict, n)| format!("{n} {verdict}")).collect();
        let errors = if errors.is_empty() { String::new() } else { format!(", A2's errors {}", errors.join(" ")) };
        format!(
            "{:<10} {} after {} runs: {} failed rightly, {} wrong verdicts{middle}{errors}; {:.0} s a run",
            case.name,
            case.title,
            self.runs,
            self.failed_rightly,
            self.wrong.len(),
            self.took_s / f64::from(self.runs.max(1)),
        )
    }
}
