//! From a tree to environments: every key, type and value is checked, and all mistakes are collected.

mod base_url;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::error::{ConfigError, ConfigErrors};
use super::tree::{self, Node, Value};
use super::{Environment, HttpVersion, Labels, Limits, Policy, SecretNames, Tls, VUS_WITHOUT_APPROVAL, is_loopback};
use crate::ids::AppId;

/// Namespaces that the protocol knows for synthetic traffic.
const NAMESPACES: [&str; 2] = ["perf_test", "simulated_audit"];

/// Reads all environments or says everything that is wrong.
pub(super) fn targets(file: &str, text: &str) -> Result<BTreeMap<String, Environment>, ConfigErrors> {
    let mut reader = Reader { errors: Vec::new() };
    let environments = match tree::parse(text) {
        Ok(root) => reader.targets(&root),
        Err(error) => {
            reader.errors.push(error);
            BTreeMap::new()
        }
    };
    if reader.errors.is_empty() {
        return Ok(environments);
    }
    let mut errors = reader.errors;
    errors.sort_by_key(|error| error.line);
    Err(ConfigErrors { file: file.to_owned(), errors })
}

/// A node and the keys that lead to it.
#[derive(Debug, Clone)]
struct Field<'a> {
    path: String,
    node: &'a Node,
}

impl Field<'_> {
    fn child<'b>(&self, key: &str, node: &'b Node) -> Field<'b> {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Field { path, node }
    }
}

type Table<'a> = BTreeMap<&'a str, Field<'a>>;

struct Reader {
    errors: Vec<ConfigError>,
}

impl Reader {
    fn wrong(&mut self, at: &Field<'_>, message: impl Into<String>, hint: impl Into<String>) {
        self.errors.push(ConfigError {
            line: at.node.line,
            path: at.path.clone(),
            message: message.into(),
            hint: hint.into(),
        });
    }

    fn targets(&mut self, root: &Node) -> BTreeMap<String, Environment> {
        let root = Field { path: String::new(), node: root };
        let table = self.table(&root, Some(&["environments"]));
        let Some(all) = self.required(&root, &table, "environments") else { return BTreeMap::new() };
        let entries = self.table(&all, None);
        if entries.is_empty() && matches!(all.node.value, Value::Map(_)) {
            self.wrong(&all, "has no environment", "add at least `embedded`");
        }
        let mut hosts = base_url::Hosts::default();
        let mut environments = BTreeMap::new();
        for (name, field) in entries {
            if let Some(environment) = self.environment(name, &field, &mut hosts) {
                environments.insert(name.to_owned(), environment);
            }
        }
        self.errors.extend(hosts.clashes());
        environments
    }

