//! A3's tables.

/// Runs with their steps, the bandit's arms with their rewards, and the journal that the autonomy clock reads.
pub(crate) const TABLES: &[&str] = &[
    "CREATE TABLE runs (
        run_id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL, namespace TEXT NOT NULL, test_run BIGINT NOT NULL,
        source TEXT, trace_id TEXT NOT NULL, slug TEXT NOT NULL, title TEXT NOT NULL, summary TEXT NOT NULL,
        state TEXT NOT NULL, arm TEXT, page_slug TEXT, page_url TEXT, error TEXT,
        created_ms BIGINT NOT NULL, due_ms BIGINT NOT NULL, finished_ms BIGINT);
     CREATE INDEX runs_by_state ON runs (state, due_ms)",
    "CREATE TABLE steps (
        run_id TEXT NOT NULL, position BIGINT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
        attempts BIGINT NOT NULL, started_ms BIGINT, finished_ms BIGINT, detail TEXT,
        PRIMARY KEY (run_id, position))",
    "CREATE TABLE arms (arm TEXT PRIMARY KEY, alpha DOUBLE PRECISION NOT NULL, beta DOUBLE PRECISION NOT NULL,
        pulls BIGINT NOT NULL, rewards BIGINT NOT NULL);
     INSERT INTO arms (arm, alpha, beta, pulls, rewards) VALUES ('apply_now', 1, 1, 0, 0);
     INSERT INTO arms (arm, alpha, beta, pulls, rewards) VALUES ('check_eligibility', 1, 1, 0, 0);
     INSERT INTO arms (arm, alpha, beta, pulls, rewards) VALUES ('save_for_later', 1, 1, 0, 0)",
    "CREATE TABLE rewards (reward_id TEXT PRIMARY KEY, arm TEXT NOT NULL, trace_id TEXT NOT NULL,
        value DOUBLE PRECISION NOT NULL, counted BIGINT NOT NULL, at_ms BIGINT NOT NULL)",
    "CREATE TABLE journal (entry_id TEXT PRIMARY KEY, at_ms BIGINT NOT NULL, actor TEXT NOT NULL,
        action TEXT NOT NULL, detail TEXT);
     CREATE INDEX journal_by_actor ON journal (actor, at_ms)",
    "ALTER TABLE runs ADD COLUMN from_slug TEXT;
     ALTER TABLE runs ADD COLUMN from_run_id TEXT;
     ALTER TABLE runs ADD COLUMN from_arm TEXT;
     CREATE INDEX runs_by_page ON runs (page_slug)",
];
