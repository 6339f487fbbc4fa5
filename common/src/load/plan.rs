//! A scenario made ready to run: guarded, resolved and compiled once, before the first request.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::guard::{Guard, Permit};
use crate::ids::AppId;
use crate::scenario::{
    Aggregate, BodyTemplate, Executor, FeederMode, Record, Scenario, Step, StreamKind, ThresholdExpression,
    ThresholdMetric,
};
use crate::target::HttpVersion;
use crate::units::Micros;

use super::judge::Checks;
use super::report::ErrorKind;
use super::schedule::Pile;
use super::stream::Wanted;
use super::template::{Escape, Template};
use super::transport::{Fault, Route, Trust};
use super::wire::{BodyPlan, PathPlan, Wire};
use super::{LoadError, LoadOptions};

/// Everything that workers share, read-only.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) scenario: Scenario,
    pub(crate) guard: Guard,
    pub(crate) origins: Vec<Origin>,
    trust: Option<Trust>,
    http: HttpVersion,
    pub(crate) steps: Vec<PlannedStep>,
    pub(crate) records: Vec<Record>,
    /// An iteration is more than one request: cookies matter, and whole journeys are kept.
    pub(crate) is_journey: bool,
    pub(crate) journeys: usize,
    pub(crate) warm_up: Duration,
    /// Warm-up and duration.
    pub(crate) total: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) drain: Duration,
    pub(crate) graceful_stop: Duration,
    pub(crate) stop_grace: Duration,
    /// The least time between two starts of a user that is not paced, so that the permitted rate holds.
    pub(crate) least_interval: Duration,
    pub(crate) threads: u32,
    pub(crate) keep_acknowledged: bool,
    /// Iterations that threads share, and numbers for those without a schedule.
    pub(crate) pile: Pile,
    #[cfg(test)]
    pub(crate) before_iteration: Option<fn(u64)>,
}

/// A place that connections go to.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) app: AppId,
    pub(crate) authority: String,
    pub(crate) tls: bool,
    /// No step goes there, but a redirect may: nothing is opened or asked for in advance.
    pub(crate) stand_by: bool,
    pub(crate) host: String,
    port: u16,
    pub(crate) addresses: Vec<SocketAddr>,
}

/// A step, compiled.
#[derive(Debug)]
pub(crate) struct PlannedStep {
    pub(crate) name: String,
    pub(crate) app: AppId,
    pub(crate) route: String,
    pub(crate) origin: usize,
    pub(crate) wire: Wire,
    pub(crate) checks: Checks,
    pub(crate) reads_body: bool,
    pub(crate) follow_redirects: u8,
    pub(crate) limits_us: Vec<u64>,
    /// What a stream is judged by, if the answer is one.
    pub(crate) stream: Option<Wanted>,
    pub(crate) think_time: Duration,
}

impl Plan {
    pub(crate) fn new(scenario: &Scenario, guard: &Guard, options: &LoadOptions) -> Result<Self, LoadError> {
        scenario.validate()?;
        options.check(scenario)?;
        let least_interval = permit_load(scenario, guard, options)?;
        let mut origins = Vec::new();
        let steps = scenario.steps.iter().map(|step| plan_step(scenario, step, guard, options, &mut origins));
        let steps = steps.collect::<Result<Vec<_>, _>>()?;
        check_records(scenario, &options.records)?;
        stand_by(&mut origins, scenario, guard)?;
        let follows = scenario.steps.iter().any(|step| step.follow_redirects > 0);
        Ok(Self {
            is_journey: scenario.steps.len() > 1 || follows,
            scenario: scenario.clone(),
            guard: guard.clone(),
            origins,
            trust: Trust::of(guard.environment())?,
            http: guard.environment().http(),
            steps,
            records: options.records.clone(),
            journeys: options.journeys,
            warm_up: options.warm_up,
            total: options.warm_up + scenario.executor.duration(),
            request_timeout: options.request_timeout,
            drain: options.drain,
            graceful_stop: options.graceful_stop,
            stop_grace: options.stop_grace,
            least_interval,
            keep_acknowledged: options.keep_acknowledged,
            pile: Pile::of(shared_iterations(&scenario.executor)),
            threads: options.threads.clamp(1, scenario.executor.max_vus().max(1)),
            #[cfg(test)]
            before_iteration: options.before_iteration,
        })
    }

