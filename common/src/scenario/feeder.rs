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

impl Feeder {
    /// Reads the text of its file.
    ///
    /// # Errors
    /// The file and the number of the first line that is no object of texts, numbers and booleans, or lacks a field; or
    /// that there is no record at all.
    pub fn read(&self, text: &str) -> Result<Vec<Record>, String> {
        let broken = |why: String| format!("{}, {why}", self.source);
        let mut records = Vec::new();
        for (at, line) in lines(text) {
            let record = record(at, line).map_err(broken)?;
            if let Some(missing) = self.fields.iter().find(|field| !record.contains_key(*field)) {
                return Err(broken(format!("line {at}: it has no field `{missing}`")));
            }
            records.push(record);
        }
        if records.is_empty() { Err(broken("it holds no record".to_owned())) } else { Ok(records) }
    }
}

/// Reads JSON lines, each an object of texts, numbers and booleans.
///
/// # Errors
/// The number of the first line that is no such object.
pub fn parse_records(text: &str) -> Result<Vec<Record>, String> {
    lines(text).map(|(at, line)| record(at, line)).collect()
}

/// Lines that are not empty, with their numbers from 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty())
}

fn record(at: usize, line: &str) -> Result<Record, String> {
    let broken = |why: &str| format!("line {at}: {why}");
    let fields: BTreeMap<String, Value> =
        serde_json::from_str(line).map_err(|error| broken(&format!("not a JSON object: {error}")))?;
    let texts = fields.into_iter().map(|(name, value)| match scalar_text(&value) {
        Some(text) => Ok((name, text)),
        None => Err(broken(&format!("`{name}` is neither text, number nor boolean"))),
    });
    texts.collect()
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

    #[test]
    fn a_file_of_data_is_refused_by_file_line_and_field() {
        let fields = ["user", "pin"].map(str::to_owned).to_vec();
        let feeder = Feeder { source: "data.jsonl".to_owned(), fields, mode: FeederMode::PerVu };
        let good = "{\"user\":\"a\",\"pin\":1}\n";
        assert_eq!(feeder.read(good).unwrap()[0]["pin"], "1");
        assert_eq!(
            feeder.read(&format!("{good}\n{{\"user\":\"b\"}}")).unwrap_err(),
            "data.jsonl, line 3: it has no field `pin`"
        );
        assert!(feeder.read(&format!("{good}x")).unwrap_err().starts_with("data.jsonl, line 2: not a JSON object"));
        assert_eq!(feeder.read("\n").unwrap_err(), "data.jsonl, it holds no record");
    }
}
