//! What an embedded app learns once everybody has a port: where the others are, where browsers find whom, and which third
//! parties stand behind it.

use std::collections::BTreeMap;

use common::ids::AppId;
use common::settings::{SettingError, Settings};
use serde::{Deserialize, Serialize};
use url::Url;

/// Sent to each child after all have bound their ports.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Wiring {
    pub(super) upstreams: BTreeMap<AppId, Url>,
    pub(super) options: BTreeMap<String, String>,
}

/// Variables that name a third party or the key to it, with the app and the option they set.
const THIRD_PARTIES: [(&str, AppId, &str); 9] = [
    ("HANDSHAKE_EMAIL_BASE_URL", AppId::A3, "email_base_url"),
    ("HANDSHAKE_EMAIL_API_KEY", AppId::A3, "email_api_key"),
    ("HANDSHAKE_AUTO_COM_BASE_URL", AppId::A3, "auto_com_base_url"),
    ("HANDSHAKE_LLM_BASE_URL", AppId::A4, "llm_base_url"),
    ("HANDSHAKE_LLM_API_KEY", AppId::A4, "llm_api_key"),
    ("HANDSHAKE_STRIPE_BASE_URL", AppId::A5, "stripe_base_url"),
    ("HANDSHAKE_STRIPE_SECRET_KEY", AppId::A5, "stripe_secret_key"),
    ("HANDSHAKE_STRIPE_WEBHOOK_SECRET", AppId::A5, "stripe_webhook_secret"),
    ("HANDSHAKE_CRM_BASE_URL", AppId::A5, "crm_base_url"),
];

/// The real third parties that the environment names for an app; the stand-ins serve where it names none.
pub(super) fn third_parties(settings: &Settings, app: AppId) -> Result<BTreeMap<String, String>, SettingError> {
    let own = THIRD_PARTIES.iter().filter(|(_, of, _)| *of == app);
    let mut options = BTreeMap::new();
    for (variable, _, option) in own {
        if variable.ends_with("_BASE_URL") {
            settings.parsed::<Url>(variable, "an http or https URL")?;
        }
        if let Some(value) = settings.secret(variable)? {
            options.insert((*option).to_owned(), value.expose().to_owned());
        }
    }
    // A key without an address is meant for the party itself.
    let is_stripe = options.get("stripe_secret_key").is_some_and(|key| key.starts_with("sk_test_"));
    if is_stripe && !options.contains_key("stripe_base_url") {
        options.insert("stripe_base_url".to_owned(), "https://api.stripe.com".to_owned());
    }
    Ok(options)
}

/// Where a browser finds an app that people use, on a host of its own: browsers do not keep cookies apart by port.
pub(super) fn host_of_its_own(app: AppId, base: &Url) -> Url {
    let mut url = base.clone();
    if matches!(app, AppId::A1 | AppId::A5 | AppId::A7) {
        // A name below `localhost` is always this machine.
        let _ = url.set_host(Some(&format!("{}.localhost", app.lower())));
    }
    url
}

/// What an app must know when each has a host of its own.
pub(super) fn hosts_apart(app: AppId, bases: &BTreeMap<AppId, Url>) -> BTreeMap<String, String> {
    let public = |of: AppId| bases.get(&of).map(|base| host_of_its_own(of, base));
    let text = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
    let mut options = BTreeMap::new();
    let mut set = |name: &str, url: Option<Url>| {
        if let Some(url) = url {
            options.insert(name.to_owned(), text(&url));
        }
    };
    match app {
        AppId::A1 => {
            set("issuer", public(AppId::A1));
            set("student_base_url", public(AppId::A5));
        }
        AppId::A5 => {
            set("issuer", public(AppId::A1));
            set("public_base_url", public(AppId::A5));
            let mut page = public(AppId::A5);
            if let Some(url) = page.as_mut() {
                let _ = url.set_host(Some("stripe.localhost"));
            }
            set("payment_page_base", page);
        }
        AppId::A7 => {
            set("public_base_url", public(AppId::A7));
            set("student_base_url", public(AppId::A5));
        }
        _ => {}
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_find_each_app_on_a_host_of_its_own_at_the_same_port() {
        let base: Url = "http://127.0.0.1:7105/".parse().unwrap();
        assert_eq!(host_of_its_own(AppId::A5, &base).as_str(), "http://a5.localhost:7105/");
        assert_eq!(host_of_its_own(AppId::A2, &base).as_str(), "http://127.0.0.1:7105/");
        let bases = AppId::ALL.into_iter().map(|app| (app, base.clone())).collect();
        assert_eq!(hosts_apart(AppId::A5, &bases)["payment_page_base"], "http://stripe.localhost:7105");
        assert_eq!(hosts_apart(AppId::A1, &bases)["issuer"], "http://a1.localhost:7105");
    }

    #[test]
    fn an_address_that_is_none_is_told_before_anything_starts() {
        let error = third_parties(&Settings::of([("HANDSHAKE_STRIPE_BASE_URL", "nonsense")]), AppId::A5).unwrap_err();
        assert!(error.to_string().contains("HANDSHAKE_STRIPE_BASE_URL"), "{error}");
    }

    #[test]
    fn a_test_key_alone_leads_to_the_real_stripe() {
        let options = third_parties(&Settings::of([("HANDSHAKE_STRIPE_SECRET_KEY", "sk_test_x")]), AppId::A5).unwrap();
        assert_eq!(options["stripe_base_url"], "https://api.stripe.com");
        assert!(
            third_parties(&Settings::of([("HANDSHAKE_STRIPE_SECRET_KEY", "sk_test_x")]), AppId::A4).unwrap().is_empty()
        );
    }
}
