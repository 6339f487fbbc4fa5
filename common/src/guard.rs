//! May this request leave? The one place that knows the policy, the allowed hosts, the labels and the load caps.
//!
//! A request needs a [`Permit`], and only a [`Guard`] makes one: code that sends takes a permit, not a URL.

mod path;
mod refusal;

use http::{HeaderName, Method};
use url::Url;

use crate::contract::header;
use crate::ids::AppId;
use crate::target::{Environment, Labels, Policy, SecretNames};

pub use refusal::Refusal;

/// Decides which requests may leave for one environment.
#[derive(Debug, Clone)]
pub struct Guard {
    environment: Environment,
}

impl Guard {
    /// Guards the way to an environment.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        Self { environment }
    }

    /// The environment behind the guard.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Permits a request to `path` (with its query, if any) below the base URL of `app`.
    ///
    /// # Errors
    /// A [`Refusal`] when the environment is only to be looked at and the method changes something, when it lacks the
    /// app, or when the path could lead elsewhere.
    pub fn permit(&self, app: AppId, method: &Method, path: &str) -> Result<Permit, Refusal> {
        let base = self
            .environment
            .base(app)
            .ok_or_else(|| Refusal::NoSuchApp { app, environment: self.environment.name().to_owned() })?;
        self.check_method(app, method, path)?;
        let url = path::join(base, path).map_err(|why| Refusal::Path { path: without_query(path), why })?;
        Ok(self.grant(app, method, url))
    }

    /// True if [`Guard::permit`] would permit a path of nothing but plain characters; decided without allocating. A path
    /// that is refused here may still be permitted there.
    #[must_use]
    pub fn permits_plain(&self, app: AppId, method: &Method, path: &str) -> bool {
        let may = !is_mutation(method) || self.environment.policy() == Policy::ReadWrite;
        may && *method != Method::CONNECT && self.environment.base(app).is_some() && path::is_plain(path)
    }

    /// Permits a request to an absolute URL, as from a redirect, if it lies below the base URL of one of the apps.
    /// A fragment is cut off: it is never sent.
    ///
    /// # Errors
    /// A [`Refusal`] when no app of the environment has this scheme, host, port and base path, or for the reasons of
    /// [`Guard::permit`].
    pub fn permit_url(&self, method: &Method, url: &Url) -> Result<Permit, Refusal> {
        let owner = self.environment.apps().iter().find(|(_, base)| path::is_below(base, url));
        let Some((&app, base)) = owner else {
            return Err(Refusal::Host { url: bare(url), environment: self.environment.name().to_owned() });
        };
        let relative = path::relative(base, url);
        self.permit(app, method, &relative)
    }

    /// Permits load of this size.
    ///
    /// # Errors
    /// [`Refusal::NeedsApproval`] above the environment's free virtual users (60 at most), another [`Refusal`] beyond its
    /// hard caps or when nothing is asked for.
    pub fn permit_load(&self, vus: u32, rate_per_s: f64) -> Result<LoadPermit, Refusal> {
        self.load(vus, rate_per_s, 0)
    }

    /// Permits load of this size under a person's approval.
    ///
    /// # Errors
    /// As [`Guard::permit_load`], with [`Refusal::NeedsApproval`] only above the approved virtual users. No approval lifts
    /// the environment's hard caps.
    pub fn permit_approved_load(
        &self,
        vus: u32,
        rate_per_s: f64,
        approved: &ApprovedVus,
    ) -> Result<LoadPermit, Refusal> {
        self.load(vus, rate_per_s, approved.max_vus)
    }

    fn load(&self, vus: u32, rate_per_s: f64, approved_vus: u32) -> Result<LoadPermit, Refusal> {
        let environment = self.environment.name().to_owned();
        let limits = self.environment.limits();
        if vus == 0 || !(rate_per_s > 0.0 && rate_per_s.is_finite()) {
            return Err(Refusal::NoLoad { vus, rate_per_s: rate_per_s.to_string() });
        }
        if vus > limits.max_vus {
            return Err(Refusal::TooManyVus { asked: vus, max: limits.max_vus, environment });
        }
        if rate_per_s > limits.max_rate_per_s {
            let (asked, max) = (rate_per_s.to_string(), limits.max_rate_per_s.to_string());
            return Err(Refusal::TooFast { asked, max, environment });
        }
        let free = limits.vus_without_approval.max(approved_vus);
        if vus > free {
            return Err(Refusal::NeedsApproval { asked: vus, free, environment });
        }
        Ok(LoadPermit { vus, rate_per_s })
    }

    fn check_method(&self, app: AppId, method: &Method, path: &str) -> Result<(), Refusal> {
        if method == Method::CONNECT {
            return Err(Refusal::Tunnel { app });
        }
        if is_mutation(method) && self.environment.policy() == Policy::ReadOnly {
            return Err(Refusal::ReadOnly {
                environment: self.environment.name().to_owned(),
                app,
                method: method.to_string(),
                path: without_query(path),
            });
        }
        Ok(())
    }

    fn grant(&self, app: AppId, method: &Method, url: Url) -> Permit {
        Permit {
            app,
            method: method.clone(),
            url,
            labels: self.environment.labels().clone(),
            secrets: self.environment.secrets().clone(),
        }
    }
}

