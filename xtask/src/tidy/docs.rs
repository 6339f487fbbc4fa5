//! Documents that cannot drift: their links and the commands they name.

use super::Breach;
use super::files::Source;

/// The commands of this version, as the command line knows them.
pub(super) const COMMANDS: &[&str] = &[
    "ecosystem",
    "suite",
    "serve",
    "report",
    "verify",
    "gates",
    "approve",
    "baseline",
    "compare",
    "effects",
    "faults",
    "proxy",
    "export",
    "doctor",
    "test",
    "bench",
    "calibrate",
];

/// Relative links in Markdown lead to a file or folder of the repository.
pub(super) fn links(files: &[Source], exists: &dyn Fn(&str) -> bool) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        let mut fenced = false;
        for (number, line) in file.lines() {
            fenced ^= line.trim_start().starts_with("```");
            let lost = destinations(line).into_iter().filter(|_| !fenced).filter_map(|link| relative(&file.path, link));
            let lost = lost.filter(|path| !exists(path));
            breaches.extend(
                lost.map(|path| Breach::at(file, number, format!("the link leads to {path}, which is not there"))),
            );
        }
    }
    breaches
}

/// The destinations of `[text](destination)` in a line.
fn destinations(line: &str) -> Vec<&str> {
    let starts = line.match_indices("](").map(|(at, _)| &line[at + 2..]);
    starts.filter_map(|rest| rest.split([')', ' ']).next()).collect()
}

/// The path from the root that a relative link means; nothing for links elsewhere.
fn relative(from: &str, link: &str) -> Option<String> {
    let path = link.split('#').next().filter(|path| !path.is_empty() && !path.contains(':'))?;
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// `cargo xtask NAME` in a document names a command that exists.
pub(super) fn commands(files: &[Source], known: &[&str]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        for (number, line) in file.lines() {
            let named = line.match_indices("cargo xtask ").map(|(at, call)| &line[at + call.len()..]);
            let names = named.map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default());
            let unknown = names.filter(|name| !name.is_empty() && !known.contains(name));
            breaches.extend(unknown.map(|name| Breach::at(file, number, format!("there is no command `{name}`"))));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_nowhere_is_found_from_where_it_stands() {
        let text = "[a](method.md) [b](../README.md#top) [c](https://example.com) [d](#here)\n```\n[e](gone.md)\n```\n[f](lost.md)";
        let exists = |path: &str| ["docs/method.md", "README.md"].contains(&path);
        let breaches = links(&[Source::of("docs/a.md", text)], &exists);
        assert_eq!(breaches.len(), 1);
        assert!(breaches[0].line == 5 && breaches[0].advice.contains("docs/lost.md"), "{breaches:?}");
    }

    #[test]
    fn a_command_that_does_not_exist_is_found() {
        let text = "`cargo xtask ecosystem --profile quick`, `cargo xtask fly`, `cargo xtask …`";
        let breaches = commands(&[Source::of("README.md", text)], &["ecosystem"]);
        assert_eq!(breaches.len(), 1);
    }
}