    fn environment(&mut self, name: &str, at: &Field<'_>, hosts: &mut base_url::Hosts) -> Option<Environment> {
        if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            self.wrong(at, "is no name of an environment", "use lower-case letters, digits and underscores");
        }
        let table = self.table(at, Some(&["policy", "apps", "limits", "labels", "secrets", "tls", "http"]));
        let policy = self.required(at, &table, "policy").and_then(|field| self.policy(name, &field));
        let apps = self.required(at, &table, "apps").map(|field| self.apps(name, policy, &field, hosts));
        let limits = self.required(at, &table, "limits").and_then(|field| self.limits(&field));
        let labels = self.required(at, &table, "labels").and_then(|field| self.labels(&field));
        let secrets = table.get("secrets").map(|field| self.secrets(field)).unwrap_or_default();
        let tls = table.get("tls").map(|field| self.tls(field)).unwrap_or_default();
        let http = table.get("http").and_then(|field| self.http(field)).unwrap_or_default();
        Some(Environment {
            name: name.to_owned(),
            policy: policy?,
            apps: apps?,
            limits: limits?,
            labels: labels?,
            secrets,
            tls,
            http,
        })
    }

    fn policy(&mut self, name: &str, at: &Field<'_>) -> Option<Policy> {
        let policy = match self.text(at)? {
            "read_write" => Policy::ReadWrite,
            "read_only" => Policy::ReadOnly,
            other => {
                self.wrong(at, format!("{other:?} is no policy"), "use read_write or read_only");
                return None;
            }
        };
        let production =
            name.split('_').any(|word| matches!(word, "live" | "prd")) || name.to_ascii_lowercase().contains("prod");
        if production && policy == Policy::ReadWrite {
            self.wrong(at, "production must not be written to", "use read_only, or rename it if it is no production");
        }
        Some(policy)
    }

    fn apps(
        &mut self,
        environment: &str,
        policy: Option<Policy>,
        at: &Field<'_>,
        hosts: &mut base_url::Hosts,
    ) -> BTreeMap<AppId, url::Url> {
        let known = AppId::ALL.map(AppId::lower);
        let table = self.table(at, Some(&known));
        let mut apps = BTreeMap::new();
        for app in AppId::ALL {
            let Some(field) = self.required(at, &table, app.lower()) else { continue };
            let Some(text) = self.text(&field) else { continue };
            match base_url::parse(text) {
                Ok(url) if environment == "embedded" && !is_loopback(&url) => {
                    self.wrong(
                        &field,
                        format!("{url} is not on this machine"),
                        "embedded apps listen on 127.0.0.1; list other deployments as their own environment",
                    );
                }
                Ok(url) => {
                    hosts.add(environment, policy, &field.path, field.node.line, &url);
                    apps.insert(app, url);
                }
                Err((message, hint)) => self.wrong(&field, message, hint),
            }
        }
        apps
    }

    fn limits(&mut self, at: &Field<'_>) -> Option<Limits> {
        let table = self.table(at, Some(&["max_vus", "max_rate_per_s", "vus_without_approval"]));
        let max_vus = self.required(at, &table, "max_vus").and_then(|field| self.count(&field));
        let rate = self.required(at, &table, "max_rate_per_s").and_then(|field| self.rate(&field));
        let free = match table.get("vus_without_approval") {
            Some(field) => self.count(field).filter(|&free| {
                let fits = free <= VUS_WITHOUT_APPROVAL;
                if !fits {
                    let message = format!("{free} is above {VUS_WITHOUT_APPROVAL}");
                    self.wrong(field, message, "more needs an approval in every environment; lower it");
                }
                fits
            }),
            None => Some(VUS_WITHOUT_APPROVAL),
        };
        Some(Limits { max_vus: max_vus?, max_rate_per_s: rate?, vus_without_approval: free? })
    }

    fn labels(&mut self, at: &Field<'_>) -> Option<Labels> {
        let table = self.table(at, Some(&["namespace", "source", "tenant"]));
        let mut label = |key: &str| {
            let field = self.required(at, &table, key)?;
            let text = self.text(&field)?.to_owned();
            if !is_token(&text) {
                self.wrong(&field, "is no label", "use 1 to 64 letters, digits, dashes and underscores");
                return None;
            }
            Some((field, text))
        };
        let (namespace, source, tenant) = (label("namespace"), label("source"), label("tenant"));
        if let Some((field, text)) = namespace.as_ref().filter(|(_, text)| !NAMESPACES.contains(&text.as_str())) {
            let message = format!("{text:?} is no synthetic namespace");
            self.wrong(field, message, "use perf_test or simulated_audit");
        }
        if let Some((field, text)) = source.as_ref().filter(|(_, text)| text != "qa") {
            self.wrong(field, format!("{text:?} is no synthetic source"), "use qa");
        }
        Some(Labels { namespace: namespace?.1, source: source?.1, tenant: tenant?.1 })
    }

    fn secrets(&mut self, at: &Field<'_>) -> SecretNames {
        let table = self.table(at, Some(&["telemetry_key_env", "admin_key_env"]));
        let mut name = |key: &str| {
            let field = table.get(key)?;
            let text = self.text(field)?.to_owned();
            if !is_variable(&text) {
                // The text may be the secret itself: it is not repeated.
                let hint = "name a variable that starts with HANDSHAKE_; never write a key into this file";
                self.wrong(field, "is not the name of an environment variable", hint);
                return None;
            }
            Some(text)
        };
        SecretNames { telemetry_key_env: name("telemetry_key_env"), admin_key_env: name("admin_key_env") }
    }

    fn tls(&mut self, at: &Field<'_>) -> Tls {
        let table = self.table(at, Some(&["ca_file"]));
        Tls { ca_file: table.get("ca_file").and_then(|field| self.text(field)).map(PathBuf::from) }
    }

    fn http(&mut self, at: &Field<'_>) -> Option<HttpVersion> {
        match self.text(at)? {
            "http1" => Some(HttpVersion::Http1),
            "http2" => Some(HttpVersion::Http2),
            other => {
                self.wrong(at, format!("{other:?} is no protocol"), "use http1 (HTTP/1.1, the default) or http2");
                None
            }
        }
    }

    /// The entries of a table; with `known`, every other key is an error.
    fn table<'a>(&mut self, at: &Field<'a>, known: Option<&[&str]>) -> Table<'a> {
        let node: &'a Node = at.node;
        let Value::Map(entries) = &node.value else {
            let message = format!("is {} where a table is needed", at.node.value.kind());
            let keys = known.map_or_else(|| "names".to_owned(), |known| known.join(", "));
            self.wrong(at, message, format!("write it as keys below: {keys}"));
            return Table::new();
        };
        let mut table = Table::new();
        for (key, child) in entries {
            let field = at.child(key, child);
            match known {
                Some(known) if !known.contains(&key.as_str()) => {
                    self.wrong(&field, "is an unknown key", format!("known here: {}", known.join(", ")));
                }
                _ => {
                    table.insert(key, field);
                }
            }
        }
        table
    }

    fn required<'a>(&mut self, at: &Field<'_>, table: &Table<'a>, key: &str) -> Option<Field<'a>> {
        let found = table.get(key).cloned();
        if found.is_none() && matches!(at.node.value, Value::Map(_)) {
            self.wrong(&at.child(key, at.node), "is missing", format!("add `{key}:` here"));
        }
        found
    }

    fn text<'a>(&mut self, at: &Field<'a>) -> Option<&'a str> {
        let node: &'a Node = at.node;
        match &node.value {
            Value::Text(text) => Some(text),
            other => {
                self.wrong(at, format!("is {} where text is needed", other.kind()), "write text, in quotes if need be");
                None
            }
        }
    }

    fn count(&mut self, at: &Field<'_>) -> Option<u32> {
        let Value::Int(value) = at.node.value else {
            let message = format!("is {} where a whole number is needed", at.node.value.kind());
            self.wrong(at, message, "write a whole number, 1 or more");
            return None;
        };
        let count = u32::try_from(value).ok().filter(|&count| count > 0);
        if count.is_none() {
            self.wrong(at, format!("{value} is out of range"), "write a whole number, 1 or more");
        }
        count
    }

    fn rate(&mut self, at: &Field<'_>) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "rates are far below 2^53")]
        let rate = match at.node.value {
            Value::Int(value) => value as f64,
            Value::Float(value) => value,
            ref other => {
                let message = format!("is {} where a number is needed", other.kind());
                self.wrong(at, message, "write how many a second, above 0");
                return None;
            }
        };
        let fits = rate.is_finite() && rate > 0.0;
        if !fits {
            self.wrong(at, format!("{rate} is out of range"), "write how many a second, above 0");
        }
        fits.then_some(rate)
    }
}

fn is_token(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn is_variable(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    text.strip_prefix("HANDSHAKE_").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(fits))
}
