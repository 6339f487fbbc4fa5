//! Placeholders of templates: `{{uuid}}`, `{{data.FIELD}}`, `{{var.NAME}}` and their like.

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// Text as it stands.
    Literal(String),
    /// A place to fill.
    Slot(Slot),
}

/// What a place is filled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Slot {
    /// The trace id of the request, 32 hex digits.
    TraceId,
    /// The span id of the request, 16 hex digits.
    SpanId,
    /// A key of its own for each request.
    IdempotencyKey,
    /// The number of the virtual user, from 0.
    Vu,
    /// The number of the iteration, from 0, over all users.
    Iteration,
    /// A random UUID, another one in every place.
    Uuid,
    /// The wall clock in milliseconds since the Unix epoch.
    NowMs,
    /// A field of the iteration's record.
    Data(String),
    /// A value that an earlier step extracted.
    Var(String),
}

const KNOWN: &str = "trace_id, span_id, idempotency_key, vu, iteration, uuid, now_ms, data.FIELD or var.NAME";

impl Slot {
    fn parse(name: &str) -> Result<Self, String> {
        Ok(match name.trim() {
            "trace_id" => Self::TraceId,
            "span_id" => Self::SpanId,
            "idempotency_key" => Self::IdempotencyKey,
            "vu" => Self::Vu,
            "iteration" => Self::Iteration,
            "uuid" => Self::Uuid,
            "now_ms" => Self::NowMs,
            other => match other.split_once('.') {
                Some(("data", field)) if !field.is_empty() => Self::Data(field.to_owned()),
                Some(("var", name)) if !name.is_empty() => Self::Var(name.to_owned()),
                _ => return Err(format!("unknown placeholder {{{{{other}}}}}; there are {KNOWN}")),
            },
        })
    }
}

/// Splits a text into literals and places.
///
/// # Errors
/// Every placeholder that is unknown or not closed.
pub(crate) fn parse(text: &str) -> Result<Vec<Segment>, Vec<String>> {
    let mut segments = Vec::new();
    let mut problems = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        if open > 0 {
            segments.push(Segment::Literal(rest[..open].to_owned()));
        }
        let inside = &rest[open + 2..];
        let Some(close) = inside.find("}}") else {
            problems.push(format!("a placeholder is not closed: {:?}", &rest[open..]));
            rest = "";
            break;
        };
        match Slot::parse(&inside[..close]) {
            Ok(slot) => segments.push(Segment::Slot(slot)),
            Err(problem) => problems.push(problem),
        }
        rest = &inside[close + 2..];
    }
    if !rest.is_empty() {
        segments.push(Segment::Literal(rest.to_owned()));
    }
    if problems.is_empty() { Ok(segments) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_places_alternate_in_order() {
        let segments = parse("/p/{{var.id}}?u={{ uuid }}!").unwrap();
        let expected = [
            Segment::Literal("/p/".to_owned()),
            Segment::Slot(Slot::Var("id".to_owned())),
            Segment::Literal("?u=".to_owned()),
            Segment::Slot(Slot::Uuid),
            Segment::Literal("!".to_owned()),
        ];
        assert_eq!(segments, expected);
    }

    #[test]
    fn all_broken_placeholders_are_told_at_once() {
        let problems = parse("{{nope}} {{data.}} {{uuid").unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
    }
}
