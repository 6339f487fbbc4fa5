//! The dashboard: the state of the ecosystem at a glance, for one namespace.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use common::args;
use common::clock::rfc3339;
use common::ids::AppId;
use common::service::{DbError, Problem, Query};
use common::telemetry::Namespace;
use serde::Deserialize;

use super::format::{count, money, ms, percent, time_of, words};
use super::page;
use super::spark::{BUCKETS, Spark, draw};
use crate::reference::events::Stored;
use crate::reference::incidents::{self, Incident};
use crate::reference::recent::Figures;
use crate::reference::scope::{Scope, ScopeQuery};
use crate::reference::tiles::{self, Business, Funnel, Money, Ratio, limit_ms, state};
use crate::reference::{Center, Shared};

/// Events in the feed.
const FEED: i64 = 9;

/// The query string of the page.
#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    namespace: Option<String>,
}

/// A link of the namespace switch.
struct Switch {
    name: &'static str,
    title: &'static str,
    chosen: bool,
}

/// One app in the matrix.
struct AppRow {
    app: AppId,
    state: &'static str,
    shape: &'static str,
    state_text: &'static str,
    figures: Option<Shown>,
    limit: String,
    spark: Spark,
}

/// Figures as text.
struct Shown {
    requests: String,
    error_rate: String,
    p50: String,
    p95: String,
}

/// One stage of a funnel as a bar.
struct Bar {
    title: String,
    count: String,
    width_pct: usize,
    of_previous: String,
    latest_trace: Option<String>,
}

struct FunnelView {
    title: &'static str,
    path: &'static str,
    bars: Vec<Bar>,
    is_empty: bool,
}

/// Money as text.
struct MoneyView {
    fee_pct: String,
    markup: String,
    gross: String,
    fee: String,
    ai_cost: String,
    ai_price: String,
    settlements: String,
    repeated: i64,
}

/// A business metric as text.
struct GrowthFigure {
    title: &'static str,
    value: String,
    of: String,
}

