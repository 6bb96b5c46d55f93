//! Owners: each big dependency is named in its room alone, so that replacing it is one room's work.

use crate::Finding;
use crate::source::Source;

/// Which crate may be named where: path prefixes.
pub type Owner<'a> = (&'a str, &'a [&'a str]);

/// Names of owned crates outside their rooms.
pub fn check(owners: &[Owner<'_>], source: &Source) -> Vec<Finding> {
    let foreign = owners
        .iter()
        .filter(|(_, rooms)| !rooms.iter().any(|room| source.path.starts_with(room)));
    let mut findings = Vec::new();
    for (dependency, rooms) in foreign {
        for (at, _) in source
            .production()
            .filter(|(_, line)| names(line, dependency))
        {
            let what = format!("`{dependency}` belongs to {}", rooms.join(", "));
            findings.push(Finding::new(&source.path, at, what));
        }
    }
    findings
}

fn names(line: &str, dependency: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let path = format!("{dependency}::");
    let import = format!("use {dependency}");
    code.match_indices(&path)
        .any(|(at, _)| stands_alone(code, at))
        || code.trim().trim_end_matches(';').ends_with(&import)
}

fn stands_alone(code: &str, at: usize) -> bool {
    let before = code[..at].chars().next_back();
    !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNERS: &[Owner<'_>] = &[("sled", &["agent/src/outbox"])];

    fn found(path: &str, text: &str) -> usize {
        check(OWNERS, &Source::new(path, text)).len()
    }

    #[test]
    fn a_dependency_is_named_at_home_alone() {
        assert_eq!(found("agent/src/outbox/index.rs", "use sled::Db;\n"), 0);
        assert_eq!(found("agent/src/live.rs", "use sled::Db;\nuse sled;\n"), 2);
        assert_eq!(found("agent/src/live.rs", "// sled::Db\nunsled::x();\n"), 0);
    }
}
