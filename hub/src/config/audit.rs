//! `[audit]`: the copy of the audit trail on another machine.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// `[audit]`; there is no key for how long the trail is kept: nothing of it is deleted, so it
/// outlives every recording (X8, docs/decisions/0010).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// A mounted folder of another machine, for the file of each signed day; empty: none.
    pub copy_dir: PathBuf,
}

impl Audit {
    /// A copy beside the original goes with it.
    pub(super) fn check(&self, data_dir: &Path) -> Result<(), (&'static str, &'static str)> {
        let folder = &self.copy_dir;
        if folder.as_os_str().is_empty() {
            return Ok(());
        }
        if !folder.is_absolute() {
            return Err((
                "audit.copy_dir",
                "name the folder from the root, such as /mnt/trail",
            ));
        }
        if folder.starts_with(data_dir) {
            return Err((
                "audit.copy_dir",
                "lies in data_dir; name the mounted folder of another machine",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X8: a copy beside the original is none.
    #[test]
    fn a_copy_lies_on_another_machine() {
        let check = |folder: &str| {
            let audit = Audit {
                copy_dir: folder.into(),
            };
            audit.check(Path::new("/var/lib/xunke-hub"))
        };
        assert_eq!(check(""), Ok(()));
        assert_eq!(check("/mnt/trail"), Ok(()));
        for wrong in ["trail", "/var/lib/xunke-hub", "/var/lib/xunke-hub/trail"] {
            assert_eq!(check(wrong).unwrap_err().0, "audit.copy_dir", "{wrong}");
        }
    }

    /// X8: nobody can have the trail forgotten sooner than a recording: there is no such key, and
    /// no statement of the store changes or deletes a line.
    #[test]
    fn the_trail_is_kept_for_ever() {
        for key in ["keep_days = 180", "keep_months = 6", "delete_after = 1"] {
            let error = toml::from_str::<Audit>(key).unwrap_err();
            assert!(error.message().contains("unknown field"), "{error}");
        }
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut statements = 0;
        let mut folders = ["src/store", "migrations"]
            .map(|name| home.join(name))
            .to_vec();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap();
                let bare = |word: &str| word.trim_matches(['"', ';', ',']).to_owned();
                let words: Vec<_> = text.split_whitespace().map(bare).collect();
                let adds = words.windows(2).filter(|two| *two == ["INTO", "trail"]);
                statements += adds.count();
                let takes = words.windows(2).any(|two| two == ["UPDATE", "trail"]);
                let deletes = words.windows(3).any(|three| {
                    three == ["DELETE", "FROM", "trail"] || three == ["DROP", "TABLE", "trail"]
                });
                assert!(!takes && !deletes, "{}", path.display());
            }
        }
        assert_eq!(statements, 1, "lines come from one place");
    }
}
