//! The registered clients: who may ask for tokens, how they prove it, where codes may be sent.

use std::collections::BTreeMap;

use common::ids::AppId;
use common::service::{AppConfig, Defect};
use url::Url;

use super::secret;

/// A registered client.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) id: String,
    /// What people call it.
    pub(super) title: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    /// A web app that signs people in; it proves itself by PKCE.
    Public { redirects: Vec<Redirect>, after_logout: Vec<String>, by_prefix: bool },
    /// A service that asks for tokens for itself.
    Service { secret_digest: String },
}

#[derive(Debug, Clone)]
enum Redirect {
    /// This very text.
    Exact(String),
    /// This path on a loopback address, at whatever port (RFC 8252, 7.3).
    Loopback(&'static str),
}

impl Client {
    /// True if codes may be sent there.
    pub(super) fn allows_redirect(&self, uri: &str) -> bool {
        let Kind::Public { redirects, by_prefix, .. } = &self.kind else { return false };
        let fits = |uri: &str| {
            redirects.iter().any(|redirect| match redirect {
                Redirect::Exact(own) => own == uri,
                Redirect::Loopback(path) => is_loopback(uri, path),
            })
        };
        fits(uri) || (*by_prefix && uri.char_indices().any(|(end, _)| fits(&uri[..end])))
    }

    /// True if people may be sent there after they signed out.
    pub(super) fn allows_after_logout(&self, uri: &str) -> bool {
        matches!(&self.kind, Kind::Public { after_logout, .. } if after_logout.iter().any(|own| own == uri))
    }

    /// True if the client may sign people in.
    pub(super) fn is_public(&self) -> bool {
        matches!(self.kind, Kind::Public { .. })
    }

    /// True if this is the secret of this service.
    pub(super) fn has_secret(&self, given: &str) -> bool {
        matches!(&self.kind, Kind::Service { secret_digest } if secret::same(secret_digest, &secret::digest(given)))
    }
}

fn is_loopback(uri: &str, path: &str) -> bool {
    let host_and_path = uri.strip_prefix("http://127.0.0.1").or_else(|| uri.strip_prefix("http://[::1]"));
    let Some(rest) = host_and_path else { return false };
    match rest.strip_prefix(':') {
        None => rest == path,
        Some(rest) => {
            let port = rest.strip_suffix(path).unwrap_or_default();
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        }
    }
}

/// All registered clients.
#[derive(Debug)]
pub(super) struct Registry(BTreeMap<String, Client>);

impl Registry {
    /// The clients of this deployment. Outside the embedded ecosystem a service exists only if the option
    /// `client_secret.<id>` gives its secret, and the loopback client does not exist.
    /// `students` are the addresses of the student's app.
    pub(super) fn of(config: &AppConfig, students: &[Url]) -> Self {
        let embedded = config.env == "embedded";
        let by_prefix = config.defects.contains(&Defect::A1RedirectPrefix);
        let mut clients = Vec::new();
        if !students.is_empty() {
            clients.push(student_app(students, by_prefix));
        }
        if embedded {
            let redirects = vec![Redirect::Loopback("/callback")];
            clients.push(Client {
                id: "harness".into(),
                title: "the readiness harness".into(),
                kind: Kind::Public { redirects, after_logout: Vec::new(), by_prefix },
            });
        }
        let apps = AppId::ALL.into_iter().skip(1).map(|app| app.lower().to_owned());
        for id in apps.chain(["harness-service".to_owned()]) {
            let configured = config.options.get(&format!("client_secret.{id}")).cloned();
            let secret = configured.or_else(|| embedded.then(|| format!("embedded-secret-{id}")));
            if let Some(secret) = secret {
                let kind = Kind::Service { secret_digest: secret::digest(&secret) };
                clients.push(Client { title: id.clone(), id, kind });
            }
        }
        Self(clients.into_iter().map(|client| (client.id.clone(), client)).collect())
    }

    pub(super) fn find(&self, id: &str) -> Option<&Client> {
        self.0.get(id)
    }
}

fn student_app(bases: &[Url], by_prefix: bool) -> Client {
    let at = |path: &str| bases.iter().filter_map(|base| base.join(path).ok()).map(String::from).collect::<Vec<_>>();
    let kind = Kind::Public {
        redirects: at("/auth/callback").into_iter().map(Redirect::Exact).collect(),
        after_logout: [at("/"), at("/signed-out")].concat(),
        by_prefix,
    };
    Client { id: "a5-student".into(), title: "Scholar for students".into(), kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_go_back_to_the_student_app_wherever_it_is_found_and_nowhere_near_it() {
        let bases = ["http://a5.localhost:7105/", "http://127.0.0.1:7105/"].map(|base| base.parse().unwrap());
        let app = student_app(&bases, false);
        for host in ["a5.localhost", "127.0.0.1"] {
            assert!(app.allows_redirect(&format!("http://{host}:7105/auth/callback")), "{host}");
            assert!(app.allows_after_logout(&format!("http://{host}:7105/signed-out")), "{host}");
        }
        assert!(!app.allows_redirect("http://a5.localhost:7105/auth/callback/"));
        assert!(!app.allows_redirect("http://a5.localhost:7106/auth/callback"));
        let careless = student_app(&bases, true);
        assert!(careless.allows_redirect("http://a5.localhost:7105/auth/callback/more"), "the defect");
        assert!(!careless.allows_redirect("http://evil.test/auth/callback"));
    }

    #[test]
    fn only_the_loopback_client_may_choose_its_port_and_nothing_else() {
        for good in ["http://127.0.0.1/callback", "http://127.0.0.1:49152/callback", "http://[::1]:1/callback"] {
            assert!(is_loopback(good, "/callback"), "{good}");
        }
        for bad in [
            "http://127.0.0.1.evil.test/callback",
            "http://127.0.0.1:80@evil.test/callback",
            "https://127.0.0.1/callback",
            "http://127.0.0.1:49152/callback/",
            "http://127.0.0.1:49152/callback?x=1",
            "http://127.0.0.1:/callback",
            "http://localhost/callback",
        ] {
            assert!(!is_loopback(bad, "/callback"), "{bad}");
        }
    }
}
