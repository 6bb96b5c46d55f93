//! Reading the repository: every tracked kind of file below the top folder.

use std::fs;
use std::io;
use std::path::Path;

const SKIPPED: [&str; 5] = ["target", "node_modules", "dist", ".git", "demo-data"];

/// One text file.
#[derive(Debug, Clone)]
pub struct Source {
    /// Path from the top of the repository, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// A source for tests of the checks themselves.
    pub fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Lines before the unit tests, which stand at the bottom of a file.
    pub fn production(&self) -> impl Iterator<Item = (usize, &str)> {
        let whole = if self.is_test() { 0 } else { usize::MAX };
        let lines = self.text.lines().enumerate().take(whole);
        lines
            .take_while(|(_, line)| *line != "#[cfg(test)]")
            .map(|(at, line)| (at + 1, line))
    }

    /// Files that hold nothing but tests.
    pub fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let folder = ["/integration/", "/tests/"]
            .iter()
            .any(|part| self.path.contains(part));
        folder || name == "tests.rs" || name.starts_with("test_")
    }
}

/// Reads every file with one of these endings, in path order.
///
/// # Errors
/// A folder or file cannot be read.
pub fn read(top: &Path, endings: &[&str]) -> io::Result<Vec<Source>> {
    let mut sources = Vec::new();
    walk(top, top, endings, &mut sources)?;
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn walk(top: &Path, folder: &Path, endings: &[&str], out: &mut Vec<Source>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                walk(top, &path, endings, out)?;
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            let relative = path.strip_prefix(top).unwrap_or(&path).to_string_lossy();
            out.push(Source {
                path: relative.into_owned(),
                text: fs::read_to_string(&path)?,
            });
        }
    }
    Ok(())
}
