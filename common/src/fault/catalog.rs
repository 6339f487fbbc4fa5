//! Faults as a file states them: the rules of each, where they apply, what must notice, and whom it must blame.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Rule, RuleErrors, read};
use crate::ids::AppId;

/// A fault on the wire as somebody states it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stated {
    /// Its name, `acme.cents_lost`.
    pub id: String,
    /// What it does, `loses a cent of every fee`.
    pub breaks: String,
    /// The app it stands before: `A6`.
    pub at: AppId,
    /// The only app that meets it; all callers do, the harness too, if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<AppId>,
    /// The check that must notice, or the claim of `run`; if left out any check of the app it stands before, or, where no
    /// check notices, any claim of its suite under load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caught_by: Option<String>,
    /// The run that makes the claim, `suite a6 --scenario a6_register`, `suite b2b`; needs `caught_by`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The app that must be blamed; `from` if there is one, else `at`, if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blames: Option<AppId>,
    /// What is done on the wire.
    #[schemars(length(min = 1))]
    pub rules: Vec<Rule>,
}

/// A catalogue, for its schema.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "its shape is what matters")]
struct Catalogue {
    /// The faults; each is tried by itself.
    #[schemars(length(min = 1))]
    faults: Vec<Stated>,
}

impl Stated {
    /// Reads the text of a catalogue; `file` is the name that error messages show.
    ///
    /// # Errors
    /// Every mistake in the text at once, by line.
    pub fn parse(file: &str, text: &str) -> Result<Vec<Self>, RuleErrors> {
        read::faults(file, text)
    }

    /// The JSON Schema (draft 2020-12) of a catalogue.
    #[must_use]
    pub fn schema() -> Value {
        let settings = schemars::generate::SchemaSettings::draft2020_12().with(|settings| {
            settings.inline_subschemas = true;
        });
        let mut schema = settings.into_generator().into_root_schema_for::<Catalogue>().to_value();
        schema["title"] = json!("A catalogue of faults on the wire");
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOGUE: &str = r"faults:
  - id: acme.cents_lost
    breaks: loses a tenth of every fee
    at: A6
    caught_by: a6.quote_golden
    rules:
      - id: cents
        match: { path: /api/billing/quote }
        do: [{ scale_json: { part: answer, pointer: /provider_fee_minor, factor: 0.9 } }]
  - id: acme.reports_lost
    breaks: A6's reports do not reach A8
    at: A8
    from: A6
    rules:
      - id: lost
        do: [{ drop: { acknowledge: { code: 202 } } }]
";

    #[test]
    fn a_catalogue_says_where_each_fault_is_and_what_must_notice() {
        let faults = Stated::parse("acme.yaml", CATALOGUE).unwrap();
        let places: Vec<_> = faults.iter().map(|fault| (fault.at, fault.from)).collect();
        assert_eq!(places, [(AppId::A6, None), (AppId::A8, Some(AppId::A6))]);
        assert_eq!(faults[0].caught_by.as_deref(), Some("a6.quote_golden"));
        assert_eq!(faults[1].caught_by, None);
    }

    #[test]
    fn two_faults_of_one_name_are_told() {
        let text = CATALOGUE.replace("acme.reports_lost", "acme.cents_lost");
        let error = Stated::parse("acme.yaml", &text).unwrap_err().to_string();
        assert!(error.contains("faults[1].id") && error.contains("the name of an earlier"), "{error}");
    }

    #[test]
    fn every_mistake_of_a_catalogue_is_told_at_once_with_its_line() {
        let text = CATALOGUE
            .replace("at: A6\n", "at: A9\n")
            .replace("factor: 0.9", "factor: much")
            .replace("code: 202", "code: 99");
        let error = Stated::parse("acme.yaml", &text).unwrap_err().to_string();
        for part in ["acme.yaml", "faults[0].at", "faults[0].rules[0].do[0]", "faults[1].rules[0].do[0]"] {
            assert!(error.contains(part), "{part} is not in {error}");
        }
        assert!(Stated::parse("acme.yaml", "faults: []").is_err());
    }
}
