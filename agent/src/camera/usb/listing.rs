//! Which video devices this machine has, for a technician: names, sockets, links and modes, never
//! a picture.

use super::enumerate::modes;
use super::node::{CLASS, names};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// By socket first: two cameras of one make have the same id.
const LINKS: [&str; 2] = ["/dev/v4l/by-path", "/dev/v4l/by-id"];

/// One video device that gives pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What it calls itself.
    pub name: String,
    /// Where it is plugged in, such as `1-2:1.0`.
    pub bus: String,
    /// Its device file now.
    pub node: PathBuf,
    /// Links that mean it, the stable one first.
    pub links: Vec<PathBuf>,
    /// What it offers, a line each; the chosen one first.
    pub modes: Vec<String>,
    /// Why it could not be asked.
    pub trouble: Option<String>,
}

/// Every video device that gives pictures.
#[must_use]
pub fn plugged_in() -> Vec<Listed> {
    let names = names(Path::new(CLASS));
    let listed = names.iter().filter_map(|name| one(name));
    listed.collect()
}

/// `None` for a device that gives no pictures, such as the second one of most cameras.
fn one(name: &str) -> Option<Listed> {
    let node = Path::new("/dev").join(name);
    let (lines, trouble) = match modes(&node) {
        Ok(modes) if modes.is_empty() => return None,
        Ok(modes) => {
            let chosen = super::choice::choose(&modes);
            let rest = modes.iter().filter(|mode| Some(**mode) != chosen);
            let all = chosen.iter().chain(rest);
            (all.map(ToString::to_string).collect(), None)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let class = Path::new(CLASS).join(name);
    let told = std::fs::read_to_string(class.join("name")).unwrap_or_default();
    let device = class.join("device").canonicalize().ok();
    let bus = device.as_deref().and_then(Path::file_name);
    Some(Listed {
        name: plain(&told),
        bus: bus.map_or_else(String::new, |bus| bus.to_string_lossy().into_owned()),
        links: links(&node),
        node,
        modes: lines,
        trouble,
    })
}

fn links(node: &Path) -> Vec<PathBuf> {
    let all = LINKS.iter().flat_map(|folder| {
        let names = names(Path::new(folder)).into_iter();
        names.map(|name| Path::new(folder).join(name))
    });
    let means = |link: &PathBuf| link.canonicalize().is_ok_and(|file| file == node);
    all.filter(means).collect()
}

/// A device writes its own name.
fn plain(text: &str) -> String {
    let letters = text.trim().chars().filter(|letter| !letter.is_control());
    letters.take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_do_nothing_to_a_terminal() {
        assert_eq!(plain("HD\u{1b}[2J Webcam\n"), "HD[2J Webcam");
        assert_eq!(plain(&"x".repeat(999)).len(), 64);
    }

    /// This machine may have none; whatever it has can be listed.
    #[test]
    fn whatever_is_plugged_in_is_listed() {
        for one in plugged_in() {
            assert!(one.node.starts_with("/dev") && !one.name.is_empty());
            assert!(one.trouble.is_some() || !one.modes.is_empty());
        }
    }
}
