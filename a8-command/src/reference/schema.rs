//! Tables: events are only ever added; money and growth figures are kept beside them as columns.

/// Scripts, in order.
pub(super) const MIGRATIONS: &[&str] = &[
    "CREATE TABLE events (
        seq BIGINT PRIMARY KEY, received_at_ms BIGINT NOT NULL, at_ms BIGINT NOT NULL, tenant_id TEXT NOT NULL,
        idempotency_key TEXT NOT NULL, trace_id TEXT NOT NULL, event TEXT NOT NULL, app_id TEXT NOT NULL,
        namespace TEXT NOT NULL, route TEXT NOT NULL, method TEXT NOT NULL, status BIGINT NOT NULL,
        p95_ms DOUBLE PRECISION NOT NULL, sample_rate DOUBLE PRECISION NOT NULL, body TEXT NOT NULL);
     CREATE INDEX events_trace ON events (trace_id, idempotency_key);
     CREATE INDEX events_scope ON events (namespace, event, at_ms)",
    "CREATE TABLE money (
        seq BIGINT PRIMARY KEY, at_ms BIGINT NOT NULL, namespace TEXT NOT NULL, trace_id TEXT NOT NULL,
        event TEXT NOT NULL, app_id TEXT NOT NULL, revenue_event_id TEXT NOT NULL, currency TEXT NOT NULL,
        gross_minor BIGINT NOT NULL, fee_minor BIGINT NOT NULL, ai_cost_minor BIGINT NOT NULL,
        ai_price_minor BIGINT NOT NULL, fee_pct DOUBLE PRECISION NOT NULL, markup DOUBLE PRECISION NOT NULL,
        simulated BIGINT NOT NULL);
     CREATE INDEX money_scope ON money (namespace, event, at_ms);
     CREATE INDEX money_trace ON money (trace_id)",
    "CREATE TABLE growth (
        seq BIGINT NOT NULL, at_ms BIGINT NOT NULL, namespace TEXT NOT NULL, trace_id TEXT NOT NULL,
        app_id TEXT NOT NULL, metric TEXT NOT NULL, value DOUBLE PRECISION NOT NULL, PRIMARY KEY (seq, metric));
     CREATE INDEX growth_scope ON growth (namespace, metric, at_ms)",
    "CREATE TABLE sink_counts (name TEXT PRIMARY KEY, n BIGINT NOT NULL);
     CREATE TABLE incident_clearances (
        incident_id TEXT NOT NULL, at_ms BIGINT NOT NULL, reason TEXT NOT NULL, trace_id TEXT NOT NULL)",
    "ALTER TABLE events ADD COLUMN simulated BIGINT NOT NULL DEFAULT 0;
     ALTER TABLE events ADD COLUMN clicked BIGINT NOT NULL DEFAULT 0;
     UPDATE events SET simulated = 1 WHERE seq IN (SELECT seq FROM money WHERE simulated = 1);
     UPDATE events SET clicked = 1 WHERE event = 'cta_impression'
        AND seq IN (SELECT seq FROM growth WHERE metric = 'ctr' AND value > 0);
     CREATE INDEX events_steps ON events
        (namespace, event, at_ms, simulated, clicked, app_id, trace_id, seq, route)
        WHERE event <> 'request_completed' AND event <> 'route_snapshot'",
];
