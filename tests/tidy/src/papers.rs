//! Papers: documents that promise something about the code must keep the promise.

use crate::Finding;
use crate::source::Source;

/// Every relative link of a document must lead to a file.
pub fn links(document: &Source, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let folder = document
        .path
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder);
    let mut findings = Vec::new();
    for (at, line) in document.text.lines().enumerate() {
        for target in line
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let target = target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            if !exists(&join(folder, target)) {
                let what = format!("link to {target}, which is not there");
                findings.push(Finding::new(&document.path, at + 1, what));
            }
        }
    }
    findings
}

/// Every closed row of the table of regulations names a place and a test that exist:
/// `| R7 | what | hub/policy/src/access.rs | test_name |`; an open row says `open`.
pub fn regulations(table: &Source, sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in table.text.lines().enumerate() {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [number, _, place, tests] = cells[..] else {
            continue;
        };
        if !number.starts_with(['R', 'X', 'K']) || place == "open" {
            continue;
        }
        let mut missing = |what: String| findings.push(Finding::new(&table.path, at + 1, what));
        for path in listed(place) {
            if !sources.iter().any(|source| source.path == path) {
                missing(format!("{number} names {path}, which is not there"));
            }
        }
        for test in listed(tests) {
            if test.is_empty() || !sources.iter().any(|source| has_test(source, test)) {
                missing(format!(
                    "{number} names the test {test:?}, which is not there"
                ));
            }
        }
    }
    findings
}

/// Each thing of a cell such as `` `a`, `b` ``.
fn listed(cell: &str) -> impl Iterator<Item = &str> {
    cell.trim_matches('`').split("`, `")
}

fn has_test(source: &Source, test: &str) -> bool {
    source.text.contains(&format!("fn {test}(")) || source.text.contains(&format!("'{test}'"))
}

/// The number of packages a lock file pins.
pub fn packages(lock: &str) -> usize {
    lock.lines().filter(|line| *line == "[[package]]").count()
}

fn join(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_into_nothing_is_found() {
        let document = Source::new(
            "docs/A.md",
            "[a](B.md#x) [b](../C.md) [c](https://x.example)",
        );
        let found = links(&document, |path| path == "docs/B.md");
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("../C.md"));
    }

    #[test]
    fn a_row_must_name_what_exists_or_say_open() {
        let code = [Source::new(
            "hub/policy/src/access.rs",
            "fn r7_own_unit_only() {}",
        )];
        let row = |text: &str| regulations(&Source::new("docs/REGULATIONS.md", text), &code).len();
        assert_eq!(
            row("| R7 | x | `hub/policy/src/access.rs` | `r7_own_unit_only` |"),
            0
        );
        assert_eq!(
            row("| R7 | x | `hub/policy/src/gone.rs` | `r7_own_unit_only` |"),
            1
        );
        assert_eq!(row("| R7 | x | `hub/policy/src/access.rs` | `gone` |"), 1);
        assert_eq!(row("| R7 | x | `hub/policy/src/access.rs` |  |"), 1);
        assert_eq!(row("| R8 | x | open |  |"), 0);
    }
}
