//! Base URLs: what one may be, and which may not stand beside each other.

use std::collections::BTreeMap;

use url::Url;

use super::super::error::ConfigError;
use super::super::{Policy, is_loopback};

/// Reads a base URL; a path in it gets a slash at its end.
pub(super) fn parse(text: &str) -> Result<Url, (String, String)> {
    let wrong = |message: String, hint: &str| Err((message, hint.to_owned()));
    let example = "write it as https://a1.example.com";
    if !(text.starts_with("https://") || text.starts_with("http://")) {
        return wrong(format!("{text:?} is no http or https URL"), example);
    }
    if text.bytes().any(|b| b.is_ascii_control() || b.is_ascii_whitespace() || b == b'\\') {
        return wrong(format!("{text:?} has a space, a backslash or a control character"), example);
    }
    let mut url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return wrong(format!("{text:?} is no URL: {error}"), example),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("has a user name or password".to_owned(), "keys go into environment variables");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong(format!("{text:?} has a query or fragment"), "end it after the host or path");
    }
    if url.port() == Some(0) {
        return wrong(format!("{text:?} has port 0"), "name the port that the app listens on");
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return wrong(format!("{text:?} is unencrypted"), "use https for hosts other than this machine");
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// All host:port pairs of a file.
#[derive(Debug, Default)]
pub(super) struct Hosts(BTreeMap<String, Vec<Use>>);

#[derive(Debug)]
struct Use {
    environment: String,
    policy: Option<Policy>,
    path: String,
    line: u64,
}

impl Hosts {
    pub(super) fn add(&mut self, environment: &str, policy: Option<Policy>, path: &str, line: u64, url: &Url) {
        let host = url.host_str().unwrap_or_default();
        let key = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        self.0.entry(key).or_default().push(Use {
            environment: environment.to_owned(),
            policy,
            path: path.to_owned(),
            line,
        });
    }

    /// Two apps of an environment on one host:port, or one host:port that may be written to here and not there.
    pub(super) fn clashes(&self) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        for (host, uses) in &self.0 {
            for (index, later) in uses.iter().enumerate() {
                let earlier = &uses[..index];
                if let Some(twin) = earlier.iter().find(|other| other.environment == later.environment) {
                    errors.push(later.wrong(
                        format!("{host} is already used by {} on line {}", twin.path, twin.line),
                        "give each app its own host and port",
                    ));
                } else if let Some(twin) = earlier.iter().find(|other| other.contradicts(later)) {
                    errors.push(later.wrong(
                        format!("{host} has another policy as {} on line {}", twin.path, twin.line),
                        "a read-only host must not be writable under another name",
                    ));
                }
            }
        }
        errors
    }
}

impl Use {
    fn contradicts(&self, other: &Self) -> bool {
        matches!((self.policy, other.policy), (Some(mine), Some(theirs)) if mine != theirs)
    }

    fn wrong(&self, message: String, hint: &str) -> ConfigError {
        ConfigError { line: self.line, path: self.path.clone(), message, hint: hint.to_owned() }
    }
}
