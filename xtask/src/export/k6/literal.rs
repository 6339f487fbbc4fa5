//! Texts, numbers and templates as JavaScript.

use serde_json::Value;

/// The widest object or list that stays on one line.
const ONE_LINE: usize = 90;
/// The greatest integer that a JavaScript number holds exactly.
const EXACT: u64 = (1 << 53) - 1;

/// How a foreign value is written into the text around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// As it is; `JSON.stringify` escapes what ends up in JSON.
    None,
    /// Percent-encoded.
    Percent,
}

/// A text as a literal.
pub(super) fn text(text: &str) -> String {
    let plain = text.chars().all(|c| c != '\'' && c != '\\' && c >= ' ' && c != '\u{7f}');
    if plain { format!("'{text}'") } else { Value::from(text).to_string() }
}

/// The name of a function or a key: as it is if JavaScript takes it, else quoted.
pub(super) fn key(name: &str) -> String {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let plain = starts && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { name.to_owned() } else { text(name) }
}

/// A piece of a template.
enum Piece<'a> {
    /// Text as it stands.
    Text(&'a str),
    /// An expression; true if it is a text already.
    Place(String, bool),
}

/// What is filled in for a placeholder, and whether it is a text.
fn place(name: &str, escape: Escape) -> Result<(String, bool), String> {
    let foreign = |value: String| match escape {
        Escape::None => value,
        Escape::Percent => format!("percent({value})"),
    };
    let member = |object: &str, name: &str| match key(name) {
        quoted if quoted.starts_with(['\'', '"']) => format!("{object}[{quoted}]"),
        plain => format!("{object}.{plain}"),
    };
    let text = |expression: &str| Ok((expression.to_owned(), true));
    match name {
        "trace_id" => text("call.trace"),
        "span_id" => text("call.span"),
        "idempotency_key" => text("call.key"),
        "uuid" => text("uuid()"),
        "iteration_id" => text("own.id"),
        "pkce.verifier" => text("own.verifier"),
        "pkce.challenge" => text("own.challenge"),
        "vu" => Ok(("exec.vu.idInTest - 1".to_owned(), false)),
        "iteration" => Ok(("exec.scenario.iterationInTest".to_owned(), false)),
        "now_ms" => Ok(("Date.now()".to_owned(), false)),
        other => match other.split_once('.') {
            Some(("data", field)) => Ok((foreign(member("record", field)), true)),
            Some(("var", name)) => Ok((foreign(member("vars", name)), true)),
            _ => Err(format!(
                "there is no way yet to write {{{{{other}}}}} for k6: add it in xtask/src/export/k6/literal.rs"
            )),
        },
    }
}

fn pieces(source: &str, escape: Escape) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").ok_or_else(|| format!("a placeholder is not closed: {source:?}"))?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        let (expression, is_text) = place(name.trim(), escape)?;
        pieces.push(Piece::Place(expression, is_text));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// A template as an expression: a text, or a template literal with its places filled in.
pub(super) fn template(source: &str, escape: Escape) -> Result<String, String> {
    let pieces = pieces(source, escape)?;
    match pieces.as_slice() {
        [] => return Ok(text("")),
        [Piece::Text(only)] => return Ok(text(only)),
        [Piece::Place(expression, true)] => return Ok(expression.clone()),
        _ => {}
    }
    let inside: String = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => in_backticks(text),
            Piece::Place(expression, _) => format!("${{{expression}}}"),
        })
        .collect();
    Ok(format!("`{inside}`"))
}

/// A text between backticks.
pub(super) fn in_backticks(text: &str) -> String {
    text.replace('\\', "\\\\").replace('`', "\\`").replace("${", "\\${").replace('\r', "\\r")
}

