//! Deliberate defects of reference apps that no proxy can make, all named here. They prove that the checks can fail.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One thing that an embedded reference app can be told to do wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// Any app: a repeated idempotency key runs the effect again.
    IdempotencyOff,
    /// Any app: a hardened route is served without an idempotency key.
    PreconditionUnchecked,
    /// Any app: responses carry a fresh trace id instead of the caller's.
    TraceNotEchoed,
    /// Any app: unknown paths and JSON routes answer 200 with an HTML login page.
    LoginPageInsteadOfJson,
    /// Any app: every tenth request is answered 500.
    TenthRequestFails,
    /// Any app: every request takes 200 ms longer.
    SlowBy200Ms,
    /// Any app: answers, but for health probes, take so long that their 95th percentile is this many milliseconds:
    /// lognormal with a spread of 0.5, independent of each other.
    P95Ms(u32),
    /// Any app: this many of 1,000 requests, but for health probes, are answered 500, at random.
    FailsPerMille(u32),
    /// A1: the PKCE verifier is not compared with the challenge.
    A1PkceUnchecked,
    /// A1: an authorization code can be redeemed twice.
    A1CodeReusable,
    /// A1: ID tokens name another issuer than discovery does.
    A1IssuerMismatch,
    /// A1: JWKS lacks the signing key.
    A1JwksWithoutKey,
    /// A1: the session cookie is `SameSite=Lax`.
    A1CookieSameSiteLax,
    /// A1: a logout removes the cookie, but the session goes on for whoever kept it.
    A1LogoutKeepsSession,
    /// A1: a refresh token can be used again.
    A1RefreshReusable,
    /// A1: whatever begins with a registered redirect address is one.
    A1RedirectPrefix,
    /// A1: passwords can be guessed without end.
    A1LoginUnlimited,
    /// A1: a form is taken from another browser than the one it was shown in.
    A1FormsUntied,
    /// A1: ID tokens lack the nonce.
    A1NonceDropped,
    /// A1: JWKS forgets a key as soon as another signs.
    A1RotationDropsKey,
    /// A1: the token and userinfo endpoints refuse by problem documents, which OAuth clients cannot read.
    A1ErrorsAsProblems,
    /// A2: an event is acknowledged before it is stored, and every 50th never is.
    A2AckBeforeCommit,
    /// A2: a bad item in a batch is dropped without a word.
    A2BatchSilentPartial,
    /// A2: events are not forwarded to A8.
    A2ForwardsNothing,
    /// A3: a retried run creates a second page.
    A3DuplicateEffect,
    /// A3: the trace is lost on the way to A2.
    A3DropsTrace,
    /// A4: streams end without `[DONE]`.
    A4NoDone,
    /// A4: usage counts twice the tokens sent.
    A4UsageDoubled,
    /// A4: writes the essay instead of coaching.
    A4WritesEssays,
    /// A5: the session cookie is never set.
    A5SessionNeverSticks,
    /// A5: plan buttons lead back to the plans.
    A5PlanButtonDead,
    /// A5: webhooks are checked with another secret than the one they are signed with.
    A5WebhookSecretWrong,
    /// A5: a webhook that comes twice credits twice.
    A5WebhookReplayCredits,
    /// A5: an AI action is not reported as a spent credit.
    A5NoCreditDecrement,
    /// A6: charges 2.9 % instead of 3 %.
    A6FeeTwoPointNine,
    /// A6: marks AI cost up by 3.9 instead of 4.
    A6MarkupThreePointNine,
    /// A6: allows illegal moves through the funnel.
    A6IllegalMoves,
    /// A6: settles without telling A8.
    A6SilentSettlement,
    /// A7: the newest page carries a stray `noindex`.
    A7StrayNoindex,
    /// A7: the newest page names a canonical address on another host.
    A7CanonicalElsewhere,
    /// A7: calls to action are acknowledged and not reported.
    A7CtaLost,
    /// A7: the sitemap misses pages.
    A7SitemapMissesPages,
    /// A7: leads are acknowledged and lost.
    A7LosesLeads,
    /// A8: every 50th event is acknowledged and dropped.
    A8DropsEvery50th,
    /// A8: tiles are computed once and never again.
    A8StaleTiles,
    /// A8: duplicates are stored.
    A8DedupOff,
    /// A8: events are stored without a check.
    A8SchemaUnchecked,
    /// A8: revenue of Stripe's test mode counts as live.
    A8DemoRevenueLive,
    /// A8: finance tile shows gross amounts one cent short.
    A8FinanceOffByOne,
    /// A3: forgets which page sent a student.
    A3ForgetsTheSource,
    /// A7: the share image is not where pages say.
    A7ShareImageMissing,
    /// A7: structured data breaks off.
    A7StructuredDataBroken,
    /// A7: published pages are sent with `X-Robots-Tag: noindex`.
    A7NoindexHeader,
    /// A7: robots.txt shuts all crawlers out.
    A7RobotsShutOut,
    /// A7: an impression or a click is reported twice.
    A7CtaCountedTwice,
    /// A8: divides clicks by all beacons, clicks among them.
    A8CtrOverAllBeacons,
    /// A8: counts the time of a stage from the first of the trace in place of the one before.
    A8StagesFromStart,
    /// Any app: no answer has a header that protects browsers.
    SecurityHeadersMissing,
    /// Any app: routes that want a key take any.
    KeysUnchecked,
    /// Any app: what people send is written into the log.
    LogsPersonalData,
    /// A4: the text is written for whoever does not ask in the plainest words.
    A4MissesParaphrase,
    /// A4: help is refused as soon as an essay is mentioned.
    A4RefusesHelp,
    /// Any app: events of effects wait in memory and not in the effect's transaction, so a crash loses them.
    OutboxInMemory,
    /// A3: breakers count failures and never open.
    A3BreakerNeverOpens,
    /// A3: breakers change without a report.
    A3BreakerSilent,
    /// A3: tries again at once.
    A3RetriesAtOnce,
    /// A3: all pauses are as long as they may be.
    A3RetriesWithoutJitter,
    /// A3: tries again before the time that the other party asked for.
    A3IgnoresRetryAfter,
    /// A3: rewards are taken and teach nothing.
    A3BanditIgnoresRewards,
    /// A3: always chooses the first arm.
    A3BanditPrefersFirst,
    /// A3: a complaint costs nothing.
    A3ComplaintsIgnored,
    /// A3: rewards of test runs teach what live traffic meets.
    A3TestRewardsTeach,
    /// A3: a frozen bandit learns on.
    A3FreezeIgnored,
    /// A3: arms fall below the floor.
    A3FloorIgnored,
    /// A3: forgets at a start what it had taken on before.
    A3ForgetsRuns,
    /// A3: each report of a session counts as a session of its own.
    A3SessionCountedTwice,
    /// A3: arms that harm are chosen on.
    A3GateIgnored,
    /// A3: calls a winner before every arm has been seen often enough.
    A3WinnerTooEarly,
    /// A3: counts what comes of a session after its window is over.
    A3WindowIgnored,
    /// A7: does not tell A3 what visitors do on the pages that A3 had built.
    A7RewardsLost,
    /// A7: shows all visitors the same call to action, whatever arm a page is for.
    A7ShowsNoArm,
    /// A4: says that it does not write the essay, and writes it.
    A4DeclinesThenWrites,
    /// A4: writes the essay for who asks for a stream.
    A4WritesWhenStreamed,
    /// Any app: the keys and tokens that requests carry are written into the log.
    LogsSecrets,
    /// Any app: what people send is kept in a file beside its database.
    KeepsRequests,
}

