//! Who may know whom.

use super::files::Source;
use super::{Breach, rust};

/// An import against the order that is meant, and why.
pub(super) struct Allowed {
    from: &'static str,
    to: &'static str,
    why: &'static str,
}

/// The imports of `common` that may point down.
pub(super) const ALLOWED: &[Allowed] = &[
    Allowed { from: "scenario", to: "load", why: "a feeder draws its rows with the load's mixing of 64 bits" },
    Allowed { from: "reconcile", to: "verdict", why: "it alone makes the agreement that a pass carries" },
    Allowed { from: "suite", to: "service", why: "a fault names a defect that only the kit can have" },
];

/// Modules of `common`, in the order its root declares them, may import only those before them. `service` and
/// `testkit` come last: what the harness is made of must not know what its reference apps are made of.
pub(super) fn order_in_common(files: &[Source], allowed: &[Allowed]) -> Vec<Breach> {
    let Some(root) = files.iter().find(|file| file.path == "common/src/lib.rs") else {
        return vec![Breach { path: "common/src/lib.rs".into(), line: 1, advice: "is missing".into() }];
    };
    let order = declared(&root.text);
    let place = |name: &str| order.iter().position(|module| module == name);
    let mut breaches = Vec::new();
    let mut used = vec![false; allowed.len()];
    for file in files.iter().filter(|file| file.is_rust()) {
        let Some(from) = module_of(&file.path) else { continue };
        let code = rust::code_only(&file.text);
        let tests = rust::test_lines(&code);
        for (line, to) in rust::modules_named(&code, "crate") {
            let in_test = rust::is_test_file(&file.path) && from != "testkit" || tests[line - 1];
            let (Some(at), Some(other)) = (place(from), place(&to)) else { continue };
            if other <= at || in_test {
                continue;
            }
            match allowed.iter().position(|entry| entry.from == from && entry.to == to) {
                Some(entry) => used[entry] = true,
                None => breaches.push(Breach::at(
                    file,
                    line,
                    format!("`{from}` comes before `{to}` in common/src/lib.rs and may not import it: move what is shared up, or what needs it down"),
                )),
            }
        }
    }
    let stale = allowed.iter().zip(used).filter(|(_, used)| !used);
    breaches.extend(stale.map(|(entry, _)| Breach {
        path: "xtask/src/tidy/layers.rs".into(),
        line: 1,
        advice: format!(
            "no import needs the exception {} → {} ({}) any more: remove it",
            entry.from, entry.to, entry.why
        ),
    }));
    breaches
}

/// The modules that a crate's root declares, in order.
fn declared(root: &str) -> Vec<String> {
    let names = root.lines().filter_map(|line| {
        let line = line.trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        line.strip_prefix("mod ")?.strip_suffix(';').map(str::to_owned)
    });
    names.collect()
}

/// The top module that a file of `common` belongs to.
fn module_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("common/src/")?;
    let name = rest.split('/').next()?;
    let name = name.strip_suffix(".rs").unwrap_or(name);
    (name != "lib").then_some(name)
}

/// What the harness is: the app's own code must not know of it.
const HARNESS: [&str; 6] = ["check", "scenario", "load", "slo", "verdict", "suite"];

/// Checks, scenarios and faults know an app only by HTTP; the app knows nothing of them.
pub(super) fn harness_and_reference_are_apart(file: &Source) -> Vec<Breach> {
    let Some((krate, rest)) = file.path.split_once("/src/") else { return Vec::new() };
    if !file.is_rust() || matches!(krate, "common" | "xtask") {
        return Vec::new();
    }
    let top = rest.split('/').next().unwrap_or(rest).trim_end_matches(".rs");
    let code = rust::code_only(&file.text);
    let named = |root: &str, modules: &[&str], advice: &str| -> Vec<Breach> {
        let hits = rust::modules_named(&code, root).into_iter().filter(|(_, name)| modules.contains(&name.as_str()));
        hits.map(|(line, name)| Breach::at(file, line, format!("`{root}::{name}` {advice}"))).collect()
    };
    match top {
        "checks" | "scenarios" | "faults" => {
            let mut breaches =
                named("crate", &["reference"], "is the app itself: speak HTTP to it, write expected values out");
            let up = rust::lines_with(&code, "super::reference");
            breaches
                .extend(up.into_iter().map(|line| Breach::at(file, line, "speak HTTP to the app, not to its code")));
            breaches
        }
        "reference" => {
            let advice = "belongs to the harness: an app must not know who checks it";
            let mut breaches = named("crate", &["checks", "scenarios", "faults"], advice);
            breaches.extend(named("common", &HARNESS, advice));
            breaches
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(module: &str, text: &str) -> Vec<Source> {
        let root = Source::of("common/src/lib.rs", "pub mod ids;\n\npub mod slo;\nmod verdict;\n");
        vec![root, Source::of(&format!("common/src/{module}"), text)]
    }

    #[test]
    fn an_import_that_points_down_is_found() {
        let breaches = order_in_common(&common("slo/judge.rs", "use crate::ids::X;\nuse crate::verdict::Y;\n"), &[]);
        assert_eq!(breaches.iter().map(|b| b.line).collect::<Vec<_>>(), [2]);
        let tests = "#[cfg(test)]\nmod tests {\n    use crate::verdict::Y;\n}\n";
        assert!(order_in_common(&common("slo.rs", tests), &[]).is_empty());
    }

    #[test]
    fn an_exception_counts_only_while_it_is_used() {
        let allowed = [Allowed { from: "slo", to: "verdict", why: "it is meant" }];
        assert!(order_in_common(&common("slo.rs", "use crate::verdict::Y;"), &allowed).is_empty());
        assert_eq!(order_in_common(&common("slo.rs", ""), &allowed).len(), 1);
    }

    #[test]
    fn a_check_that_calls_the_app_and_an_app_that_knows_its_check_are_found() {
        let check = Source::of("a6-provider/src/checks/billing.rs", "use crate::reference::rates;");
        let app = Source::of(
            "a6-provider/src/reference.rs",
            "use common::{ids::AppId, verdict::Verdict};\nuse crate::checks;",
        );
        assert_eq!(harness_and_reference_are_apart(&check).len(), 1);
        assert_eq!(harness_and_reference_are_apart(&app).len(), 2);
        let root = Source::of("a6-provider/src/lib.rs", "pub mod reference;\nuse crate::reference;");
        assert!(harness_and_reference_are_apart(&root).is_empty());
    }
}