/// A JSON value whose texts are templates, as an expression. `indent` is that of the line it begins on.
pub(super) fn json(value: &Value, indent: usize) -> Result<String, String> {
    match value {
        Value::String(source) => template(source, Escape::None),
        Value::Number(number) => {
            let exact = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs)).is_none_or(|n| n <= EXACT);
            if exact {
                Ok(number.to_string())
            } else {
                Err(format!("{number} is beyond what JavaScript counts exactly"))
            }
        }
        Value::Null | Value::Bool(_) => Ok(value.to_string()),
        Value::Array(items) => match items.as_slice() {
            [first, _, _, ..] if first.is_object() && items.iter().all(|item| item == first) => {
                Ok(format!("Array.from({{ length: {} }}, () => ({}))", items.len(), json(first, indent)?))
            }
            _ => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| json(item, indent + 2)).collect();
                Ok(wrapped(&items?, ["[", "]"], "", indent))
            }
        },
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, field)| {
                let is_plain = !name.contains("{{");
                let name = if is_plain { key(name) } else { format!("[{}]", template(name, Escape::None)?) };
                Ok(format!("{name}: {}", json(field, indent + 2)?))
            });
            let fields: Result<Vec<_>, String> = fields.collect();
            Ok(wrapped(&fields?, ["{", "}"], " ", indent))
        }
    }
}

/// Parts between brackets: on one line if they are short, else one a line.
pub(super) fn wrapped(parts: &[String], [open, close]: [&str; 2], space: &str, indent: usize) -> String {
    if parts.is_empty() {
        return format!("{open}{close}");
    }
    let line = format!("{open}{space}{}{space}{close}", parts.join(", "));
    if line.len() + indent <= ONE_LINE && !line.contains('\n') {
        return line;
    }
    let pad = " ".repeat(indent + 2);
    let lines: String = parts.iter().map(|part| format!("{pad}{part},\n")).collect();
    format!("{open}\n{lines}{}{close}", " ".repeat(indent))
}

/// A pattern in which `*` stands for any text, as an anchored regular expression. What is filled in is literal.
pub(super) fn glob(pattern: &str) -> Result<String, String> {
    if pattern.contains("{{") {
        let parts: Result<Vec<_>, _> = pattern.split('*').map(|part| template(part, Escape::None)).collect();
        return Ok(format!("stars([{}])", parts?.join(", ")));
    }
    let parts: Vec<_> = pattern.split('*').map(escaped).collect();
    Ok(format!("/^{}$/", parts.join("[^]*")))
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            _ if r"\^$.*+?()[]{}|/".contains(c) => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;

    use super::*;

    #[test]
    fn a_text_cannot_end_its_literal() {
        assert_eq!(text("plain"), "'plain'");
        assert_eq!(text("it's\n"), r#""it's\n""#);
        assert_eq!(template("`${x}` \\ {{uuid}}", Escape::None).unwrap(), r"`\`\${x}\` \\ ${uuid()}`");
    }

    #[test]
    fn foreign_values_are_encoded_where_the_text_is_a_path() {
        let path = template("/p/{{var.id}}?n={{data.first-name}}&v={{vu}}", Escape::Percent).unwrap();
        assert_eq!(path, "`/p/${percent(vars.id)}?n=${percent(record['first-name'])}&v=${exec.vu.idInTest - 1}`");
    }

    #[test]
    fn a_placeholder_that_has_no_counterpart_is_an_error() {
        assert!(template("{{moon_phase}}", Escape::None).unwrap_err().contains("moon_phase"));
        assert_eq!(template("{{pkce.challenge}}", Escape::None).unwrap(), "own.challenge");
    }

    #[test]
    fn json_keeps_its_shape_and_repeated_items_are_made_by_count() {
        let body = value!({ "a-b": 1, "mail": "x_{{uuid}}@example.com", "on": [true, null] });
        assert_eq!(json(&body, 0).unwrap(), "{ 'a-b': 1, mail: `x_${uuid()}@example.com`, on: [true, null] }");
        let item = value!({ "id": "{{uuid}}" });
        let list = Value::Array(vec![item; 20]);
        assert_eq!(json(&list, 0).unwrap(), "Array.from({ length: 20 }, () => ({ id: uuid() }))");
        assert!(json(&value!(9_007_199_254_740_993_u64), 0).is_err());
    }

    #[test]
    fn a_star_of_a_pattern_spans_lines_and_the_rest_is_literal() {
        assert_eq!(glob("text/html*").unwrap(), r"/^text\/html[^]*$/");
        assert_eq!(glob("a.b").unwrap(), r"/^a\.b$/");
        assert_eq!(glob("a*{{var.x}}").unwrap(), "stars(['a', vars.x])");
    }
}
