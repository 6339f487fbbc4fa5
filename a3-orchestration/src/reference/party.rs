//! Whom A3 calls.

use common::ids::AppId;
use serde::Serialize;

/// Somebody A3 calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Party {
    /// Who sends e-mail.
    Email,
    /// A1, for the token of a service.
    S2sAuth,
    /// The communications center, which tells students of new pages.
    AutoComCenter,
    /// A2.
    ScholarshipApi,
    /// Who builds pages.
    A7,
    /// Who reads the text of a page.
    A4,
}

impl Party {
    pub(crate) const ALL: [Self; 6] =
        [Self::Email, Self::S2sAuth, Self::AutoComCenter, Self::ScholarshipApi, Self::A7, Self::A4];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::S2sAuth => "s2s_auth",
            Self::AutoComCenter => "auto_com_center",
            Self::ScholarshipApi => "scholarship_api",
            Self::A7 => "a7",
            Self::A4 => "a4",
        }
    }

    /// Reads the name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|party| party.as_str() == text)
    }

    /// The app that is this party; e-mail and the communications center are outside the eight.
    pub(crate) fn app(self) -> Option<AppId> {
        match self {
            Self::Email | Self::AutoComCenter => None,
            Self::S2sAuth => Some(AppId::A1),
            Self::ScholarshipApi => Some(AppId::A2),
            Self::A7 => Some(AppId::A7),
            Self::A4 => Some(AppId::A4),
        }
    }

    /// The option that names the address of a party outside the eight.
    pub(crate) fn base_option(self) -> Option<&'static str> {
        match self {
            Self::Email => Some("email_base_url"),
            Self::AutoComCenter => Some("auto_com_base_url"),
            _ => None,
        }
    }
}
