//! The telemetry event, schema v1.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{AppId, TraceId};
use crate::money::Currency;

/// The version every event carries.
pub const SCHEMA_VERSION: u16 = 1;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventName {
    /// One request was answered; P50 and P95 are its own duration, as of a window of one.
    RequestCompleted,
    /// A route's figures over the last reporting interval.
    RouteSnapshot,
    /// A person or service proved who they are.
    IdentityOk,
    /// A page was asked for.
    PageBuildRequested,
    /// A page went public.
    PagePublished,
    /// The bandit's weights.
    BanditConfig,
    /// A call to action was placed on a page.
    CtaEmitted,
    /// A call to action was seen by a visitor.
    CtaImpression,
    /// A student was sent to the payment page.
    CheckoutStarted,
    /// A checkout was paid.
    CheckoutCompleted,
    /// A provider signed up.
    ProviderRegistered,
    /// A provider's listing went public.
    ProviderListingPublished,
    /// Fee and markup of a sale were booked.
    RevenueSettled,
    /// A credit was spent.
    CreditDecrement,
    /// A student used an AI feature for the first time.
    ActivationFirstUse,
    /// An orchestration run moved on.
    RunProgress,
    /// An orchestration run ended.
    OrchestrationCycleComplete,
    /// A circuit breaker changed its state.
    BreakerTransition,
    /// A lead was stored.
    LeadCaptured,
    /// A document was taken in.
    DocumentIngested,
    /// An incident began.
    IncidentOpened,
    /// An incident ended.
    IncidentCleared,
    /// A person approved a restricted action.
    HitlApproval,
    /// A validation reported its state.
    ValidationStatus,
}

impl EventName {
    /// Every event name, in the order of the documentation.
    pub const ALL: [Self; 24] = [
        Self::RequestCompleted,
        Self::RouteSnapshot,
        Self::IdentityOk,
        Self::PageBuildRequested,
        Self::PagePublished,
        Self::BanditConfig,
        Self::CtaEmitted,
        Self::CtaImpression,
        Self::CheckoutStarted,
        Self::CheckoutCompleted,
        Self::ProviderRegistered,
        Self::ProviderListingPublished,
        Self::RevenueSettled,
        Self::CreditDecrement,
        Self::ActivationFirstUse,
        Self::RunProgress,
        Self::OrchestrationCycleComplete,
        Self::BreakerTransition,
        Self::LeadCaptured,
        Self::DocumentIngested,
        Self::IncidentOpened,
        Self::IncidentCleared,
        Self::HitlApproval,
        Self::ValidationStatus,
    ];

    /// The name on the wire, `revenue_settled`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequestCompleted => "request_completed",
            Self::RouteSnapshot => "route_snapshot",
            Self::IdentityOk => "identity_ok",
            Self::PageBuildRequested => "page_build_requested",
            Self::PagePublished => "page_published",
            Self::BanditConfig => "bandit_config",
            Self::CtaEmitted => "cta_emitted",
            Self::CtaImpression => "cta_impression",
            Self::CheckoutStarted => "checkout_started",
            Self::CheckoutCompleted => "checkout_completed",
            Self::ProviderRegistered => "provider_registered",
            Self::ProviderListingPublished => "provider_listing_published",
            Self::RevenueSettled => "revenue_settled",
            Self::CreditDecrement => "credit_decrement",
            Self::ActivationFirstUse => "activation_first_use",
            Self::RunProgress => "run_progress",
            Self::OrchestrationCycleComplete => "orchestration_cycle_complete",
            Self::BreakerTransition => "breaker_transition",
            Self::LeadCaptured => "lead_captured",
            Self::DocumentIngested => "document_ingested",
            Self::IncidentOpened => "incident_opened",
            Self::IncidentCleared => "incident_cleared",
            Self::HitlApproval => "hitl_approval",
            Self::ValidationStatus => "validation_status",
        }
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which figures an event may enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Namespace {
    /// Real people, real money.
    #[default]
    Live,
    /// Load and functional tests.
    PerfTest,
    /// Simulated figures of an audit.
    SimulatedAudit,
}

