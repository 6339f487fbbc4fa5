//! Changes of JSON by pointers (RFC 6901) in which `*` stands for every item.

use std::collections::BTreeMap;

use serde_json::Value;

/// Values that must be found, by pointers from the item of the last `*`, or from the document if there is none.
pub(super) type Conditions = BTreeMap<String, Value>;

/// What is done to each place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change<'a> {
    Set(&'a Value),
    Remove,
    Scale(f64),
    /// A fresh id.
    Fresh,
}

/// Changes a document and tells whether anything is different now.
pub(super) fn change(document: &mut Value, pointer: &str, conditions: &Conditions, change: Change<'_>) -> bool {
    let tokens: Vec<_> = pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
    let checks_here = !tokens.iter().any(|token| token == "*");
    if checks_here && !holds(document, conditions) {
        return false;
    }
    below(document, &tokens, conditions, change)
}

fn holds(value: &Value, conditions: &Conditions) -> bool {
    conditions.iter().all(|(pointer, wanted)| value.pointer(pointer) == Some(wanted))
}

fn below(value: &mut Value, tokens: &[String], conditions: &Conditions, change: Change<'_>) -> bool {
    let Some((token, rest)) = tokens.split_first() else { return apply(value, change) };
    if token == "*" {
        return each(value, rest, conditions, change);
    }
    if rest.is_empty() && matches!(change, Change::Remove) {
        return remove(value, token);
    }
    match value {
        Value::Object(fields) => match fields.get_mut(token) {
            Some(field) => below(field, rest, conditions, change),
            None => match change {
                Change::Set(new) if rest.is_empty() => fields.insert(token.clone(), new.clone()).is_none(),
                _ => false,
            },
        },
        Value::Array(items) => {
            let item = token.parse::<usize>().ok().and_then(|index| items.get_mut(index));
            item.is_some_and(|item| below(item, rest, conditions, change))
        }
        _ => false,
    }
}

fn each(value: &mut Value, rest: &[String], conditions: &Conditions, change: Change<'_>) -> bool {
    let is_last = !rest.iter().any(|token| token == "*");
    let concerned = |item: &Value| !is_last || holds(item, conditions);
    let removes = rest.is_empty() && matches!(change, Change::Remove);
    match value {
        Value::Array(items) if removes => {
            let before = items.len();
            items.retain(|item| !concerned(item));
            items.len() != before
        }
        Value::Object(fields) if removes => {
            let before = fields.len();
            fields.retain(|_, field| !concerned(field));
            fields.len() != before
        }
        Value::Array(items) => items
            .iter_mut()
            .filter(|item| concerned(item))
            .fold(false, |changed, item| below(item, rest, conditions, change) | changed),
        Value::Object(fields) => fields
            .values_mut()
            .filter(|field| concerned(field))
            .fold(false, |changed, field| below(field, rest, conditions, change) | changed),
        _ => false,
    }
}

fn remove(value: &mut Value, token: &str) -> bool {
    match value {
        Value::Object(fields) => fields.shift_remove(token).is_some(),
        Value::Array(items) => {
            let index = token.parse::<usize>().ok().filter(|index| *index < items.len());
            index.map(|index| items.remove(index)).is_some()
        }
        _ => false,
    }
}

fn apply(value: &mut Value, change: Change<'_>) -> bool {
    let new = match change {
        Change::Set(new) => new.clone(),
        Change::Remove => return false,
        Change::Fresh => uuid::Uuid::now_v7().to_string().into(),
        Change::Scale(factor) => match scaled(value, factor) {
            Some(new) => new,
            None => return false,
        },
    };
    let differs = *value != new;
    *value = new;
    differs
}

/// A number times a factor; a whole number stays one, rounded half away from zero.
#[expect(clippy::cast_possible_truncation, reason = "what does not fit stays a float")]
fn scaled(value: &Value, factor: f64) -> Option<Value> {
    let product = value.as_f64()? * factor;
    let whole = product.round();
    let fits = (value.is_i64() || value.is_u64()) && whole.abs() < 9.0e15;
    if fits { Some(Value::from(whole as i64)) } else { serde_json::Number::from_f64(product).map(Value::Number) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn after(mut document: Value, pointer: &str, what: Change<'_>) -> Value {
        change(&mut document, pointer, &Conditions::new(), what);
        document
    }

    #[test]
    fn a_field_is_set_removed_and_scaled_where_the_pointer_leads() {
        let document = json!({ "a": { "b/c": 3 }, "list": [1, 2.5, "x"] });
        assert_eq!(after(document.clone(), "/a/b~1c", Change::Set(&json!(4)))["a"]["b/c"], 4);
        assert_eq!(after(document.clone(), "/a/new", Change::Set(&json!(true)))["a"]["new"], true);
        assert_eq!(after(document.clone(), "/list/0", Change::Remove)["list"], json!([2.5, "x"]));
        assert_eq!(after(document.clone(), "/list/*", Change::Scale(3.0))["list"], json!([3, 7.5, "x"]));
        assert_eq!(after(document.clone(), "/a", Change::Remove), json!({ "list": [1, 2.5, "x"] }));
        assert_eq!(after(document, "", Change::Set(&json!(0))), json!(0));
    }

    #[test]
    fn a_whole_number_stays_whole() {
        assert_eq!(after(json!(3_000), "", Change::Scale(29.0 / 30.0)), json!(2_900));
        assert_eq!(after(json!(1), "", Change::Scale(1.5)), json!(2));
    }

    #[test]
    fn conditions_are_asked_of_the_item_of_the_last_star() {
        let document = json!({ "events": [{ "event": "cta", "n": 1 }, { "event": "other", "n": 1 }] });
        let only = Conditions::from([("/event".to_owned(), json!("cta"))]);
        let mut without = document.clone();
        assert!(change(&mut without, "/events/*", &only, Change::Remove));
        assert_eq!(without, json!({ "events": [{ "event": "other", "n": 1 }] }));
        assert!(!change(&mut without, "/events/*", &only, Change::Remove), "it is gone already");
        let mut doubled = document;
        assert!(change(&mut doubled, "/events/*/n", &only, Change::Scale(2.0)));
        assert_eq!((&doubled["events"][0]["n"], &doubled["events"][1]["n"]), (&json!(2), &json!(1)));
    }

    #[test]
    fn fresh_ids_differ_each_time() {
        let (one, two) = (after(json!("x"), "", Change::Fresh), after(json!("x"), "", Change::Fresh));
        assert_ne!(one, two);
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 16, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::vec(("[a-c]", inner), 0..3).prop_map(|fields| fields.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_change_says_whether_anything_is_different(document in documents(), pointer in "(/[a-c*0]){0,3}") {
            for what in [Change::Set(&json!("new")), Change::Remove, Change::Scale(2.0)] {
                let mut changed = document.clone();
                let says = change(&mut changed, &pointer, &Conditions::new(), what);
                prop_assert_eq!(says, changed != document);
            }
        }

        #[test]
        fn what_is_set_is_found_again(document in documents(), pointer in "(/[a-c0]){0,3}") {
            let mut changed = document;
            if change(&mut changed, &pointer, &Conditions::new(), Change::Set(&json!("new"))) {
                prop_assert_eq!(changed.pointer(&pointer), Some(&json!("new")));
            }
        }
    }
}
