//! What only a person may allow.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A restricted action. Its name is stable: it is part of what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Action {
    /// More than 60 virtual users at a time.
    #[serde(rename = "vus_over_60")]
    VusOver60,
    /// Answering 503 in place of an app, or of what it calls.
    #[serde(rename = "inject_503")]
    Inject503,
    /// Changing anything in production.
    #[serde(rename = "production_write")]
    ProductionWrite,
    /// Changing the policy of the OIDC cookies.
    #[serde(rename = "cookie_policy")]
    CookiePolicy,
    /// Replacing a secret.
    #[serde(rename = "secret_rotation")]
    SecretRotation,
    /// Deploying to staging (gate 1).
    #[serde(rename = "deploy_staging")]
    DeployStaging,
    /// Doing anything in production (gate 2).
    #[serde(rename = "production_action")]
    ProductionAction,
    /// Promoting a release beyond its canary.
    #[serde(rename = "promote_beyond_canary")]
    PromoteBeyondCanary,
}

impl Action {
    /// Every action, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::VusOver60,
        Self::Inject503,
        Self::ProductionWrite,
        Self::CookiePolicy,
        Self::SecretRotation,
        Self::DeployStaging,
        Self::ProductionAction,
        Self::PromoteBeyondCanary,
    ];

    /// The name in flags, files and signatures, `vus_over_60`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VusOver60 => "vus_over_60",
            Self::Inject503 => "inject_503",
            Self::ProductionWrite => "production_write",
            Self::CookiePolicy => "cookie_policy",
            Self::SecretRotation => "secret_rotation",
            Self::DeployStaging => "deploy_staging",
            Self::ProductionAction => "production_action",
            Self::PromoteBeyondCanary => "promote_beyond_canary",
        }
    }

    /// In words, for the person who is asked.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::VusOver60 => "more than 60 virtual users",
            Self::Inject503 => "503 answers put in place of an app's own",
            Self::ProductionWrite => "a change in production",
            Self::CookiePolicy => "another policy for the OIDC cookies",
            Self::SecretRotation => "the rotation of a secret",
            Self::DeployStaging => "a deployment to staging",
            Self::ProductionAction => "an action in production",
            Self::PromoteBeyondCanary => "a promotion beyond the canary",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|action| action.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("`{text}` is no restricted action; they are {known}")
        })
    }
}