impl Namespace {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::PerfTest => "perf_test",
            Self::SimulatedAudit => "simulated_audit",
        }
    }

    /// Reads the name on the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Live, Self::PerfTest, Self::SimulatedAudit].into_iter().find(|n| n.as_str() == text)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A circuit breaker's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// Calls are refused at once.
    Open,
    /// One trial call passes.
    HalfOpen,
}

/// Whether money of an event is real.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StripeMode {
    /// Test-mode keys: no money moves.
    Test,
    /// Live keys.
    Live,
}

/// The money of a finance event. Amounts are integer minor units; the markup is a decimal as the contract states it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FinanceMetrics {
    /// Platform fee in percent, 3.
    pub provider_fee_pct: f64,
    /// Factor from AI cost to AI price, 4.0.
    pub ai_markup_factor: f64,
    /// The sale, in minor units.
    pub gross_minor: i64,
    /// The fee, in minor units.
    pub fee_minor: i64,
    /// What the AI service cost, in minor units.
    pub ai_cost_minor: i64,
    /// What it is sold for, in minor units.
    pub ai_price_minor: i64,
    /// The currency of all amounts.
    pub currency: Currency,
}

/// Growth figures; each is optional, at least one is given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BusinessMetrics {
    /// Click-through rate, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ctr: Option<f64>,
    /// Sign-ups per visit, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signup_rate: Option<f64>,
    /// Paid checkouts per started checkout, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout_conv_rate: Option<f64>,
    /// Time to first value, in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttfv_min: Option<f64>,
}

/// How a bandit chooses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BanditMetrics {
    /// The experiment, where it is not the bandit that live traffic meets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment_id: Option<String>,
    /// How often each arm would be chosen now, 0 to 1; together 1.
    pub arm_weights: BTreeMap<String, f64>,
    /// How often another arm than the leading one would be chosen now, 0 to 1.
    pub exploration_rate: f64,
}

/// One report of an app to the command center.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Always 1.
    pub schema_version: u16,
    /// Unique per event (UUID v7).
    pub event_id: String,
    /// RFC 3339 with milliseconds, when it happened.
    pub timestamp: String,
    /// Who reports.
    pub app_id: AppId,
    /// `embedded`, `staging`, `production`.
    pub env: String,
    /// Which figures it may enter.
    pub namespace: Namespace,
    /// For whom the app acted.
    pub tenant_id: String,
    /// The release of the app.
    pub release: String,
    /// What happened.
    pub event: EventName,
    /// The route pattern, `/api/billing/quote`.
    pub route: String,
    /// The HTTP method.
    pub method: String,
    /// The HTTP status answered, 100 to 599.
    pub status: u16,
    /// Median of the window, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// 95th percentile of the window, in milliseconds.
    pub p95_ms: f64,
    /// Errors of the window, in percent, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_rate_pct: Option<f64>,
    /// Seconds since the app started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_sec: Option<u64>,
    /// The worst breaker of the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circuit_breaker_state: Option<BreakerState>,
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// With tenant, trace and event name: the key that makes a repeat a duplicate.
    pub idempotency_key: String,
    /// Required for finance events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finance_metrics: Option<FinanceMetrics>,
    /// Required for finance events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revenue_event_id: Option<String>,
    /// Growth figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_metrics: Option<BusinessMetrics>,
    /// Required for `bandit_config`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandit_metrics: Option<BanditMetrics>,
    /// True for synthetic traffic.
    #[serde(default)]
    pub test_run: bool,
    /// `qa` for synthetic traffic, else who called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether money is real; absent where no payment took part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_mode: Option<StripeMode>,
    /// The share of like events that is reported, above 0 to 1; readers weigh by its inverse.
    pub sample_rate: f64,
}
