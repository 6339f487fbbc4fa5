//! Templates compiled once into segments and filled in place for each request.

use std::collections::BTreeMap;

use crate::clock;
use crate::ids::TraceParent;
use crate::scenario::{Record, Segment, Slot, parse_placeholders};

use super::random::Ids;

/// How a value is written into the text around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escape {
    /// As it is.
    None,
    /// Within a JSON text.
    Json,
    /// Percent-encoded: everything but letters, digits, `-`, `.`, `_`, `~`.
    Percent,
}

/// A text with places to fill.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    segments: Vec<Segment>,
    escape: Escape,
}

/// What the places of one request are filled with.
#[derive(Debug)]
pub(crate) struct Values<'a> {
    pub(crate) parent: TraceParent,
    pub(crate) key: uuid::Uuid,
    pub(crate) vu: u32,
    pub(crate) iteration: u64,
    pub(crate) record: Option<&'a Record>,
    pub(crate) variables: &'a BTreeMap<String, String>,
    pub(crate) ids: &'a mut Ids,
}

impl Template {
    /// Compiles a text of a validated scenario.
    pub(crate) fn compile(text: &str, escape: Escape) -> Result<Self, String> {
        let segments = parse_placeholders(text).map_err(|problems| problems.join(", "))?;
        Ok(Self { segments, escape })
    }

    /// Compiles the fields of a form into its percent-encoded text.
    pub(crate) fn form(fields: &[(String, String)]) -> Result<Self, String> {
        let mut segments = Vec::new();
        for (at, (name, value)) in fields.iter().enumerate() {
            let head = format!("{}{}=", if at == 0 { "" } else { "&" }, percent_encoded(name));
            segments.push(Segment::Literal(head));
            segments.extend(Self::compile(value, Escape::Percent)?.segments.into_iter().map(|segment| match segment {
                Segment::Slot(slot) => Segment::Slot(slot),
                Segment::Literal(text) => Segment::Literal(percent_encoded(&text)),
            }));
        }
        Ok(Self { segments, escape: Escape::Percent })
    }

    /// The text, if nothing in it has to be filled.
    pub(crate) fn fixed(&self) -> Option<String> {
        let literals = self.segments.iter().map(|segment| match segment {
            Segment::Literal(text) => Some(text.as_str()),
            Segment::Slot(_) => None,
        });
        literals.collect()
    }

    /// Appends the filled text to `out`, as UTF-8.
    ///
    /// # Errors
    /// The name of a value that is missing.
    pub(crate) fn fill(&self, values: &mut Values<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Segment::Slot(slot) => self.fill_slot(slot, values, out)?,
            }
        }
        Ok(())
    }

    fn fill_slot(&self, slot: &Slot, values: &mut Values<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        match slot {
            Slot::TraceId => push_hex(&values.parent.trace.as_u128().to_be_bytes(), out),
            Slot::SpanId => push_hex(&values.parent.span.to_be_bytes(), out),
            Slot::IdempotencyKey => push_uuid(values.key, out),
            Slot::Vu => push_decimal(u64::from(values.vu), out),
            Slot::Iteration => push_decimal(values.iteration, out),
            Slot::Uuid => push_uuid(values.ids.uuid(), out),
            Slot::NowMs => push_decimal(u64::try_from(clock::unix_ms()).unwrap_or(0), out),
            Slot::Data(field) => {
                let text = values.record.and_then(|record| record.get(field));
                self.escaped(text.ok_or_else(|| format!("the record has no field {field:?}"))?, out);
            }
            Slot::Var(name) => {
                let text = values.variables.get(name);
                self.escaped(text.ok_or_else(|| format!("no step has extracted {name:?}"))?, out);
            }
        }
        Ok(())
    }

    fn escaped(&self, text: &str, out: &mut Vec<u8>) {
        match self.escape {
            Escape::None => out.extend_from_slice(text.as_bytes()),
            Escape::Percent => percent_encode(text, out),
            Escape::Json => {
                let quoted = serde_json::Value::from(text).to_string();
                out.extend_from_slice(&quoted.as_bytes()[1..quoted.len() - 1]);
            }
        }
    }
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = Vec::new();
    percent_encode(text, &mut encoded);
    String::from_utf8_lossy(&encoded).into_owned()
}

/// Percent-encodes all bytes but RFC 3986's unreserved ones.
pub(crate) fn percent_encode(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte);
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
}

/// Appends lower-case hex digits.
pub(crate) fn push_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

/// Appends a number.
pub(crate) fn push_decimal(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn push_uuid(uuid: uuid::Uuid, out: &mut Vec<u8>) {
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    out.extend_from_slice(uuid.hyphenated().encode_lower(&mut text).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str, escape: Escape) -> Result<String, String> {
        let mut ids = Ids::fresh();
        let trace = ids.trace();
        let parent = ids.span_of(trace);
        let variables = BTreeMap::from([("id".to_owned(), "a/b \"c\"".to_owned())]);
        let record = Record::from([("name".to_owned(), "Zoë".to_owned())]);
        let key = ids.uuid();
        let mut values =
            Values { parent, key, vu: 3, iteration: 42, record: Some(&record), variables: &variables, ids: &mut ids };
        let mut out = Vec::new();
        Template::compile(text, escape)?.fill(&mut values, &mut out)?;
        let out = String::from_utf8(out).unwrap();
        let key = key.to_string();
        Ok(out.replace(&parent.trace.to_string(), "TRACE").replace(&key, "KEY"))
    }

    #[test]
    fn every_place_is_filled() {
        let text = fill("{{vu}}-{{iteration}}-{{trace_id}}-{{idempotency_key}}-{{data.name}}", Escape::None);
        assert_eq!(text.unwrap(), "3-42-TRACE-KEY-Zoë");
        assert_eq!(fill("{{span_id}}", Escape::None).unwrap().len(), 16);
        assert_eq!(fill("{{uuid}}", Escape::None).unwrap().len(), 36);
    }

    #[test]
    fn numbers_are_written_whole() {
        for number in [0, 7, 10, 999, u64::MAX] {
            let mut out = Vec::new();
            push_decimal(number, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }

    #[test]
    fn foreign_values_cannot_break_out_of_their_place() {
        assert_eq!(fill("/p/{{var.id}}?x=1", Escape::Percent).unwrap(), "/p/a%2Fb%20%22c%22?x=1");
        assert_eq!(fill(r#"{"id":"{{var.id}}"}"#, Escape::Json).unwrap(), r#"{"id":"a/b \"c\""}"#);
    }

    #[test]
    fn a_missing_value_is_an_error_and_not_an_empty_text() {
        assert!(fill("{{var.other}}", Escape::None).unwrap_err().contains("other"));
        assert!(fill("{{data.other}}", Escape::None).unwrap_err().contains("other"));
    }

    #[test]
    fn a_text_without_places_is_known_to_be_fixed() {
        assert_eq!(Template::compile("/health", Escape::None).unwrap().fixed().as_deref(), Some("/health"));
        assert_eq!(Template::compile("/{{vu}}", Escape::None).unwrap().fixed(), None);
    }
}
