//! The functions that scripts share. Each script carries those that it uses, so that it can be handed on alone.

const ALL: &str = include_str!("helpers.js");

/// The helpers that a script calls, and those that they call, in the order of the file.
pub(super) fn used(script: &str) -> String {
    let all: Vec<(&str, &str)> = ALL.split("// -- ").filter_map(|part| part.split_once('\n')).collect();
    let mut wanted = vec![false; all.len()];
    loop {
        let mut text = script.to_owned();
        all.iter().zip(&wanted).filter(|(_, wanted)| **wanted).for_each(|((_, own), _)| text.push_str(own));
        let more = all.iter().map(|(name, _)| calls(&text, name)).collect::<Vec<_>>();
        if more == wanted {
            break;
        }
        wanted = more;
    }
    let chosen = all.iter().zip(wanted).filter(|(_, wanted)| *wanted).map(|((_, text), _)| text.trim_end());
    chosen.collect::<Vec<_>>().join("\n\n") + "\n"
}

/// True if the text calls the function; a method of the same name is another one.
fn calls(text: &str, name: &str) -> bool {
    let call = format!("{name}(");
    text.match_indices(&call).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let part_of_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
        !part_of_name && !text[..at].ends_with("function ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_carries_what_it_calls_and_what_that_calls_and_no_more() {
        let helpers = used("const url = `${percent(x)}`; uuid();");
        for there in ["function percent(", "function uuid(", "function hex("] {
            assert!(helpers.contains(there), "{there} is missing in:\n{helpers}");
        }
        assert!(!helpers.contains("function form(") && !helpers.contains("// -- "), "{helpers}");
    }

    #[test]
    fn a_method_is_not_taken_for_a_helper() {
        assert!(!calls("list.at(0); everybody(1); function body(", "at") && !calls("everybody(1)", "body"));
    }
}
