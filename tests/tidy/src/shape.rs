//! Shape of a file: header, line, function and file length, names that say nothing.

use crate::Finding;
use crate::source::Source;

/// Columns of a line.
pub const LINE_CHARS_MAX: usize = 100;
/// Lines of a file before its tests.
pub const FILE_LINES_MAX: usize = 500;
/// Lines of a function.
pub const FUNCTION_LINES_MAX: usize = 70;
const EMPTY_NAMES: [&str; 8] = [
    "utils", "common", "helpers", "misc", "types", "manager", "base", "core",
];

/// All findings about one Rust file.
pub fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    header(source, &mut findings);
    name(source, &mut findings);
    lines(source, &mut findings);
    functions(source, &mut findings);
    findings
}

fn header(source: &Source, findings: &mut Vec<Finding>) {
    let first = source.text.lines().next().unwrap_or_default();
    let sentence = first.strip_prefix("//! ").unwrap_or_default();
    if sentence.len() <= 8 {
        let what = "a file begins with `//! ` and a sentence that says what it is for";
        findings.push(Finding::new(&source.path, 1, what));
    }
}

fn name(source: &Source, findings: &mut Vec<Finding>) {
    let parts = source.path.trim_end_matches(".rs").split('/');
    for part in parts.filter(|part| EMPTY_NAMES.contains(part)) {
        let what = format!("`{part}` says nothing; name the file after what it is for");
        findings.push(Finding::new(&source.path, 0, what));
    }
}

fn lines(source: &Source, findings: &mut Vec<Finding>) {
    for (at, line) in source.text.lines().enumerate() {
        let width: usize = line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
        let chars = line.chars().count();
        if chars > LINE_CHARS_MAX && width > LINE_CHARS_MAX {
            let what = format!("{chars} columns; at most {LINE_CHARS_MAX}");
            findings.push(Finding::new(&source.path, at + 1, what));
        }
        if line.trim_start().starts_with("#[allow") {
            let what = "use #[expect(…, reason = \"…\")], never #[allow]";
            findings.push(Finding::new(&source.path, at + 1, what));
        }
    }
    let production = source.production().count();
    if production > FILE_LINES_MAX {
        let what = format!("{production} lines before the tests; at most {FILE_LINES_MAX}");
        findings.push(Finding::new(&source.path, 0, what));
    }
}

/// rustfmt closes a function in the column in which it began.
fn functions(source: &Source, findings: &mut Vec<Finding>) {
    let mut open: Option<(usize, usize)> = None;
    for (at, line) in source.production() {
        let indent = line.len() - line.trim_start().len();
        match open {
            None if begins_function(line) && !line.trim_end().ends_with(['}', ';']) => {
                open = Some((at, indent));
            }
            Some((start, column)) if indent == column && closes(line) => {
                let length = at - start + 1;
                if length > FUNCTION_LINES_MAX {
                    let what = format!("function of {length} lines; at most {FUNCTION_LINES_MAX}");
                    findings.push(Finding::new(&source.path, start, what));
                }
                open = None;
            }
            _ => {}
        }
    }
}

fn closes(line: &str) -> bool {
    let line = line.trim();
    line == "}" || line.ends_with(';')
}

fn begins_function(line: &str) -> bool {
    let words = [
        "pub ",
        "pub(crate) ",
        "pub(super) ",
        "async ",
        "const ",
        "unsafe ",
    ];
    let mut rest = line.trim_start();
    while let Some(word) = words.iter().find(|word| rest.starts_with(**word)) {
        rest = &rest[word.len()..];
    }
    rest.starts_with("fn ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Source::new(path, text))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_good_file_has_no_findings() {
        let text = "//! Sealing: plain in, sealed out.\n\nfn short() {\n}\n";
        assert_eq!(found("agent/src/seal.rs", text), Vec::<String>::new());
    }

    #[test]
    fn each_fault_of_shape_is_named_with_its_line() {
        let long = format!("//! A file with faults.\n// {}\n", "x".repeat(98));
        assert_eq!(found("a.rs", &long), ["a.rs:2: 101 columns; at most 100"]);
        assert_eq!(found("a.rs", "fn main() {}\n").len(), 1);
        assert!(found("hub/src/utils.rs", "//! A drawer of things.\n")[0].contains("says nothing"));
        let allow = "//! A file with faults.\n#[allow(dead_code)]\n";
        assert!(found("a.rs", allow)[0].starts_with("a.rs:2: use #[expect"));
        let body = "    let _ = 1;\n".repeat(69);
        let function = format!("//! A file with faults.\npub async fn long() {{\n{body}}}\n");
        assert_eq!(
            found("a.rs", &function),
            ["a.rs:2: function of 71 lines; at most 70"]
        );
        let file = format!("//! A file with faults.\n{}", "// why\n".repeat(500));
        assert_eq!(
            found("a.rs", &file),
            ["a.rs:0: 501 lines before the tests; at most 500"]
        );
    }

    #[test]
    fn tests_may_be_long() {
        let body = "    let _ = 1;\n".repeat(200);
        let text = format!(
            "//! A file with tests.\n#[cfg(test)]\nmod tests {{\nfn t() {{\n{body}}}\n}}\n"
        );
        assert_eq!(found("a.rs", &text), Vec::<String>::new());
    }
}
