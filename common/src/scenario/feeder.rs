//! Where the data of an iteration comes from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One record of a data file: field to text.
pub type Record = BTreeMap<String, String>;

/// Gives each iteration a record of a data file for `{{data.FIELD}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feeder {
    /// The file of JSON lines, as `data.jsonl`; whoever starts the load reads it.
    pub source: String,
    /// The fields that every record has.
    pub fields: Vec<String>,
    /// Which record an iteration gets.
    pub mode: FeederMode,
}

/// Which record an iteration gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FeederMode {
    /// Iteration `n` gets record `n`; running out stops the load, it never wraps.
    UniquePerIteration,
    /// Virtual user `n` always gets record `n`; there must be one for each.
    PerVu,
    /// A random one; the same seed gives iteration `n` the same record.
    Random {
        /// The seed.
        seed: u64,
    },
}

impl FeederMode {
    /// The index of the record that an iteration gets among `len`; `None` when they have run out.
    pub(crate) fn pick(self, vu: u32, iteration: u64, len: usize) -> Option<usize> {
        let index = match self {
            Self::UniquePerIteration => usize::try_from(iteration).ok()?,
            Self::PerVu => usize::try_from(vu).ok()?,
            Self::Random { seed } => {
                let len = u64::try_from(len).ok().filter(|len| *len > 0)?;
                let mixed = crate::load::mix64(seed ^ iteration.wrapping_mul(0x9E37_79B9_7F4A_7C15));
                usize::try_from(mixed % len).ok()?
            }
        };
        (index < len).then_some(index)
    }
}

/// Reads JSON lines, each an object of texts, numbers and booleans.
///
/// # Errors
/// The number of the first line that is no such object.
pub fn parse_records(text: &str) -> Result<Vec<Record>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            let broken = |why: &str| format!("line {} of the data file: {why}", at + 1);
            let fields: BTreeMap<String, Value> =
                serde_json::from_str(line).map_err(|error| broken(&format!("not a JSON object: {error}")))?;
            let texts = fields.into_iter().map(|(name, value)| match scalar_text(&value) {
                Some(text) => Ok((name, text)),
                None => Err(broken(&format!("`{name}` is neither text, number nor boolean"))),
            });
            texts.collect()
        })
        .collect()
}

/// The text of a JSON text, number or boolean.
pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_records_run_out_instead_of_wrapping() {
        let picked: Vec<_> = (0..4).map(|n| FeederMode::UniquePerIteration.pick(0, n, 3)).collect();
        assert_eq!(picked, [Some(0), Some(1), Some(2), None]);
    }

    #[test]
    fn random_records_depend_on_the_seed_only() {
        let draw = |seed| (0..50).map(|n| FeederMode::Random { seed }.pick(0, n, 10)).collect::<Vec<_>>();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(1).iter().all(Option::is_some));
    }

    #[test]
    fn a_broken_line_of_data_is_named() {
        let records = parse_records("{\"id\": 7, \"name\": \"a\"}\n\n{\"id\": \"b\"}").unwrap();
        assert_eq!(records[0]["id"], "7");
        assert_eq!(records.len(), 2);
        assert!(parse_records("{}\n{\"x\": []}").unwrap_err().contains("line 2"));
    }
}
