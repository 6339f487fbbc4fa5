//! `proxy`: a fault proxy that stands alone, with rules from a file that may change while it runs.

mod leave;

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::clock::rfc3339;
use common::fault::{Applied, FaultProxy, Rules, Upstream};
use common::target::Targets;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;

use super::fail;
use crate::cli::ProxyArgs;
use leave::Leave;

/// How often the file of rules is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Stands before an app until Ctrl-C.
pub(crate) async fn proxy(args: ProxyArgs) -> u8 {
    if args.schema {
        anstream::println!("{:#}", Rules::schema());
        return 0;
    }
    let started = async {
        let upstream = upstream(&args)?;
        let mut file = args.rules.clone().map(RulesFile::new);
        let rules = file.as_mut().map_or_else(|| Ok(Rules::none()), RulesFile::read)?;
        let mut leave = Leave::of(&args, &upstream, args.app);
        leave.for_rules(&rules)?;
        let count = rules.len();
        let proxy = FaultProxy::bind(args.listen, upstream, rules).await.map_err(|error| error.to_string())?;
        anstream::println!("{} stands before {}, with {count} rules", proxy.url(), proxy.upstream().base());
        Ok::<_, String>((proxy, file, leave))
    };
    match started.await {
        Ok((proxy, file, leave)) => stand(proxy, file, leave).await,
        Err(error) => fail(error),
    }
}

/// The app that is named: by its address on this machine, or as one of a target.
fn upstream(args: &ProxyArgs) -> Result<Upstream, String> {
    let upstream = match (&args.to, args.app) {
        (Some(to), _) => Upstream::loopback(to.clone()),
        (None, Some(app)) => {
            let targets = Targets::load(&args.targets_file).map_err(|error| error.to_string())?;
            Upstream::of(targets.get(&args.target).map_err(|error| error.to_string())?, app)
        }
        (None, None) => return Err("say what it stands before: --to http://127.0.0.1:7106, or --app a6".to_owned()),
    };
    upstream.map_err(|error| error.to_string())
}

/// Tells what is applied and takes new rules, until Ctrl-C.
async fn stand(proxy: FaultProxy, mut file: Option<RulesFile>, mut leave: Leave) -> u8 {
    let mut hang_up = match signal(SignalKind::hangup()) {
        Ok(hang_up) => hang_up,
        Err(error) => return fail(format!("SIGHUP cannot be listened to: {error}")),
    };
    let mut applied = proxy.follow();
    let mut tick = tokio::time::interval(LOOK_EVERY);
    loop {
        let asked = tokio::select! {
            _ = tokio::signal::ctrl_c() => break,
            told = applied.recv() => {
                tell(told);
                continue;
            }
            _ = hang_up.recv() => true,
            _ = tick.tick() => false,
        };
        if let Some(file) = file.as_mut().filter(|file| asked || file.has_changed()) {
            reload(&proxy, file, &mut leave);
        }
    }
    for (rule, count) in proxy.counts() {
        anstream::println!("{rule}: {count} times");
    }
    proxy.stop().await;
    0
}

fn tell(told: Result<Applied, RecvError>) {
    match told {
        Ok(Applied { rule, trace_id, at_unix_ms, method, path }) => {
            let trace = trace_id.map_or_else(|| "no trace".to_owned(), |trace| trace.to_string());
            anstream::println!("{} {rule}: {method} {path} ({trace})", rfc3339(at_unix_ms));
        }
        Err(RecvError::Lagged(count)) => anstream::println!("… {count} more, too many to tell one by one"),
        Err(RecvError::Closed) => {}
    }
}

fn reload(proxy: &FaultProxy, file: &mut RulesFile, leave: &mut Leave) {
    let read = file.read().and_then(|rules| leave.for_rules(&rules).map(|()| rules));
    match read {
        Ok(rules) => {
            anstream::println!("{} rules of {} are in force now", rules.len(), file.path.display());
            proxy.replace(rules);
        }
        Err(errors) => anstream::eprintln!("{errors}\nthe rules stay as they were"),
    }
}

/// A file of rules and the text that was last read from it.
struct RulesFile {
    path: PathBuf,
    text: String,
}

impl RulesFile {
    fn new(path: PathBuf) -> Self {
        Self { path, text: String::new() }
    }

    /// Reads the file; a text with mistakes is not read again until it changes.
    fn read(&mut self) -> Result<Rules, String> {
        self.text = text_of(&self.path)?;
        Rules::parse(&self.path.display().to_string(), &self.text).map_err(|errors| errors.to_string())
    }

    fn has_changed(&self) -> bool {
        text_of(&self.path).is_ok_and(|text| text != self.text)
    }
}

fn text_of(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read the rules {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "rules:\n  - id: slow\n    do: [{ delay: { ms: 5 } }]\n";

    #[tokio::test]
    async fn rules_with_mistakes_leave_the_old_ones_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.yaml");
        std::fs::write(&path, GOOD).unwrap();
        let mut file = RulesFile::new(path.clone());
        assert_eq!(file.read().unwrap().len(), 1);
        assert!(!file.has_changed());
        std::fs::write(&path, "rules:\n  - id: slow\n    do: []\n  - do: 1\n").unwrap();
        assert!(file.has_changed());
        let errors = file.read().unwrap_err();
        assert_eq!(errors.lines().count(), 3, "{errors}");
        assert!(!file.has_changed(), "the same mistakes are told once");
        std::fs::write(&path, GOOD).unwrap();
        assert!(file.has_changed());
    }
}