    /// The way to an origin.
    pub(crate) fn route(&self, origin: usize) -> Route<'_> {
        let Origin { tls, host, addresses, .. } = &self.origins[origin];
        let tls = self.trust.as_ref().filter(|_| *tls).map(|trust| (trust, host.as_str()));
        Route { addresses, tls, version: self.http }
    }

    /// Looks up the addresses of all origins.
    pub(crate) async fn resolve(&mut self) -> Result<(), LoadError> {
        for origin in &mut self.origins {
            let looked_up = tokio::net::lookup_host((origin.host.as_str(), origin.port)).await;
            if origin.stand_by && looked_up.is_err() {
                continue; // a redirect that leads there fails to connect, and says so
            }
            origin.addresses = looked_up
                .map_err(|error| origin.unreachable(Fault::new(ErrorKind::Connect, error.to_string())))?
                .collect();
        }
        Ok(())
    }
}

impl Origin {
    pub(crate) fn unreachable(&self, fault: Fault) -> LoadError {
        let (app, authority, why) = (self.app, self.authority.clone(), fault.detail);
        match fault.kind {
            ErrorKind::Tls => LoadError::Tls { app, authority, why },
            _ => LoadError::Unreachable { app, authority, why },
        }
    }
}

/// Asks for leave and returns the least interval of users that are not paced.
fn permit_load(scenario: &Scenario, guard: &Guard, options: &LoadOptions) -> Result<Duration, LoadError> {
    let executor = &scenario.executor;
    let steps: f64 = scenario.steps.iter().map(|step| 1.0 + f64::from(step.follow_redirects)).sum();
    let most = guard.environment().limits().max_rate_per_s;
    let rate = executor.rate_per_s().map_or(most, |rate| rate * steps);
    let permit = match &options.approved {
        Some(approved) => guard.permit_approved_load(executor.max_vus(), rate, approved)?,
        None => guard.permit_load(executor.max_vus(), rate)?,
    };
    Ok(Duration::from_secs_f64(f64::from(permit.vus()) * steps / permit.rate_per_s()))
}

fn shared_iterations(executor: &Executor) -> u64 {
    match executor {
        Executor::SharedIterations { iterations, .. } => *iterations,
        _ => 0,
    }
}

/// Adds the apps that a redirect may lead to.
fn stand_by(origins: &mut Vec<Origin>, scenario: &Scenario, guard: &Guard) -> Result<(), LoadError> {
    if scenario.steps.iter().all(|step| step.follow_redirects == 0) {
        return Ok(());
    }
    for app in guard.environment().apps().keys() {
        let steps_go_to = origins.len();
        let permit = guard.permit(*app, &Method::GET, "/")?;
        let at = origin_of(&permit, *app, origins);
        origins[at].stand_by |= at >= steps_go_to;
    }
    Ok(())
}

fn check_records(scenario: &Scenario, records: &[Record]) -> Result<(), LoadError> {
    let Some(feeder) = &scenario.feeder else { return Ok(()) };
    if records.is_empty() {
        return Err(LoadError::Data(format!("the feeder reads {:?}, and no records were given", feeder.source)));
    }
    let users = usize::try_from(scenario.executor.max_vus()).unwrap_or(usize::MAX);
    if feeder.mode == FeederMode::PerVu && records.len() < users {
        let (have, source) = (records.len(), &feeder.source);
        return Err(LoadError::Data(format!(
            "{source:?} has {have} records for {users} users, and each needs its own"
        )));
    }
    for (at, record) in records.iter().enumerate() {
        if let Some(missing) = feeder.fields.iter().find(|field| !record.contains_key(*field)) {
            return Err(LoadError::Data(format!("record {} of {:?} has no field {missing:?}", at + 1, feeder.source)));
        }
    }
    Ok(())
}

fn plan_step(
    scenario: &Scenario,
    step: &Step,
    guard: &Guard,
    options: &LoadOptions,
    origins: &mut Vec<Origin>,
) -> Result<PlannedStep, LoadError> {
    let broken = |what: String| LoadError::Request { step: step.name.clone(), what };
    let app = scenario.app_of(step);
    let method = Method::from_bytes(step.request.method.as_bytes()).map_err(|error| broken(error.to_string()))?;
    let path = Template::compile(&step.request.path, Escape::Percent).map_err(broken)?;
    let fixed = path.fixed();
    let permit = guard.permit(app, &method, fixed.as_deref().unwrap_or("/"))?;
    let path = match fixed {
        Some(_) => PathPlan::Fixed(permit.path_and_query().to_owned()),
        None => {
            let prefix = permit.path_and_query().trim_end_matches('/').to_owned();
            PathPlan::Filled { app, template: path, prefix }
        }
    };
    let (headers, filled_headers) = plan_headers(step, &permit).map_err(|error| match error {
        HeaderFault::Refused(refusal) => LoadError::Refused(refusal),
        HeaderFault::Broken(what) => broken(what),
    })?;
    let checks = Checks::compile(step).map_err(broken)?;
    Ok(PlannedStep {
        name: step.name.clone(),
        app,
        route: step.route_name(),
        origin: origin_of(&permit, app, origins),
        wire: Wire::new(method, path, &headers, filled_headers, plan_body(step.request.body.as_ref()).map_err(broken)?),
        reads_body: checks.reads_body(),
        checks,
        follow_redirects: step.follow_redirects,
        limits_us: limits_of(scenario, step, options),
        stream: stream_of(step),
        think_time: Duration::from_millis(step.think_time_ms),
    })
}

