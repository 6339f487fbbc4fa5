//! Which rules all pages keep, and which pages break one.

use common::check::Findings;
use common::client::Reply;

/// A rule and what a page that keeps it does.
pub(super) type Rule = (&'static str, &'static str);

/// The most pages named for one rule; more would say nothing new.
const NAMED: usize = 20;

#[derive(Debug)]
pub(super) struct Tally {
    counts: Vec<Count>,
}

#[derive(Debug)]
struct Count {
    rule: Rule,
    asked: usize,
    broken: Vec<Breach>,
}

#[derive(Debug)]
struct Breach {
    path: String,
    seen: String,
    reply: Option<Reply>,
}

impl Tally {
    pub(super) fn new(rules: &[Rule]) -> Self {
        Self { counts: rules.iter().map(|rule| Count { rule: *rule, asked: 0, broken: Vec::new() }).collect() }
    }

    /// Takes note of one page and one rule; `seen` is what was there in place of what the rule wants.
    pub(super) fn note(&mut self, rule: &str, path: &str, reply: Option<&Reply>, seen: Result<(), String>) {
        let Some(count) = self.counts.iter_mut().find(|count| count.rule.0 == rule) else { return };
        count.asked += 1;
        if let Err(seen) = seen {
            count.broken.push(Breach { path: path.to_owned(), seen, reply: reply.cloned() });
        }
    }

    /// The pages that break a rule, each by name; and each rule, with how many pages keep it.
    pub(super) fn into_findings(self, findings: &mut Findings) {
        for Count { rule: (name, claim), asked, broken } in self.counts {
            let kept = format!("{} of {asked}", asked - broken.len());
            for breach in broken.iter().take(NAMED) {
                if let Some(reply) = &breach.reply {
                    findings.about(reply);
                }
                findings.holds(&format!("{name}: GET {} {claim}", breach.path), false, &breach.seen);
            }
            // A rule that nothing was asked of is not kept.
            if broken.is_empty() || broken.len() > NAMED {
                findings.holds(&format!("{name}: every page {claim}"), broken.is_empty() && asked > 0, kept);
            }
        }
    }
}
