//! What all handlers of A5 share.

use std::sync::Arc;

use common::ids::AppId;
use common::service::Ctx;
use tokio::sync::Notify;
use url::Url;

use super::crm::Crm;
use super::provider::Provider;
use super::stripe::Stripe;

/// The app; cloning it is cheap.
#[derive(Clone)]
pub(super) struct A5(Arc<Inner>);

struct Inner {
    ctx: Ctx,
    public_base: String,
    payment_page_origin: Option<String>,
    webhook_secret: String,
    provider: Provider,
    stripe: Stripe,
    crm: Crm,
    jobs_due: Notify,
}

impl A5 {
    pub(super) fn new(ctx: Ctx) -> Self {
        let known = ctx.upstream.base(AppId::A5).map(Url::to_string);
        let own_base = known.unwrap_or_else(|| format!("http://{}", ctx.config.bind));
        let own_base = own_base.trim_end_matches('/').to_owned();
        let option = |name: &str| ctx.config.options.get(name).cloned();
        let public_base = option("public_base_url").unwrap_or_else(|| own_base.clone());
        let public_base = public_base.trim_end_matches('/').to_owned();
        let payment_page = option("payment_page_base").unwrap_or_else(|| public_base.clone());
        let origin = |base: &str| Url::parse(base).ok().map(|url| url.origin().ascii_serialization());
        let payment_page_origin = origin(&payment_page).filter(|page| Some(page) != origin(&public_base).as_ref());
        Self(Arc::new(Inner {
            public_base,
            payment_page_origin,
            webhook_secret: option("stripe_webhook_secret").unwrap_or_else(|| "whsec_embedded".to_owned()),
            provider: Provider::of(&ctx),
            stripe: Stripe::of(&ctx, &own_base),
            crm: Crm::of(&ctx, &own_base),
            jobs_due: Notify::new(),
            ctx,
        }))
    }

    pub(super) fn ctx(&self) -> &Ctx {
        &self.0.ctx
    }

    /// A page's address, as browsers know it.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0.public_base)
    }

    /// Where forms with plan buttons lead besides our own pages.
    pub(super) fn payment_page_origin(&self) -> Option<&str> {
        self.0.payment_page_origin.as_deref()
    }

    pub(super) fn webhook_secret(&self) -> &str {
        &self.0.webhook_secret
    }

    pub(super) fn provider(&self) -> &Provider {
        &self.0.provider
    }

    pub(super) fn stripe(&self) -> &Stripe {
        &self.0.stripe
    }

    pub(super) fn crm(&self) -> &Crm {
        &self.0.crm
    }

    /// Rings when a job was added.
    pub(super) fn jobs_due(&self) -> &Notify {
        &self.0.jobs_due
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.0.ctx.clock.unix_ms()
    }
}
