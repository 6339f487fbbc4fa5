//! Faults that no single check can see: a load, a walk through several apps or a scan of the logs must.

use common::fault::{Action, Lognormal, Rule, Stall, Throttle};
use common::history::Fault as Disturbance;
use common::ids::AppId;
use common::service::Defect;
use common::suite::{Fault, FaultKind};

use super::catalogue::{By, Case};

const B2C: &str = "suite b2c";
const B2B: &str = "suite b2b";
const LEARNING: &str = "suite learning";

/// Command, id, what it does, the defect, and the claim that must fail; the claim names the app to blame.
type Row = (&'static str, &'static str, &'static str, Defect, &'static str);

/// Broken in one app, seen on the way through several.
const ACROSS: [Row; 11] = [
    (
        B2C,
        "b2c.cookie_same_site_lax",
        "A1's cookie does not come along from A5",
        Defect::A1CookieSameSiteLax,
        "a1.b2c.signup",
    ),
    (B2C, "b2c.issuer_mismatch", "A5 cannot believe A1's ID tokens", Defect::A1IssuerMismatch, "a1.b2c.signup"),
    (B2C, "b2c.jwks_without_key", "A5 cannot check A1's signatures", Defect::A1JwksWithoutKey, "a1.b2c.signup"),
    (B2C, "b2c.session_never_sticks", "A5 forgets whom A1 vouched for", Defect::A5SessionNeverSticks, "a5.b2c.signup"),
    (
        B2C,
        "b2c.plan_button_dead",
        "nobody gets from A5 to the payment page",
        Defect::A5PlanButtonDead,
        "a5.b2c.checkout",
    ),
    (
        B2C,
        "b2c.webhook_secret_wrong",
        "what is paid at Stripe never reaches A5's ledger",
        Defect::A5WebhookSecretWrong,
        "a5.b2c.checkout",
    ),
    (B2C, "b2c.no_credit_decrement", "A8 hears of no spent credit", Defect::A5NoCreditDecrement, "a5.b2c.events"),
    (B2C, "b2c.cta_lost", "A8 hears of no click on A7's pages", Defect::A7CtaLost, "a7.b2c.events"),
    (
        B2C,
        "b2c.drops_trace",
        "the trace of a student ends between A3 and A2",
        Defect::A3DropsTrace,
        "a3.b2c.hands_over",
    ),
    (
        B2C,
        "b2c.demo_revenue_live",
        "A8 shows A5's test payments as live revenue",
        Defect::A8DemoRevenueLive,
        "a8.test_revenue_stays_out",
    ),
    (B2B, "b2b.silent_settlement", "A6's revenue does not reach A8", Defect::A6SilentSettlement, "a6.b2b.money"),
];

/// Only a load shows these.
const UNDER_LOAD: [Row; 6] = [
    (
        "suite a1 --scenario a1_discovery",
        "a1.slow",
        "answers take 195 ms at the 95th percentile",
        Defect::P95Ms(195),
        "a1.p95.a1_discovery.GET /.well-known/openid-configuration",
    ),
    (
        "suite a2 --scenario a2_single",
        "a2.slow",
        "answers take 195 ms at the 95th percentile",
        Defect::P95Ms(195),
        "a2.p95.a2_single.POST /api/v1/events",
    ),
    (
        "suite a3 --scenario a3_preflight",
        "a3.slow",
        "answers take 250 ms at the 95th percentile",
        Defect::P95Ms(250),
        "a3.p95.a3_preflight.GET /preflight",
    ),
    (
        "suite a4 --scenario a4_chat",
        "a4.errors",
        "five of 100 answers are errors",
        Defect::FailsPerMille(50),
        "a4.errors.a4_chat.POST /v1/chat/completions",
    ),
    (
        "suite a5 --scenario a5_pricing",
        "a5.errors",
        "five of 100 answers are errors",
        Defect::FailsPerMille(50),
        "a5.errors.a5_pricing.GET /pricing",
    ),
    (
        "suite a6 --scenario a6_register",
        "a6.slow",
        "answers take 250 ms at the 95th percentile",
        Defect::P95Ms(250),
        "a6.p95.a6_register.POST /register",
    ),
];

