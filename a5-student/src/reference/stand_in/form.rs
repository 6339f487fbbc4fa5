//! Stripe's form encoding: `a[b][0][c]=v` for nested hashes and lists.

use serde_json::{Map, Value};

/// How deep names may nest.
const DEEPEST: usize = 16;

/// Reads a form into a tree of hashes whose leaves are texts. A list is a hash by index; `[]` takes the next one.
///
/// The error is a sentence about the first name that cannot be read, and that name.
pub(super) fn decode(text: &str) -> Result<Map<String, Value>, (String, String)> {
    let mut root = Map::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        let path = path(&name).ok_or_else(|| (format!("Invalid parameter name: {name}"), name.to_string()))?;
        if !insert(&mut root, &path, value.into_owned()) {
            return Err((
                format!("Invalid hash or array: {name} is given as a value and as a hash"),
                name.into_owned(),
            ));
        }
    }
    Ok(root)
}

/// `a[b][0]` as `a`, `b`, `0`.
fn path(name: &str) -> Option<Vec<&str>> {
    let (head, rest) = name.find('[').map_or((name, ""), |at| name.split_at(at));
    let mut parts = vec![head];
    let mut rest = rest;
    while !rest.is_empty() {
        let (part, after) = rest.strip_prefix('[')?.split_once(']')?;
        parts.push(part);
        rest = after;
    }
    (!head.is_empty() && parts.len() <= DEEPEST).then_some(parts)
}

fn insert(into: &mut Map<String, Value>, path: &[&str], value: String) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    let name = if first.is_empty() { into.len().to_string() } else { (*first).to_owned() };
    if rest.is_empty() {
        return into.insert(name, Value::String(value)).is_none_or(|old| old.is_string());
    }
    match into.entry(name).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(inner) => insert(inner, rest, value),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Writes a tree as the client libraries do.
    fn encode(tree: &Value, name: &str, into: &mut url::form_urlencoded::Serializer<'_, String>) {
        match tree {
            Value::Object(inner) => {
                for (key, value) in inner {
                    let name = if name.is_empty() { key.clone() } else { format!("{name}[{key}]") };
                    encode(value, &name, into);
                }
            }
            leaf => drop(into.append_pair(name, leaf.as_str().unwrap_or(""))),
        }
    }

    fn trees() -> impl Strategy<Value = Value> {
        let leaf = any::<String>().prop_map(Value::String);
        let tree = leaf.prop_recursive(4, 24, 4, |inner| {
            prop::collection::btree_map("[^\\[\\]]{1,8}", inner, 1..4).prop_map(|map| map.into_iter().collect())
        });
        prop::collection::btree_map("[^\\[\\]]{1,8}", tree, 0..4).prop_map(|map| map.into_iter().collect())
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(tree in trees()) {
            let mut written = url::form_urlencoded::Serializer::new(String::new());
            encode(&tree, "", &mut written);
            prop_assert_eq!(Value::Object(decode(&written.finish()).unwrap()), tree);
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            drop(decode(&text));
        }
    }

    #[test]
    fn hashes_and_lists_nest() {
        let text = "mode=payment&line_items[0][price]=p1&line_items[0][quantity]=2&line_items[1][price]=p2&metadata[a b]=1%202";
        let tree = json!({
            "mode": "payment",
            "line_items": { "0": { "price": "p1", "quantity": "2" }, "1": { "price": "p2" } },
            "metadata": { "a b": "1 2" },
        });
        assert_eq!(Value::Object(decode(text).unwrap()), tree);
    }

    #[test]
    fn empty_brackets_take_the_next_index() {
        let tree = json!({ "lookup_keys": { "0": "a", "1": "b" } });
        assert_eq!(Value::Object(decode("lookup_keys[]=a&lookup_keys[]=b").unwrap()), tree);
        assert_eq!(Value::Object(decode("lookup_keys%5B0%5D=a&lookup_keys%5B1%5D=b").unwrap()), tree);
    }

    #[test]
    fn a_later_value_replaces_an_earlier_one() {
        assert_eq!(Value::Object(decode("a=1&a=2").unwrap()), json!({ "a": "2" }));
    }

    #[test]
    fn names_that_contradict_each_other_or_do_not_close_are_refused_by_name() {
        for (text, name) in
            [("a=1&a[b]=2", "a[b]"), ("a[b]=1&a=2", "a"), ("a[b=1", "a[b"), ("[b]=1", "[b]"), ("a[b]c=1", "a[b]c")]
        {
            assert_eq!(decode(text).unwrap_err().1, name);
        }
        let deep = format!("a{}=1", "[b]".repeat(DEEPEST));
        assert!(decode(&deep).is_err());
    }
}
