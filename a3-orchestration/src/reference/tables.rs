//! A3's tables.

/// Runs with their steps, side jobs and attempts, the changes of breakers, the bandits with their sessions, the journal
/// that the autonomy clock reads, and what the stand-ins keep.
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
    "CREATE TABLE attempts (
        run_id TEXT NOT NULL, step TEXT NOT NULL, attempt BIGINT NOT NULL, at_ms BIGINT NOT NULL, ended_ms BIGINT,
        outcome TEXT NOT NULL, reason TEXT, status BIGINT, retry_after_ms BIGINT, pause_ms BIGINT,
        is_trial BIGINT NOT NULL, PRIMARY KEY (run_id, step, attempt))",
    "CREATE TABLE jobs (
        run_id TEXT NOT NULL, party TEXT NOT NULL, state TEXT NOT NULL, attempts BIGINT NOT NULL,
        due_ms BIGINT NOT NULL, created_ms BIGINT NOT NULL, finished_ms BIGINT, detail TEXT,
        PRIMARY KEY (run_id, party));
     CREATE INDEX jobs_by_state ON jobs (state, due_ms)",
    "CREATE TABLE breaker_moves (move_id TEXT PRIMARY KEY, party TEXT NOT NULL, from_state TEXT NOT NULL,
        to_state TEXT NOT NULL, at_ms BIGINT NOT NULL);
     CREATE INDEX breaker_moves_by_party ON breaker_moves (party, at_ms)",
    "ALTER TABLE journal ADD COLUMN trace_id TEXT",
    "CREATE TABLE bandits (bandit_id TEXT PRIMARY KEY, seed BIGINT, floor_share DOUBLE PRECISION NOT NULL,
        frozen TEXT, choices BIGINT NOT NULL, created_ms BIGINT NOT NULL);
     CREATE TABLE bandit_arms (bandit_id TEXT NOT NULL, position BIGINT NOT NULL, arm TEXT NOT NULL,
        alpha DOUBLE PRECISION NOT NULL, beta DOUBLE PRECISION NOT NULL, pulls BIGINT NOT NULL,
        rewards BIGINT NOT NULL, failures BIGINT NOT NULL, PRIMARY KEY (bandit_id, arm));
     INSERT INTO bandits (bandit_id, floor_share, choices, created_ms) VALUES ('live', 0.05, 0, 0);
     INSERT INTO bandit_arms (bandit_id, position, arm, alpha, beta, pulls, rewards, failures)
        SELECT 'live', 0, arm, alpha, beta, pulls, rewards, 0 FROM arms;
     DROP TABLE arms;
     CREATE TABLE choices (choice_id TEXT PRIMARY KEY, bandit_id TEXT NOT NULL, arm TEXT NOT NULL,
        rewarded BIGINT NOT NULL, at_ms BIGINT NOT NULL);
     CREATE INDEX choices_by_bandit ON choices (bandit_id)",
    "CREATE TABLE standin_messages (message_id TEXT PRIMARY KEY, party TEXT NOT NULL, idempotency_key TEXT NOT NULL,
        body TEXT NOT NULL, created_ms BIGINT NOT NULL);
     CREATE UNIQUE INDEX standin_messages_by_key ON standin_messages (party, idempotency_key)",
    "DROP TABLE rewards;
     CREATE TABLE sessions (bandit_id TEXT NOT NULL, session_id TEXT NOT NULL, page TEXT NOT NULL, arm TEXT NOT NULL,
        events BIGINT NOT NULL, counted BIGINT NOT NULL, trace_id TEXT NOT NULL, started_ms BIGINT NOT NULL,
        PRIMARY KEY (bandit_id, page, session_id));
     ALTER TABLE bandit_arms ADD COLUMN page_views BIGINT NOT NULL DEFAULT 0;
     ALTER TABLE bandit_arms ADD COLUMN leads BIGINT NOT NULL DEFAULT 0;
     ALTER TABLE bandit_arms ADD COLUMN checkouts BIGINT NOT NULL DEFAULT 0;
     ALTER TABLE bandit_arms ADD COLUMN complaints BIGINT NOT NULL DEFAULT 0;
     ALTER TABLE runs ADD COLUMN bandit_id TEXT NOT NULL DEFAULT 'live';
     CREATE INDEX runs_by_slug ON runs (slug)",
];