/// Only a look into what was written shows these.
const WRITTEN: [Row; 5] = [
    (
        LEARNING,
        "a5.logs_personal_data",
        "writes what students send into its log",
        Defect::LogsPersonalData,
        "a5.safety.log",
    ),
    (
        LEARNING,
        "a6.logs_personal_data",
        "writes what providers send into its log",
        Defect::LogsPersonalData,
        "a6.safety.log",
    ),
    (LEARNING, "a3.logs_secrets", "writes the administrator's key into its log", Defect::LogsSecrets, "a3.safety.log"),
    (
        LEARNING,
        "a8.logs_secrets",
        "writes the key that the apps report with into its log",
        Defect::LogsSecrets,
        "a8.safety.log",
    ),
    (
        LEARNING,
        "a8.keeps_requests",
        "leaves a file with what people sent among the files of the run",
        Defect::KeepsRequests,
        "a8.safety.artifacts",
    ),
];

/// Only a run that ends early shows these.
const STOPPED: [Row; 2] = [
    (
        "suite a6",
        "a6.drift_stops",
        "serves without the headers that its contract asks for, which ends the run",
        Defect::PreconditionUnchecked,
        "a6.stopped",
    ),
    (
        "suite a8",
        "a8.secrets_stop",
        "writes keys into its log from the start, which ends the run",
        Defect::LogsSecrets,
        "a8.stopped",
    ),
];

/// Only a history of operations under a disturbance shows these.
const EFFECTS: [(&str, &str, Defect, Disturbance, &str); 5] = [
    (
        "a2.acknowledged_then_killed",
        "acknowledges before it commits, and is killed",
        Defect::A2AckBeforeCommit,
        Disturbance::Kill,
        "a2.effects",
    ),
    (
        "a6.settled_again",
        "settles again when a lost answer is asked for again",
        Defect::IdempotencyOff,
        Disturbance::CommitThen503,
        "a6.effects",
    ),
    (
        "a3.started_again",
        "starts a run again when a lost answer is asked for again",
        Defect::IdempotencyOff,
        Disturbance::CommitThen503,
        "a3.effects",
    ),
    (
        "a5.credited_twice",
        "credits a payment as often as it is told of it",
        Defect::A5WebhookReplayCredits,
        Disturbance::Duplicate,
        "a5.effects",
    ),
    (
        "a6.outbox_lost",
        "keeps events in memory, and is killed",
        Defect::OutboxInMemory,
        Disturbance::Kill,
        "a6.effects",
    ),
];

/// All of them.
pub(super) fn all() -> Vec<Case> {
    let rows = ACROSS.into_iter().chain(UNDER_LOAD).chain(WRITTEN).chain(STOPPED).map(case);
    let effects = EFFECTS.into_iter().map(|(id, breaks, defect, under, caught_by)| {
        let Case { fault, .. } = case(("", id, breaks, defect, caught_by));
        Case { fault, by: By::Effects { under } }
    });
    rows.chain(slowed()).chain(effects).collect()
}

fn case((command, id, breaks, defect, caught_by): Row) -> Case {
    let blames: AppId = caught_by.split('.').next().and_then(|app| app.parse().ok()).unwrap_or(AppId::A1);
    let fault = Fault {
        id: id.to_owned(),
        breaks: breaks.to_owned(),
        kind: FaultKind::Defect(defect),
        caught_by: caught_by.to_owned(),
        blames,
    };
    Case { fault, by: By::Run { command: command.into() } }
}

/// Slow or halting answers that only a load shows, made on the wire: command, fault.
fn slowed() -> Vec<Case> {
    let slow = |scenario: &str, id: &str, breaks: &str, at: AppId, action: Action, caught_by: &str| Case {
        fault: Fault::wire(id, breaks, at, Rule::new("slow").does(action), caught_by),
        by: By::Run { command: format!("suite {} --scenario {scenario}", at.lower()).into() },
    };
    vec![
        slow(
            "a1_discovery",
            "a1.waits_vary",
            "answers wait 60 ms in the middle, and 400 ms at the 95th percentile",
            AppId::A1,
            Action::DelayLognormal(Lognormal { p50_ms: 60.0, p95_ms: 400.0 }),
            "a1.p95.a1_discovery.GET /.well-known/openid-configuration",
        ),
        slow(
            "a7_core",
            "a7.thin_line",
            "pages come at 10 kB a second",
            AppId::A7,
            Action::Throttle(Throttle { bytes_per_s: 10_000 }),
            "a7.p95.a7_core.GET /browse",
        ),
        slow(
            "a8_tiles",
            "a8.pauses",
            "halts for 600 ms every 2 s",
            AppId::A8,
            Action::Stall(Stall { every_ms: 2_000, for_ms: 600 }),
            "a8.p95.a8_tiles.GET /api/tiles/slo-matrix",
        ),
    ]
}