fn origin_of(permit: &Permit, app: AppId, origins: &mut Vec<Origin>) -> usize {
    if let Some(at) = origins.iter().position(|origin| origin.app == app) {
        return at;
    }
    let url = permit.url();
    origins.push(Origin {
        app,
        authority: permit.authority().to_owned(),
        tls: url.scheme() == "https",
        stand_by: false,
        host: url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned(),
        port: url.port_or_known_default().unwrap_or(80),
        addresses: Vec::new(),
    });
    origins.len() - 1
}

enum HeaderFault {
    Refused(crate::guard::Refusal),
    Broken(String),
}

type Headers = (HeaderMap, Vec<(HeaderName, Template)>);

fn plan_headers(step: &Step, permit: &Permit) -> Result<Headers, HeaderFault> {
    let broken = |error: &dyn std::fmt::Display| HeaderFault::Broken(format!("header: {error}"));
    let value = |text: &str| HeaderValue::from_str(text).map_err(|error| broken(&error));
    let mut fixed = HeaderMap::new();
    let mut filled = Vec::new();
    fixed.insert(http::header::HOST, value(permit.authority())?);
    if let Some(body) = &step.request.body {
        fixed.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(body.content_type()));
    }
    for (name, text) in &step.request.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| broken(&error))?;
        permit.check_header(&name).map_err(HeaderFault::Refused)?;
        let template = Template::compile(text, Escape::None).map_err(HeaderFault::Broken)?;
        match template.fixed() {
            Some(text) => {
                fixed.insert(name, value(&text)?);
            }
            None => {
                fixed.remove(&name);
                filled.push((name, template));
            }
        }
    }
    for (name, text) in permit.labels().headers() {
        fixed.insert(HeaderName::from_static(name), value(text)?);
        filled.retain(|(own, _)| own != name);
    }
    Ok((fixed, filled))
}

fn plan_body(body: Option<&BodyTemplate>) -> Result<BodyPlan, String> {
    let template = match body {
        None => return Ok(BodyPlan::Fixed(Bytes::new())),
        Some(BodyTemplate::Json(value)) => Template::compile(&value.to_string(), Escape::Json)?,
        Some(BodyTemplate::Text(text)) => Template::compile(text, Escape::None)?,
        Some(BodyTemplate::Form(fields)) => Template::form(fields)?,
    };
    Ok(template.fixed().map_or_else(|| BodyPlan::Filled(template), |text| BodyPlan::Fixed(Bytes::from(text))))
}

fn stream_of(step: &Step) -> Option<Wanted> {
    let usage = match &step.request.body {
        Some(BodyTemplate::Json(body)) => body.pointer("/stream_options/include_usage") == Some(&true.into()),
        _ => false,
    };
    step.stream.map(|StreamKind::Sse| Wanted { rules: step.stream_rules, usage })
}

/// The limits that exact counters are kept for: those of the options, and those of the scenario's thresholds.
fn limits_of(scenario: &Scenario, step: &Step, options: &LoadOptions) -> Vec<u64> {
    let own = options.step_limits.get(&step.name).into_iter().flatten();
    let mut limits: Vec<u64> = options.limits.iter().chain(own).map(|limit: &Micros| limit.0).collect();
    for (metric, expressions) in &scenario.thresholds {
        let Ok(metric) = ThresholdMetric::parse(metric) else { continue };
        let concerns = metric.step.as_ref().is_none_or(|name| *name == step.name);
        if metric.metric == "http_req_duration" && concerns {
            limits.extend(expressions.iter().filter_map(|threshold| limit_of(threshold.expression())));
        }
    }
    limits.sort_unstable();
    limits.dedup();
    limits
}

fn limit_of(expression: &str) -> Option<u64> {
    let expression = ThresholdExpression::parse(expression).ok()?;
    let quantile = matches!(expression.aggregate, Aggregate::Percentile(_) | Aggregate::Med);
    let seconds =
        (quantile && !expression.relative && expression.limit >= 0.0).then_some(expression.limit / 1_000.0)?;
    Duration::try_from_secs_f64(seconds).ok().map(|limit| Micros::from(limit).0)
}
