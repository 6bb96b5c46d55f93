//! The address that people type: where single sign-on comes back to, and passkeys are good.

use super::Config;

impl Config {
    /// What people type to come here: `people.origin`, or else the first name of the certificate
    /// and the port. Passkeys are good there and nowhere else.
    #[must_use]
    pub fn origin(&self) -> String {
        if !self.people.origin.is_empty() {
            return self.people.origin.clone();
        }
        let host = self
            .people
            .names
            .first()
            .map_or("localhost", String::as_str);
        match self.people.listen.port() {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        }
    }

    pub(super) fn check_origin(&self) -> Result<(), (&'static str, &'static str)> {
        let origin = &self.people.origin;
        let more = |rest: &str| rest.contains(['/', '?', '#']);
        if !origin.is_empty() && after_https(origin).is_none_or(more) {
            return Err((
                "people.origin",
                "must be https:// with a name and perhaps a port, and nothing after it",
            ));
        }
        Ok(())
    }
}

/// What stands behind `https://`, if it can be an address of lower-case name, port and path.
pub(super) fn after_https(address: &str) -> Option<&str> {
    let rest = address.strip_prefix("https://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let plain = |letter: char| letter.is_ascii_graphic() && !"@\\\"<>".contains(letter);
    let lower = !host.contains(|letter: char| letter.is_ascii_uppercase());
    (!host.is_empty() && lower && rest.chars().all(plain)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X68: browsers compare it letter by letter, and so does an issuer.
    #[test]
    fn an_origin_is_a_name_and_a_port() {
        let checked = |origin: &str| {
            let mut config = Config::default();
            config.people.origin = origin.into();
            (config.check_origin().is_ok(), config.origin())
        };
        let good = "https://xunke.example.edu.cn:8443";
        assert_eq!(checked(good), (true, good.to_owned()));
        assert_eq!(checked(""), (true, "https://localhost:8443".to_owned()));
        for wrong in [
            "xunke.example",
            "http://xunke.example",
            "https://",
            "https://Xunke.example",
            "https://xunke.example/",
            "https://xunke.example?a",
            "https://me@xunke.example",
        ] {
            assert!(!checked(wrong).0, "{wrong}");
        }
    }
}