/// True for every method except GET, HEAD and OPTIONS.
#[must_use]
pub fn is_mutation(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Leave for one request. Only a [`Guard`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    app: AppId,
    method: Method,
    url: Url,
    labels: Labels,
    secrets: SecretNames,
}

impl Permit {
    /// The app that is asked.
    #[must_use]
    pub fn app(&self) -> AppId {
        self.app
    }

    /// The method that was permitted.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Where the request goes.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Host and port to connect to and to name in `Host`, `a1.example.com` or `127.0.0.1:7101`.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.url.authority()
    }

    /// Path and query, as the request line has them.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.url[url::Position::BeforePath..url::Position::AfterQuery]
    }

    /// What to stamp on the request.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Names of the environment variables that hold the keys of the environment.
    #[must_use]
    pub fn secrets(&self) -> &SecretNames {
        &self.secrets
    }

    /// Refuses headers that would make a different request of the permitted one (another host, another method, other
    /// framing) or take the synthetic labels off it.
    ///
    /// # Errors
    /// [`Refusal::Header`] for such a header.
    pub fn check_header(&self, name: &HeaderName) -> Result<(), Refusal> {
        if MISLEADING_HEADERS.contains(&name.as_str()) {
            return Err(Refusal::Header { name: name.to_string(), app: self.app });
        }
        Ok(())
    }
}

/// Headers by which a server may take a request for another one, or for real traffic.
const MISLEADING_HEADERS: [&str; 19] = [
    header::TEST_RUN,
    header::SOURCE,
    header::NAMESPACE,
    "connection",
    "content-length",
    "forwarded",
    "host",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-host",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-real-host",
    "x-rewrite-url",
];

/// A person's leave for more virtual users than are free. Only the approval gate makes one, from a verified decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedVus {
    max_vus: u32,
}

impl ApprovedVus {
    pub(crate) fn new(max_vus: u32) -> Self {
        Self { max_vus }
    }

    /// The most virtual users that were approved.
    #[must_use]
    pub fn max_vus(&self) -> u32 {
        self.max_vus
    }
}

/// Leave for load. Only a [`Guard`] makes one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadPermit {
    vus: u32,
    rate_per_s: f64,
}

impl LoadPermit {
    /// The most virtual users at a time.
    #[must_use]
    pub fn vus(&self) -> u32 {
        self.vus
    }

    /// The most requests or iterations a second.
    #[must_use]
    pub fn rate_per_s(&self) -> f64 {
        self.rate_per_s
    }
}

/// The path alone: a query may hold what must not be shown.
fn without_query(path: &str) -> String {
    path.split(['?', '#']).next().unwrap_or_default().chars().take(200).collect()
}

/// A URL without user, query and fragment, to show.
fn bare(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    let hidden = shown.set_username("").is_err() | shown.set_password(None).is_err();
    if hidden { format!("{}: …", url.scheme()) } else { shown.to_string() }
}

#[cfg(test)]
mod tests;