struct FeedItem {
    time: String,
    app: String,
    event: String,
    route: String,
    status: i64,
    trace_id: String,
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard {
    namespace: Namespace,
    switches: Vec<Switch>,
    as_of: String,
    as_of_time: String,
    verdict: String,
    verdict_state: &'static str,
    verdict_shape: &'static str,
    requests: String,
    error_rate: String,
    sign_ups: String,
    first_uses: String,
    growth: Vec<GrowthFigure>,
    apps: Vec<AppRow>,
    funnels: Vec<FunnelView>,
    money: Vec<MoneyView>,
    demo: Vec<(&'static str, MoneyView)>,
    incidents: Vec<Incident>,
    active: usize,
    feed: Vec<FeedItem>,
    newest_seq: i64,
}

pub(super) async fn show(State(center): State<Shared>, Query(choice): Query<Choice>) -> Result<Response, Problem> {
    let query = ScopeQuery { namespace: choice.namespace, ..ScopeQuery::default() };
    let scope = query.read(center.ctx.clock.unix_ms())?;
    page(StatusCode::OK, &center.dashboard(&scope).await?)
}

impl Center {
    async fn dashboard(&self, scope: &Scope) -> Result<Dashboard, DbError> {
        let db = &self.ctx.db;
        let matrix = self.recent.matrix(db, scope).await?;
        let lines = self.recent.p95_by_interval(db, scope, BUCKETS).await?;
        let line = |app: AppId| lines.get(app.as_str()).map(Vec::as_slice).unwrap_or_default();
        let apps: Vec<_> =
            AppId::ALL.into_iter().map(|app| app_row(app, matrix.apps.get(app.as_str()), line(app))).collect();
        let (verdict, verdict_state) = verdict(&apps);
        let taken = self.recent.taken(db, scope).await?;
        let business = tiles::business(self, scope, &taken).await?;
        let (feed, newest_seq) = self.feed(scope).await?;
        let mut incidents = incidents::list(self, scope).await?;
        let active = incidents.iter().filter(|incident| incident.state == "active").count();
        incidents.truncate(6);
        Ok(Dashboard {
            namespace: scope.namespace,
            switches: switches(scope.namespace),
            as_of: rfc3339(scope.now_ms),
            as_of_time: time_of(&rfc3339(scope.now_ms)),
            verdict,
            verdict_state,
            verdict_shape: look(verdict_state).0,
            requests: count(matrix.requests),
            error_rate: matrix.error_rate_pct.map_or_else(|| "–".to_owned(), percent),
            sign_ups: count(unsigned(taken.sign_ups)),
            first_uses: count(unsigned(taken.count("activation_first_use"))),
            growth: growth_view(&business),
            apps,
            funnels: tiles::funnels(self, scope).await?.iter().map(funnel_view).collect(),
            money: tiles::settled(self, scope).await?.iter().map(money_view).collect(),
            demo: self.demo_money(scope).await?,
            incidents,
            active,
            feed,
            newest_seq,
        })
    }

    async fn demo_money(&self, scope: &Scope) -> Result<Vec<(&'static str, MoneyView)>, DbError> {
        let Some(demo) = tiles::demo(self, scope).await? else { return Ok(Vec::new()) };
        let audit = demo.simulated_audit.iter().map(|money| ("Simulated audit", money_view(money)));
        let test = demo.stripe_test.iter().map(|money| ("Stripe test mode", money_view(money)));
        Ok(audit.chain(test).collect())
    }

    /// The newest events, and the newest sequence number of all.
    async fn feed(&self, scope: &Scope) -> Result<(Vec<FeedItem>, i64), DbError> {
        let top = self.ctx.db.query_one("SELECT COALESCE(MAX(seq), 0) AS top FROM events", vec![]).await?;
        let top = top.map_or(Ok(0), |row| row.int("top"))?;
        let sql = "SELECT seq, received_at_ms, body FROM events
                   WHERE (namespace || '') = $1 AND event <> 'route_snapshot' AND seq <= $2 AND seq > $3
                   ORDER BY seq DESC LIMIT $4";
        // Only the newest few thousand are looked through, so that a quiet namespace costs no full scan; joining
        // nothing to the namespace keeps its index out, which would read and sort them all.
        let rows = self.ctx.db.query(sql, args![scope.namespace.as_str(), top, top - 5_000, FEED]).await?;
        let feed = rows.iter().map(|row| Stored::read(row).map(|stored| feed_item(&stored))).collect::<Result<_, _>>();
        Ok((feed?, top))
    }
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

fn feed_item(stored: &Stored) -> FeedItem {
    let text = |name: &str| stored.event[name].as_str().unwrap_or_default().to_owned();
    FeedItem {
        time: time_of(&text("timestamp")),
        app: text("app_id"),
        event: words(&text("event")),
        route: text("route"),
        status: stored.event["status"].as_i64().unwrap_or_default(),
        trace_id: text("trace_id"),
    }
}

fn switches(chosen: Namespace) -> Vec<Switch> {
    [(Namespace::Live, "Live"), (Namespace::PerfTest, "Performance test"), (Namespace::SimulatedAudit, "Simulated")]
        .into_iter()
        .map(|(namespace, title)| Switch { name: namespace.as_str(), title, chosen: namespace == chosen })
        .collect()
}

/// Shape and word of a state, so that neither needs colour.
fn look(state: &str) -> (&'static str, &'static str) {
    match state {
        "ok" => ("●", "Healthy"),
        "slow" => ("▲", "Slow"),
        "failing" => ("◆", "Failing"),
        _ => ("○", "Silent"),
    }
}

fn app_row(app: AppId, figures: Option<&Figures>, line: &[Option<f64>]) -> AppRow {
    let state = state(app, figures);
    let (shape, state_text) = look(state);
    AppRow {
        app,
        state,
        shape,
        state_text,
        figures: figures.map(shown),
        limit: limit_ms(app).map_or_else(|| "none".to_owned(), |limit| format!("{limit:.0} ms")),
        spark: draw(line, limit_ms(app)),
    }
}

fn shown(figures: &Figures) -> Shown {
    Shown {
        requests: count(figures.requests),
        error_rate: percent(figures.error_rate_pct),
        p50: ms(figures.p50_ms),
        p95: ms(figures.p95_ms),
    }
}

/// The state of the whole, in words.
fn verdict(apps: &[AppRow]) -> (String, &'static str) {
    let number = |state: &str| apps.iter().filter(|row| row.state == state).count();
    let (failing, slow, silent) = (number("failing"), number("slow"), number("silent"));
    let list = |state: &str| {
        let names: Vec<_> = apps.iter().filter(|row| row.state == state).map(|row| row.app.as_str()).collect();
        names.join(", ")
    };
    if silent == apps.len() {
        ("No requests reported in the last 15 minutes".to_owned(), "silent")
    } else if failing > 0 {
        let also = if slow > 0 { format!(", slow: {}", list("slow")) } else { String::new() };
        (format!("Errors in {}{also}", list("failing")), "failing")
    } else if slow > 0 {
        (format!("Slow: {}", list("slow")), "slow")
    } else if silent > 0 {
        (format!("Healthy so far, nothing heard from {}", list("silent")), "silent")
    } else {
        ("All eight apps are healthy".to_owned(), "ok")
    }
}

fn funnel_view(funnel: &Funnel) -> FunnelView {
    let most = funnel.stages.iter().map(|stage| stage.count).max().unwrap_or(0);
    let mut previous: Option<usize> = None;
    let bars = funnel.stages.iter().map(|stage| {
        let of_previous = match previous {
            Some(before) if before > 0 => format!("{} % of previous", stage.count * 100 / before),
            _ => String::new(),
        };
        previous = Some(stage.count);
        Bar {
            title: capitalised(stage.stage),
            count: count(u64::try_from(stage.count).unwrap_or(0)),
            width_pct: (stage.count * 100).checked_div(most).unwrap_or(0),
            of_previous,
            latest_trace: stage.traces.first().cloned(),
        }
    });
    let bars = bars.collect();
    let (title, path) = match funnel.funnel {
        "b2c" => ("Students", "B2C · A7 → A5 → A1"),
        _ => ("Providers", "B2B · A7 → A6"),
    };
    FunnelView { title, path, bars, is_empty: most == 0 }
}

fn growth_view(business: &Business) -> Vec<GrowthFigure> {
    let share = |title, ratio: &Ratio, parts: (&str, &str)| GrowthFigure {
        title,
        value: ratio.value.map_or_else(|| "–".to_owned(), |value| percent(value * 100.0)),
        of: format!("{:.0} {} of {} {}", ratio.numerator, parts.0, count(unsigned(ratio.denominator)), parts.1),
    };
    let ttfv = &business.ttfv_min;
    vec![
        share("Click-through rate", &business.ctr, ("clicks", "impressions")),
        share("Sign-up rate", &business.signup_rate, ("sign-ups", "visits")),
        share("Checkout conversion", &business.checkout_conv_rate, ("paid", "checkouts")),
        GrowthFigure {
            title: "Time to first value",
            value: ttfv.value.map_or_else(|| "–".to_owned(), |minutes| format!("{minutes:.1} min")),
            of: format!("mean of {} first uses", count(unsigned(ttfv.denominator))),
        },
    ]
}

fn capitalised(word: &str) -> String {
    let word = words(word);
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn money_view(sums: &Money) -> MoneyView {
    let amount = |minor| money(minor, &sums.currency);
    MoneyView {
        fee_pct: format!("{} %", sums.provider_fee_pct),
        markup: format!("{}×", sums.ai_markup_factor),
        gross: amount(sums.gross_minor),
        fee: amount(sums.fee_minor),
        ai_cost: amount(sums.ai_cost_minor),
        ai_price: amount(sums.ai_price_minor),
        settlements: count(unsigned(sums.settlements)),
        repeated: sums.repeated_revenue_event_ids,
    }
}
