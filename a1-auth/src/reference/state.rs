//! What all handlers of A1 share.

use std::sync::{Arc, PoisonError, RwLock};

use common::ids::AppId;
use common::service::{Ctx, Defect, Problem};
use tokio::sync::{OnceCell, Semaphore};
use url::Url;

use super::accounts;
use super::clients::Registry;
use super::keys::{KeyError, KeySet};
use super::rate::LoginRate;

/// How many passwords are hashed at a time: each takes a core and 7 MiB.
const HASHING_AT_A_TIME: usize = 2;

/// The provider; cloning it is cheap.
#[derive(Clone)]
pub(super) struct A1(Arc<Inner>);

struct Inner {
    ctx: Ctx,
    issuer: String,
    /// Where browsers find the student's app.
    home: Option<Url>,
    clients: Registry,
    keys: RwLock<Arc<KeySet>>,
    started: OnceCell<()>,
    hashing: Arc<Semaphore>,
    rate: LoginRate,
}

impl A1 {
    pub(super) fn new(ctx: Ctx) -> Self {
        let issuer = issuer(&ctx);
        let students = students(&ctx);
        let clients = Registry::of(&ctx.config, &students);
        let home = students.into_iter().next();
        Self(Arc::new(Inner {
            ctx,
            issuer,
            home,
            clients,
            keys: RwLock::new(Arc::new(KeySet::none())),
            started: OnceCell::new(),
            hashing: Arc::new(Semaphore::new(HASHING_AT_A_TIME)),
            rate: LoginRate::default(),
        }))
    }

    pub(super) fn ctx(&self) -> &Ctx {
        &self.0.ctx
    }

    /// The issuer, without a trailing slash.
    pub(super) fn issuer(&self) -> &str {
        &self.0.issuer
    }

    pub(super) fn clients(&self) -> &Registry {
        &self.0.clients
    }

    pub(super) fn rate(&self) -> &LoginRate {
        &self.0.rate
    }

    /// Seconds to wait before this account may try another password; `None` if it may.
    pub(super) fn login_wait_s(&self, account: &str) -> Option<u32> {
        let wait_s = self.0.rate.wait_s(account, self.now_ms());
        wait_s.filter(|_| !self.0.ctx.has(Defect::A1LoginUnlimited))
    }

    pub(super) fn hashing(&self) -> Arc<Semaphore> {
        Arc::clone(&self.0.hashing)
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.0.ctx.clock.unix_ms()
    }

    /// Loads the keys and, in the embedded ecosystem, makes the test account; does so once.
    pub(super) async fn start(&self) -> Result<(), KeyError> {
        let work = || async {
            let keys = KeySet::load(&self.0.ctx.db, self.now_ms()).await?;
            self.set_keys(keys);
            if self.0.ctx.config.env == "embedded" {
                accounts::make_test_account(self).await?;
            }
            Ok(())
        };
        self.0.started.get_or_try_init(work).await.copied()
    }

    /// The keys; loads them if that has not happened yet.
    pub(super) async fn keys(&self) -> Result<Arc<KeySet>, Problem> {
        self.start().await.map_err(|error| {
            tracing::error!(%error, "no signing key");
            Problem::unavailable("the provider has no signing key at the moment: try again")
        })?;
        Ok(Arc::clone(&self.0.keys.read().unwrap_or_else(PoisonError::into_inner)))
    }

    pub(super) fn set_keys(&self, keys: KeySet) {
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Where a person goes who came from nowhere: the student's app.
    pub(super) fn home(&self) -> Option<Url> {
        self.0.home.as_ref()?.join("/login").ok()
    }
}

/// The option `issuer`, else `public_base_url` (where browsers find the provider); else the address under which other
/// apps know it; else where it listens.
fn issuer(ctx: &Ctx) -> String {
    let option = |name: &str| ctx.config.options.get(name).cloned();
    let known = || ctx.upstream.base(AppId::A1).map(Url::to_string);
    let own = || format!("http://{}", ctx.config.bind);
    let issuer = option("issuer").or_else(|| option("public_base_url")).or_else(known).unwrap_or_else(own);
    issuer.trim_end_matches('/').to_owned()
}

/// Where the student's app is: first where browsers find it (the option `student_base_url`), then where apps do.
fn students(ctx: &Ctx) -> Vec<Url> {
    let public = ctx.config.options.get("student_base_url").and_then(|text| match text.parse() {
        Ok(url) => Some(url),
        Err(error) => {
            tracing::error!(%error, "the option student_base_url is no URL and is left out");
            None
        }
    });
    let mut bases: Vec<Url> = public.into_iter().chain(ctx.upstream.base(AppId::A5).cloned()).collect();
    bases.dedup();
    bases
}
