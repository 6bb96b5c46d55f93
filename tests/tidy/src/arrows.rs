//! Arrows: the order of `mod` lines is the order in which modules may use each other.
//!
//! Checked at the top of a crate (`crate::room`) and inside a room (`super::file`).

use crate::Finding;
use crate::source::Source;

/// All arrows of one crate that point down its reading order. `root` is its `src` folder.
pub fn check(root: &str, sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for list in sources.iter().filter(|source| is_list(root, source)) {
        let folder = folder_of(&list.path);
        let order = order(list);
        for source in sources {
            if let Some(member) = member(&folder, &source.path, &order) {
                arrows(source, &folder, root, &order, member, &mut findings);
            }
        }
    }
    findings
}

/// The modules that a `lib.rs` or `mod.rs` declares, in order.
pub fn order(list: &Source) -> Vec<String> {
    let declared = list.production().filter_map(|(_, line)| {
        let rest = line
            .strip_prefix("pub(crate) ")
            .or(line.strip_prefix("pub "))
            .unwrap_or(line);
        rest.strip_prefix("mod ")?
            .strip_suffix(';')
            .map(str::to_owned)
    });
    declared.collect()
}

fn is_list(root: &str, source: &Source) -> bool {
    source.path.starts_with(root)
        && (source.path == format!("{root}/lib.rs") || source.path.ends_with("/mod.rs"))
}

fn folder_of(path: &str) -> String {
    path.rsplit_once('/')
        .map_or(String::new(), |(folder, _)| folder.to_owned())
}

fn member(folder: &str, path: &str, order: &[String]) -> Option<usize> {
    let rest = path.strip_prefix(folder)?.strip_prefix('/')?;
    let name = rest.split('/').next()?.trim_end_matches(".rs");
    order.iter().position(|module| module == name)
}

fn arrows(
    source: &Source,
    folder: &str,
    root: &str,
    order: &[String],
    member: usize,
    findings: &mut Vec<Finding>,
) {
    let inner = folder
        .strip_prefix(root)
        .unwrap_or_default()
        .trim_matches('/');
    let absolute = match inner {
        "" => "crate::".to_owned(),
        rooms => format!("crate::{}::", rooms.replace('/', "::")),
    };
    let direct = folder_of(&source.path) == folder && !source.path.ends_with("/mod.rs");
    for (at, line) in source.production() {
        let code = line.split("//").next().unwrap_or_default();
        if code.trim_start().starts_with("use crate::{") {
            findings.push(Finding::new(
                &source.path,
                at,
                "one path for each `use crate::…`",
            ));
        }
        let mut used = names_after(code, &absolute);
        if direct {
            used.extend(names_after(code, "super::"));
        }
        for name in used {
            let Some(target) = order.iter().position(|module| *module == name) else {
                continue;
            };
            if target > member {
                let what = format!("uses `{name}`, which stands below `{}`", order[member]);
                findings.push(Finding::new(&source.path, at, what));
            }
        }
    }
}

fn names_after(code: &str, prefix: &str) -> Vec<String> {
    let uses = code.match_indices(prefix).filter(|(at, _)| {
        let before = code[..*at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    });
    let names = uses.map(|(at, _)| {
        let rest = &code[at + prefix.len()..];
        rest.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<_> = files
            .iter()
            .map(|(path, text)| Source::new(path, text))
            .collect();
        check("hub/src", &sources)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    const LIB: (&str, &str) = ("hub/src/lib.rs", "pub mod store;\nmod web;\n");

    #[test]
    fn up_is_allowed_and_down_is_not() {
        let up = ("hub/src/web/mod.rs", "use crate::store::Db;\n");
        assert_eq!(found(&[LIB, up]), Vec::<String>::new());
        let down = (
            "hub/src/store.rs",
            "//! x\nfn f() { crate::web::serve(); }\n",
        );
        let expect = ["hub/src/store.rs:2: uses `web`, which stands below `store`"];
        assert_eq!(found(&[LIB, down]), expect);
    }

    #[test]
    fn the_order_holds_inside_a_room_too() {
        let room = ("hub/src/web/mod.rs", "mod error;\nmod live;\n");
        let down = (
            "hub/src/web/error.rs",
            "use super::live::Live;\nuse crate::web::live::L;\n",
        );
        assert_eq!(found(&[LIB, room, down]).len(), 2);
        let up = ("hub/src/web/live.rs", "use super::error::Error;\n");
        assert_eq!(found(&[LIB, room, up]), Vec::<String>::new());
    }

    #[test]
    fn comments_and_tests_may_point_anywhere() {
        let text = "//! See crate::web::x.\n// crate::web\n\
            #[cfg(test)]\nmod tests { use crate::web::X; }\n";
        assert_eq!(
            found(&[LIB, ("hub/src/store.rs", text)]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn grouped_imports_hide_arrows() {
        let text = ("hub/src/web/mod.rs", "use crate::{store};\n");
        assert_eq!(
            found(&[LIB, text]),
            ["hub/src/web/mod.rs:1: one path for each `use crate::…`"]
        );
    }
}
