//! The only reader of environment variables, and the type that keeps a secret out of logs.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use subtle::ConstantTimeEq;
use url::Url;

/// Environment variables, of this process or made up for a test.
#[derive(Debug, Clone, Default)]
pub struct Settings(Option<BTreeMap<String, String>>);

impl Settings {
    /// Those of this process, read anew at each question.
    #[must_use]
    pub fn process() -> Self {
        Self(None)
    }

    /// Made-up ones, for tests.
    #[must_use]
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Self(Some(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }

    /// `HANDSHAKE_TARGET`: the environment to run against.
    ///
    /// # Errors
    /// When the value is not UTF-8.
    pub fn target(&self) -> Result<Option<String>, SettingError> {
        self.text("HANDSHAKE_TARGET")
    }

    /// `HANDSHAKE_PROFILE`: quick, standard or full.
    ///
    /// # Errors
    /// When the value is not UTF-8.
    pub fn profile(&self) -> Result<Option<String>, SettingError> {
        self.text("HANDSHAKE_PROFILE")
    }

    /// `HANDSHAKE_DATABASE_URL`: where the reference apps keep their data. A secret, as it may hold a password.
    ///
    /// # Errors
    /// When the value is not UTF-8.
    pub fn database_url(&self) -> Result<Option<Secret>, SettingError> {
        self.secret("HANDSHAKE_DATABASE_URL")
    }

    /// `HANDSHAKE_LLM_BASE_URL`: an OpenAI-compatible upstream for A4.
    ///
    /// # Errors
    /// When the value is no URL.
    pub fn llm_base_url(&self) -> Result<Option<Url>, SettingError> {
        self.parsed("HANDSHAKE_LLM_BASE_URL", "an http or https URL")
    }

    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: where traces go, if anywhere.
    ///
    /// # Errors
    /// When the value is no URL.
    pub fn otlp_endpoint(&self) -> Result<Option<Url>, SettingError> {
        self.parsed("OTEL_EXPORTER_OTLP_ENDPOINT", "an http or https URL")
    }

    /// `GITHUB_STEP_SUMMARY`: the file that a CI job's summary is appended to.
    ///
    /// # Errors
    /// When the value is not UTF-8.
    pub fn github_step_summary(&self) -> Result<Option<PathBuf>, SettingError> {
        Ok(self.text("GITHUB_STEP_SUMMARY")?.map(PathBuf::from))
    }

    /// True within GitHub Actions, which shows certain lines of the output beside the run.
    #[must_use]
    pub fn github_actions(&self) -> bool {
        matches!(self.text("GITHUB_ACTIONS"), Ok(Some(value)) if value == "true")
    }

    /// True if `CI` says that nobody watches the terminal: set to anything but `false` or `0`.
    #[must_use]
    pub fn ci(&self) -> bool {
        matches!(self.text("CI"), Ok(Some(value)) if value != "false" && value != "0")
    }

    /// True if `NO_COLOR` is set to anything (no-color.org).
    #[must_use]
    pub fn no_color(&self) -> bool {
        self.is_set("NO_COLOR")
    }

    /// True if the variable is set and not empty. For reports that tell secrets by name.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        !matches!(self.text(name), Ok(None))
    }

    /// A secret, by the name of its variable.
    ///
    /// # Errors
    /// When the value is not UTF-8.
    pub fn secret(&self, name: &str) -> Result<Option<Secret>, SettingError> {
        Ok(self.text(name)?.map(Secret::new))
    }

    /// A value of any type with a text form; `form` says in words what is expected.
    ///
    /// # Errors
    /// When the value does not have that form.
    pub fn parsed<T: FromStr>(&self, name: &str, form: &'static str) -> Result<Option<T>, SettingError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| SettingError { name: name.to_owned(), form })
    }

    /// A text; an empty one counts as not set.
    ///
    /// # Errors
    /// When the value is not UTF-8.
    pub fn text(&self, name: &str) -> Result<Option<String>, SettingError> {
        let value = match &self.0 {
            Some(made_up) => made_up.get(name).cloned(),
            None => of_process(name)?,
        };
        Ok(value.filter(|value| !value.is_empty()))
    }
}

#[expect(clippy::disallowed_methods, reason = "this module is the one place that reads the environment")]
fn of_process(name: &str) -> Result<Option<String>, SettingError> {
    let Some(value) = std::env::var_os(name) else { return Ok(None) };
    value.into_string().map(Some).map_err(|_| SettingError { name: name.to_owned(), form: "UTF-8 text" })
}

/// A variable whose value has not the expected form. The value is not shown: it may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("environment variable {name} is not {form}; correct or unset it")]
pub struct SettingError {
    name: String,
    form: &'static str,
}

/// A text that no log, message or record may show. It has no serialised form.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The secret itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares in time that does not depend on where the texts differ.
    #[must_use]
    pub fn matches(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_nowhere() {
        let secret = Settings::of([("HANDSHAKE_KEY", "s3cr3t")]).secret("HANDSHAKE_KEY").unwrap().unwrap();
        assert_eq!(
            format!("{secret} {secret:?} {:#?}", Some(&secret)),
            "[redacted] [redacted] Some(\n    [redacted],\n)"
        );
        assert!(secret.matches("s3cr3t") && !secret.matches("s3cr3"));
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let settings = Settings::of([("HANDSHAKE_TARGET", ""), ("NO_COLOR", ""), ("CI", "")]);
        assert_eq!(settings.target(), Ok(None));
        assert!(!settings.no_color() && !settings.ci() && !settings.is_set("HANDSHAKE_TARGET"));
    }

    #[test]
    fn a_ci_variable_may_say_no() {
        let ci = |value| Settings::of([("CI", value)]).ci();
        assert_eq!(["true", "1", "false", "0"].map(ci), [true, true, false, false]);
    }

    #[test]
    fn a_value_of_another_form_is_an_error_that_names_the_variable_only() {
        let settings = Settings::of([("HANDSHAKE_LLM_BASE_URL", "s3cr3t")]);
        let message = settings.llm_base_url().unwrap_err().to_string();
        assert_eq!(
            message,
            "environment variable HANDSHAKE_LLM_BASE_URL is not an http or https URL; correct or unset it"
        );
    }

    #[test]
    fn the_process_has_variables() {
        assert!(Settings::process().is_set("PATH"));
        assert_eq!(Settings::process().text("HANDSHAKE_NO_SUCH_VARIABLE"), Ok(None));
    }
}