impl fmt::Display for Defect {
    /// As [`FromStr`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => f.write_str(&name),
            Ok(serde_json::Value::Object(fields)) => match fields.iter().next() {
                Some((name, number)) => write!(f, "{name}={number}"),
                None => Ok(()),
            },
            _ => write!(f, "{self:?}"),
        }
    }
}

impl FromStr for Defect {
    type Err = String;

    /// Reads `a2_forwards_nothing`, and with a number `p95_ms=195`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value = match text.split_once('=') {
            None => serde_json::Value::from(text),
            Some((name, number)) => {
                let number: u32 = number.parse().map_err(|_| format!("`{number}` in `{text}` is no whole number"))?;
                serde_json::json!({ name: number })
            }
        };
        serde_json::from_value(value).map_err(|error| format!("`{text}` is no defect of a reference app: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defect_is_named_as_it_is_written_and_some_have_a_number() {
        assert_eq!("a2_forwards_nothing".parse(), Ok(Defect::A2ForwardsNothing));
        assert_eq!("p95_ms=195".parse(), Ok(Defect::P95Ms(195)));
        for wrong in ["p95_ms", "p95_ms=fast", "a2_forwards_nothing=3", "sings"] {
            assert!(wrong.parse::<Defect>().is_err(), "{wrong}");
        }
        for text in ["a2_forwards_nothing", "p95_ms=195"] {
            assert_eq!(text.parse::<Defect>().unwrap().to_string(), text);
        }
    }
}
