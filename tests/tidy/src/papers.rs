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

/// Every table of the store stands in the list of personal data, and the list names no other: what
/// is not asked for there is not collected (X18). `migrations` in their order.
pub fn personal_data(list: &Source, migrations: &[Source]) -> Vec<Finding> {
    let tables = tables(migrations);
    let named: Vec<_> = list.text.split('`').skip(1).step_by(2).collect();
    let missing = tables.iter().filter(|table| !named.contains(table));
    let missing = missing.map(|table| format!("the table {table} is not listed"));
    let first_cell = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    let rows = list.text.lines().filter_map(first_cell);
    let gone = rows.filter(|row| !tables.contains(&row.as_str()));
    let gone = gone.map(|row| format!("the table {row} is not there"));
    let found = missing.chain(gone);
    found
        .map(|what| Finding::new(&list.path, 1, what))
        .collect()
}

/// The tables that are there after all migrations.
fn tables(migrations: &[Source]) -> Vec<&str> {
    let mut tables = Vec::new();
    for line in migrations.iter().flat_map(|source| source.text.lines()) {
        if let Some(made) = line.strip_prefix("CREATE TABLE ") {
            tables.extend(made.split_whitespace().next());
        } else if let Some(gone) = line.strip_prefix("DROP TABLE ") {
            tables.retain(|table| *table != gone.trim_end_matches(';'));
        }
    }
    tables
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
    fn a_table_of_the_store_is_listed() {
        let migrations = [
            Source::new("1.sql", "CREATE TABLE persons (\n  id TEXT\n);"),
            Source::new("2.sql", "CREATE TABLE old (\n);\nDROP TABLE old;"),
        ];
        let found = |text: &str| personal_data(&Source::new("list.md", text), &migrations).len();
        assert_eq!(found("| `persons` | name |"), 0);
        assert_eq!(found("none but `persons`"), 0);
        assert_eq!(found("| persons | name |"), 1);
        assert_eq!(found("| `persons` | name |\n| `old` | name |"), 1);
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
