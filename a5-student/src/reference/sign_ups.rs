//! The first entry of a student: her row, where she came from, her first credits, and the jobs that follow.

use std::fmt;

use common::args;
use common::ids::TraceId;
use common::service::{DbError, RequestContext, Tx};

use super::id_token::Claims;
use super::jobs::{self, JobKind};
use super::ledger::{self, Kind, Posting};
use super::plans::PLANS;
use super::state::A5;

/// The longest name of a page that a student can come from.
const LONGEST_SLUG: usize = 120;

/// What a sign-in remembers of how it began.
#[derive(Debug, Clone, Default)]
pub(super) struct Beginning {
    pub(super) plan: Option<String>,
    pub(super) origin: Option<Origin>,
}

/// Where somebody came from; shown as the rest of a link after `from=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// The page.
    pub(super) slug: String,
    /// Which showing of the page, if it tells: A3 hears of a checkout under it.
    pub(super) visit: Option<TraceId>,
}

impl Origin {
    /// Reads what a link tells; what is no name of a page and no visit is ignored.
    pub(super) fn told(from: Option<&str>, visit: Option<&str>) -> Option<Self> {
        let visit = visit.and_then(|visit| visit.parse().ok());
        slug(from).map(|slug| Self { slug, visit })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.slug)?;
        self.visit.map_or(Ok(()), |visit| write!(f, "&visit={visit}"))
    }
}

/// The name of a page, if it is one; anything else is ignored.
fn slug(text: Option<&str>) -> Option<String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let text = text.filter(|text| !text.is_empty() && text.len() <= LONGEST_SLUG && text.chars().all(fits));
    text.map(str::to_owned)
}

/// Lets a person in who proved who she is: a new one signs up, a known one comes back.
pub(super) async fn enter(
    app: &A5,
    tx: &mut Tx,
    context: &RequestContext,
    claims: &Claims,
    beginning: &Beginning,
) -> Result<(), DbError> {
    let (sub, now_ms) = (&claims.sub, app.now_ms());
    let plan = beginning.plan.as_deref().unwrap_or(PLANS[0].id);
    let sql = "INSERT INTO students (sub, name, email, plan, created_ms) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (sub) DO NOTHING";
    let is_new = tx.execute(sql, args![sub, &claims.name, &claims.email, plan, now_ms]).await? > 0;
    if is_new {
        return sign_up(tx, context, sub, plan, beginning.origin.as_ref(), now_ms).await;
    }
    let sql = "UPDATE students SET name = $2, email = $3 WHERE sub = $1";
    tx.execute(sql, args![sub, &claims.name, &claims.email]).await?;
    if let Some(plan) = &beginning.plan {
        tx.execute("UPDATE students SET plan = $1 WHERE sub = $2", args![plan, sub]).await?;
    }
    Ok(())
}

async fn sign_up(
    tx: &mut Tx,
    context: &RequestContext,
    sub: &str,
    plan: &str,
    origin: Option<&Origin>,
    now_ms: i64,
) -> Result<(), DbError> {
    let trace_id = context.trace.trace.to_string();
    let sql = "INSERT INTO sign_ups (sub, source_slug, plan, trace_id, at_ms, visit) VALUES ($1, $2, $3, $4, $5, $6)";
    let visit = origin.and_then(|origin| origin.visit).map(|visit| visit.to_string());
    tx.execute(sql, args![sub, origin.map(|origin| &*origin.slug), plan, &trace_id, now_ms, visit]).await?;
    let cause = format!("signup:{sub}");
    let reason = "Welcome to Scholar";
    let grant = Posting { cause, kind: Kind::Grant, sub, credits: PLANS[0].credits, reason, trace_id };
    ledger::post(tx, &grant, now_ms).await?;
    for kind in [JobKind::Crm, JobKind::Run] {
        jobs::leave(tx, context, kind, sub, false, now_ms).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_a_page_is_where_somebody_came_from() {
        assert_eq!(slug(Some("stem-awards-2026")).as_deref(), Some("stem-awards-2026"));
        let long = "a".repeat(121);
        for other in [None, Some(""), Some("Stem"), Some("a b"), Some("../x"), Some("ä"), Some(long.as_str())] {
            assert_eq!(slug(other), None, "{other:?}");
        }
        assert!(slug(Some(&long[1..])).is_some());
    }

    #[test]
    fn a_visit_travels_with_its_page_and_never_alone() {
        let visit = "4bf92f3577b34da6a3ce929d0e0e4736";
        let shown = |from, visit| Origin::told(from, visit).map(|origin| origin.to_string());
        assert_eq!(shown(Some("stem"), Some(visit)), Some(format!("stem&visit={visit}")));
        for other in [None, Some(""), Some("mine"), Some("\"><script>")] {
            assert_eq!(shown(Some("stem"), other).as_deref(), Some("stem"), "{other:?}");
        }
        assert_eq!(shown(None, Some(visit)), None);
    }
}
