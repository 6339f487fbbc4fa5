//! What came of trying a job, and when it is tried again.

use common::args;
use common::service::{DbError, UpstreamError};

use super::Job;
use crate::reference::outside::OutsideError;
use crate::reference::state::A5;

/// The first pause after a failure, in milliseconds; it doubles.
const FIRST_PAUSE_MS: i64 = 250;
/// The longest pause.
const LONGEST_PAUSE_MS: i64 = 60_000;

/// What came of trying a job.
#[derive(Debug)]
pub(in crate::reference) enum Outcome {
    /// It is done; the id that the other party gave.
    Done(Option<String>),
    /// It will never be done: asked again, the other party would say the same.
    Refused(String),
    /// It may be done later.
    Later(String),
}

impl From<OutsideError> for Outcome {
    fn from(error: OutsideError) -> Self {
        match error.status() {
            Some(408 | 409 | 425 | 429) | None => Self::Later(error.to_string()),
            Some(status) if status >= 500 => Self::Later(error.to_string()),
            Some(_) => Self::Refused(error.to_string()),
        }
    }
}

impl From<DbError> for Outcome {
    fn from(error: DbError) -> Self {
        Self::Later(error.to_string())
    }
}

impl From<UpstreamError> for Outcome {
    fn from(error: UpstreamError) -> Self {
        Self::Later(error.to_string())
    }
}

pub(super) async fn write_down(app: &A5, job: &Job, outcome: Outcome) -> Result<(), DbError> {
    let set = |state: &'static str, result: Option<String>| {
        let sql = "UPDATE jobs SET state = $2, result = $3, attempts = attempts + 1 WHERE job_id = $1";
        (sql, args![&job.job_id, state, result])
    };
    let (sql, values) = match outcome {
        Outcome::Done(result) => set("done", result),
        Outcome::Refused(reason) => {
            tracing::error!(job = job.kind.as_str(), reason, "a job is refused for good");
            set("refused", None)
        }
        Outcome::Later(reason) => {
            tracing::warn!(job = job.kind.as_str(), attempt = job.attempts + 1, reason, "a job is tried again later");
            let due_ms = app.now_ms() + pause_ms(job.attempts, rand::random_range(0..=50));
            ("UPDATE jobs SET attempts = attempts + 1, due_ms = $2 WHERE job_id = $1", args![&job.job_id, due_ms])
        }
    };
    app.ctx().db.execute(sql, values).await.map(drop)
}

/// The pause after so many failures before this one: doubled each time, and up to half as long again by chance.
fn pause_ms(failures: i64, jitter_pct: i64) -> i64 {
    let doublings = u32::try_from(failures.clamp(0, 16)).unwrap_or(16);
    let pause = (FIRST_PAUSE_MS << doublings).min(LONGEST_PAUSE_MS);
    pause + pause * jitter_pct / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_vary() {
        assert_eq!([0, 1, 2, 7, 8, 90].map(|n| pause_ms(n, 0)), [250, 500, 1_000, 32_000, 60_000, 60_000]);
        assert_eq!((pause_ms(0, 50), pause_ms(90, 50)), (375, 90_000));
    }

    #[test]
    fn what_the_other_party_will_always_refuse_is_not_asked_again() {
        let refused = |status| {
            let error = OutsideError::Refused { status, at: "POST /x".into(), said: String::new() };
            matches!(Outcome::from(error), Outcome::Refused(_))
        };
        assert_eq!([400, 401, 422].map(refused), [true; 3]);
        assert_eq!([408, 409, 429, 500, 503].map(refused), [false; 5]);
    }
}
