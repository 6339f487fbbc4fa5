//! What all handlers of A5 share.

use std::sync::Arc;

use common::ids::AppId;
use common::service::Ctx;
use url::Url;

use super::provider::Provider;

/// The app; cloning it is cheap.
#[derive(Clone)]
pub(super) struct A5(Arc<Inner>);

struct Inner {
    ctx: Ctx,
    base: String,
    provider: Provider,
}

impl A5 {
    pub(super) fn new(ctx: Ctx) -> Self {
        let known = ctx.upstream.base(AppId::A5).map(Url::to_string);
        let base = known.unwrap_or_else(|| format!("http://{}", ctx.config.bind));
        let provider = Provider::of(&ctx);
        Self(Arc::new(Inner { base: base.trim_end_matches('/').to_owned(), provider, ctx }))
    }

    pub(super) fn ctx(&self) -> &Ctx {
        &self.0.ctx
    }

    /// A page's address, as browsers know it.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0.base)
    }

    pub(super) fn provider(&self) -> &Provider {
        &self.0.provider
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.0.ctx.clock.unix_ms()
    }
}
