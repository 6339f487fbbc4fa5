//! The text files of the repository, generated ones left out.

use std::fs;
use std::path::{Path, PathBuf};

/// A file: its path from the root with forward slashes, and its text.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
}

impl Source {
    /// A made-up file, for the tests of rules.
    pub(super) fn of(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Lines, numbered from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// Folders that hold what tools make.
const GENERATED: [&str; 7] = [
    "target",
    "node_modules",
    ".git",
    "test-results",
    "playwright-report",
    "tests/perf/reports",
    "tests/perf/evidence",
];

/// Every text file of the repository, sorted by path.
pub(super) fn all() -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 100, "only {} files below {}: is this the repository?", found.len(), root.display());
    found
}

/// True if there is a file or folder at this path from the root.
pub(super) fn exists(path: &str) -> bool {
    root().join(path).exists()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the crate lies in the workspace")
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
    for entry in entries {
        let entry = entry.unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
        let path = entry.path();
        let name = path.strip_prefix(root).expect("an entry lies below the root").to_string_lossy().replace('\\', "/");
        let last = name.rsplit('/').next().unwrap_or(&name);
        if GENERATED.contains(&last) || GENERATED.contains(&name.as_str()) {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(root, &path, found),
            Ok(kind) if kind.is_file() => {
                // What is not UTF-8 is no text.
                found.extend(fs::read_to_string(&path).ok().map(|text| Source { path: name, text }));
            }
            _ => {}
        }
    }
}
