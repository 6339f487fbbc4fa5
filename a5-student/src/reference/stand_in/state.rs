//! What all handlers of the payment provider share.

use std::sync::Arc;

use common::ids::AppId;
use common::service::{Ctx, Db};
use tokio::sync::{Notify, watch};
use url::Url;
use uuid::Uuid;

/// The stand-in; cloning it is cheap.
#[derive(Clone)]
pub(super) struct StandIn(Arc<Inner>);

struct Inner {
    ctx: Ctx,
    secret_key: String,
    webhook_url: String,
    webhook_secret: String,
    page_base: String,
    wake: Notify,
    attempts: watch::Sender<u64>,
}

impl StandIn {
    pub(super) fn new(ctx: Ctx) -> Self {
        let option = |name: &str| ctx.config.options.get(name).cloned();
        let known = ctx.upstream.base(AppId::A5).map(Url::to_string);
        let base = known.unwrap_or_else(|| format!("http://{}", ctx.config.bind));
        let base = base.trim_end_matches('/');
        let page_base = option("payment_page_base").or_else(|| option("public_base_url"));
        Self(Arc::new(Inner {
            secret_key: option("stripe_secret_key").unwrap_or_else(|| "sk_test_embedded".to_owned()),
            webhook_url: format!("{base}/webhooks/stripe"),
            webhook_secret: option("stripe_webhook_secret").unwrap_or_else(|| "whsec_embedded".to_owned()),
            page_base: page_base.as_deref().unwrap_or(base).trim_end_matches('/').to_owned(),
            wake: Notify::new(),
            attempts: watch::Sender::new(0),
            ctx,
        }))
    }

    pub(super) fn ctx(&self) -> &Ctx {
        &self.0.ctx
    }

    pub(super) fn db(&self) -> &Db {
        &self.0.ctx.db
    }

    /// The one key that opens the API.
    pub(super) fn secret_key(&self) -> &str {
        &self.0.secret_key
    }

    /// The endpoint that is there from the start: its address and its secret.
    pub(super) fn own_endpoint(&self) -> (&str, &str) {
        (&self.0.webhook_url, &self.0.webhook_secret)
    }

    /// Where a browser pays a session.
    pub(super) fn page_of(&self, session_id: &str) -> String {
        format!("{}/pay/{session_id}", self.0.page_base)
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.0.ctx.clock.unix_ms()
    }

    /// Seconds since the epoch, as Stripe's objects state time.
    pub(super) fn now_s(&self) -> i64 {
        self.now_ms() / 1_000
    }

    /// Tells the worker that a delivery is due.
    pub(super) fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Ends when [`StandIn::wake`] was called.
    pub(super) async fn woken(&self) {
        self.0.wake.notified().await;
    }

    /// Tells whoever waits that a delivery was attempted.
    pub(super) fn attempted(&self) {
        self.0.attempts.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Changes whenever a delivery was attempted.
    pub(super) fn attempts(&self) -> watch::Receiver<u64> {
        self.0.attempts.subscribe()
    }
}

/// A fresh id with Stripe's prefix of its kind. Later ids are greater, so that lists page by them.
pub(super) fn fresh_id(prefix: &str) -> String {
    format!("{prefix}_{}", Uuid::now_v7().simple())
}
