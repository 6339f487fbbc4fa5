//! Money is integer minor units.

use super::files::Source;
use super::{Breach, rust};

/// No expression, field or parameter that names an amount in minor units has a float in it.
pub(super) fn no_float(file: &Source) -> Vec<Breach> {
    if !file.is_rust() {
        return Vec::new();
    }
    let code = rust::code_only(&file.text);
    let mut line = 1;
    let mut breaches = Vec::new();
    for piece in code.split_inclusive([';', '{', '}', ',']) {
        let floats =
            ["f64", "f32"].iter().any(|word| !rust::lines_with(piece, word).is_empty()) || has_float_literal(piece);
        if floats && let Some(at) = amount(piece) {
            let line = line + piece[..at].matches('\n').count();
            breaches.push(Breach::at(file, line, "an amount in minor units meets a float: compute with integers"));
        }
        line += piece.matches('\n').count();
    }
    breaches
}

/// Where an identifier that ends in `_minor` stands.
fn amount(piece: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let ends = |at: usize| !piece[at + "_minor".len()..].chars().next().is_some_and(is_part);
    piece.match_indices("_minor").map(|(at, _)| at).find(|at| ends(*at))
}

fn has_float_literal(piece: &str) -> bool {
    let chars: Vec<char> = piece.chars().collect();
    chars.windows(3).any(|w| w[0].is_ascii_digit() && w[1] == '.' && w[2].is_ascii_digit())
}

#[test]
fn an_amount_that_meets_a_float_is_found_on_its_line() {
    let text = "let a = 1;\nlet fee = (gross_minor as f64 * rate)\n    .round();\nlet b = gross_minor * 3 / 100;\nlet c = gross_minor * 0.03;";
    let lines: Vec<_> = no_float(&Source::of("a6-provider/src/a.rs", text)).into_iter().map(|b| b.line).collect();
    assert_eq!(lines, [2, 5]);
}

#[test]
fn a_share_beside_an_amount_is_no_breach() {
    let text = "struct S {\n    fee_pct: f64,\n    gross_minor: i64,\n}";
    assert!(no_float(&Source::of("common/src/a.rs", text)).is_empty());
}
