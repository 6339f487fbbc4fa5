//! Rules about `Cargo.toml` files and what lies beside them.

use super::Breach;
use super::files::Source;

fn is_manifest(file: &Source) -> bool {
    file.path.rsplit('/').next() == Some("Cargo.toml")
}

fn is_crate(file: &Source) -> bool {
    is_manifest(file) && file.text.lines().any(|line| line.trim() == "[package]")
}

/// Dependencies stand in alphabetical order, blocks parted by an empty line or comment not excepted.
pub(super) fn sorted(file: &Source) -> Vec<Breach> {
    if !is_manifest(file) {
        return Vec::new();
    }
    let mut breaches = Vec::new();
    let (mut in_list, mut last) = (false, String::new());
    for (number, line) in file.lines() {
        if line.starts_with('[') {
            in_list = line.trim_end().trim_end_matches(']').ends_with("dependencies");
            last.clear();
        } else if in_list && !line.starts_with([' ', '#', ']', '}']) && line.contains('=') {
            let key = line.split('=').next().unwrap_or(line).trim().to_owned();
            // A dot sorts as `cargo sort` does it: `serde.workspace` before `serde_json.workspace`.
            let name = key.split('.').next().unwrap_or(&key).to_owned();
            if !in_order(&last, &key) {
                breaches.push(Breach::at(file, number, format!("`{name}` stands after `{last}`: sort the list")));
            }
            last = key;
        }
    }
    breaches
}

/// Two orders are in use and both are fine: by the whole key or by the name of the crate.
fn in_order(last: &str, key: &str) -> bool {
    let name = |key: &str| key.split('.').next().unwrap_or(key).to_owned();
    last <= key || name(last) <= name(key)
}

/// A crate takes the lints of the workspace.
pub(super) fn lints(file: &Source) -> Vec<Breach> {
    if !is_crate(file) || file.text.replace("\r\n", "\n").contains("[lints]\nworkspace = true") {
        return Vec::new();
    }
    vec![Breach::at(file, 1, "add `[lints]` with `workspace = true`")]
}

/// A crate has a page for whoever owns it.
pub(super) fn readmes(files: &[Source]) -> Vec<Breach> {
    let has = |path: &str| files.iter().any(|file| file.path == path);
    let without = files.iter().filter(|file| is_crate(file)).filter(|file| {
        let folder = file.path.trim_end_matches("Cargo.toml");
        !has(&format!("{folder}README.md"))
    });
    without
        .map(|file| Breach::at(file, 1, "write a README.md beside it: what the crate is and how to run it"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsorted_list_is_found() {
        let text = "[dependencies]\nserde.workspace = true\nserde_json.workspace = true\naxum = \"1\"\n[features]\nb = []\na = []\n";
        assert_eq!(sorted(&Source::of("a/Cargo.toml", text)).iter().map(|b| b.line).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn a_crate_without_lints_or_readme_is_found() {
        let bare = Source::of("a/Cargo.toml", "[package]\nname = \"a\"\n");
        assert_eq!(lints(&bare).len(), 1);
        assert_eq!(readmes(std::slice::from_ref(&bare)).len(), 1);
        assert!(readmes(&[bare, Source::of("a/README.md", "# a")]).is_empty());
    }
}
