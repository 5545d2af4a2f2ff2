//! The sources as text, and what a line of them names.

use std::fs;
use std::path::{Path, PathBuf};

pub struct Source {
    /// The path below `src`, or below the root, with forward slashes.
    pub path: String,
    pub text: String,
}

impl Source {
    /// The first part of the module's path: the floor or the file on the ground.
    pub fn module(&self) -> &str {
        let first = self.path.split('/').next().expect("a path has a part");
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The lines of code, numbered from one; comments and documentation may name anything.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The code before the file's own tests.
    pub fn code_before_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code()
            .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
    }
}

pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &["rs"], &mut paths);
    assert!(paths.len() > 20, "the sources were not found");
    paths.into_iter().map(|path| read(&root, path)).collect()
}

/// The file at `path`, which is below `root`.
pub fn read(root: &Path, path: PathBuf) -> Source {
    let below = path
        .strip_prefix(root)
        .expect("it was found below the root");
    Source {
        text: fs::read_to_string(&path).expect("a source is readable"),
        path: below
            .to_str()
            .expect("sources have plain names")
            .replace('\\', "/"),
    }
}

pub fn collect(directory: &Path, extensions: &[&str], paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory is readable") {
        let path = entry.expect("an entry is readable").path();
        if path.is_dir() {
            collect(&path, extensions, paths);
        } else if path
            .extension()
            .is_some_and(|extension| extensions.iter().any(|one| extension == *one))
        {
            paths.push(path);
        }
    }
}

/// The modules that a line names with `crate::`.
pub fn imports(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).filter_map(|rest| {
        let end = rest
            .find(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .unwrap_or(rest.len());
        Some(&rest[..end]).filter(|name| !name.is_empty())
    })
}

/// The paths that `code` names with `crate::`, with those of a group one by one.
pub fn paths(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let mut path: Vec<String> = Vec::new();
        let mut rest = rest;
        loop {
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let (name, tail) = rest.split_at(end.unwrap_or(rest.len()));
            if let Some(group) = tail.strip_prefix('{').filter(|_| name.is_empty()) {
                let group = group.split('}').next().unwrap_or_default();
                for name in group.split(',') {
                    let parts = name.trim().split("::").map(str::to_owned);
                    paths.push(path.iter().cloned().chain(parts).collect());
                }
            }
            path.push(name.to_owned());
            match tail.strip_prefix("::") {
                Some(tail) => rest = tail,
                None => break,
            }
        }
        paths.push(path);
    }
    paths
}

/// Whether `line` has `name` with no letter before it that would make it another name.
pub fn names(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        !line[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_')
    })
}

pub fn report(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
