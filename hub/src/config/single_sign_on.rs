//! `[single_sign_on]`: the school's issuer of OpenID Connect, off while it is not named.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::origin::after_https;

/// Longest label that fits on the button.
const LABEL_CHARS_MAX: usize = 40;
/// Longest identifier of an issuer, a client or a claim.
const NAME_BYTES_MAX: usize = 255;

/// `[single_sign_on]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SingleSignOn {
    /// The issuer, exactly as it calls itself; empty: off.
    pub issuer: String,
    /// What the issuer calls this hub.
    pub client_id: String,
    /// What proves to the issuer that it is this hub.
    pub client_secret_file: PathBuf,
    /// The claim of the ID token that holds the 工号.
    pub staff_number_claim: String,
    /// What is asked for, `openid` among it.
    pub scopes: Vec<String>,
    /// Values of `acr` that stand for two factors; then the hub asks for none of its own (X1).
    pub trusted_acr: Vec<String>,
    /// Values of `amr` that stand for two factors.
    pub trusted_amr: Vec<String>,
    /// The authorities that the issuer's certificate may come from; empty: those of the system.
    pub ca_file: PathBuf,
    /// On the button, in Chinese.
    pub label_zh: String,
    /// On the button, in English.
    pub label_en: String,
}

impl Default for SingleSignOn {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            client_id: String::new(),
            client_secret_file: PathBuf::new(),
            staff_number_claim: "staff_number".into(),
            scopes: vec!["openid".into()],
            trusted_acr: Vec::new(),
            trusted_amr: Vec::new(),
            ca_file: PathBuf::new(),
            label_zh: "统一身份认证登录".into(),
            label_en: "Sign in with the school's account".into(),
        }
    }
}

impl SingleSignOn {
    /// Whether there is an issuer.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.issuer.is_empty()
    }

    /// The key that is wrong, and why. Without an issuer nothing else counts, so that half a
    /// section is a mistake and not an open question.
    pub(super) fn check(&self, origin: &str) -> Result<(), (&'static str, &'static str)> {
        if !self.is_on() {
            return self.check_off();
        }
        let named = |text: &str| !text.is_empty() && text.len() <= NAME_BYTES_MAX;
        let issuer = self.issuer.trim_end_matches('/');
        if after_https(issuer).is_none() || issuer.contains(['?', '#']) {
            return Err((
                "single_sign_on.issuer",
                "must be an address that begins with https://, without ? and #, exactly as the \
                 issuer's own description says",
            ));
        }
        if origin.is_empty() {
            return Err((
                "people.origin",
                "single sign-on needs the address that people type, such as \
                 https://xunke.example.edu.cn:8443",
            ));
        }
        if !named(&self.client_id) {
            return Err(("single_sign_on.client_id", "must be what the issuer gave"));
        }
        if self.client_secret_file.as_os_str().is_empty() {
            return Err((
                "single_sign_on.client_secret_file",
                "must name the file that holds the secret the issuer gave",
            ));
        }
        if !named(&self.staff_number_claim) {
            return Err((
                "single_sign_on.staff_number_claim",
                "must name the claim that holds the staff number",
            ));
        }
        let plain = |scope: &String| named(scope) && !scope.contains(char::is_whitespace);
        if !self.scopes.iter().any(|one| one == "openid") || !self.scopes.iter().all(plain) {
            return Err((
                "single_sign_on.scopes",
                "must contain \"openid\", each scope a word of its own",
            ));
        }
        self.check_words()
    }

    fn check_words(&self) -> Result<(), (&'static str, &'static str)> {
        let trusted = [
            ("single_sign_on.trusted_acr", &self.trusted_acr),
            ("single_sign_on.trusted_amr", &self.trusted_amr),
        ];
        for (key, values) in trusted {
            // `acr` 0 means: no level of assurance at all.
            let worth = |value: &String| !value.trim().is_empty() && value != "0";
            if !values.iter().all(worth) {
                return Err((key, "an empty value or \"0\" stands for no second factor"));
            }
        }
        let labels = [
            ("single_sign_on.label_zh", &self.label_zh),
            ("single_sign_on.label_en", &self.label_en),
        ];
        for (key, label) in labels {
            let chars = label.trim().chars().count();
            if chars == 0 || chars > LABEL_CHARS_MAX {
                return Err((key, "must have 1 to 40 characters"));
            }
        }
        Ok(())
    }

    fn check_off(&self) -> Result<(), (&'static str, &'static str)> {
        let half = !self.client_id.is_empty()
            || !self.client_secret_file.as_os_str().is_empty()
            || !self.ca_file.as_os_str().is_empty();
        if half {
            return Err((
                "single_sign_on.issuer",
                "is empty, so there is no single sign-on; name the issuer or take the section out",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete() -> SingleSignOn {
        SingleSignOn {
            issuer: "https://sso.example.edu.cn/realms/staff".into(),
            client_id: "xunke".into(),
            client_secret_file: "/run/credentials/secret".into(),
            ..SingleSignOn::default()
        }
    }

    const ORIGIN: &str = "https://xunke.example.edu.cn";

    fn key(change: impl FnOnce(&mut SingleSignOn)) -> &'static str {
        let mut rules = complete();
        change(&mut rules);
        rules.check(ORIGIN).unwrap_err().0
    }

    /// X68: off by default, and a section that is half there is named by its key.
    #[test]
    fn a_wrong_key_of_single_sign_on_is_named() {
        assert_eq!(SingleSignOn::default().check(""), Ok(()));
        assert!(!SingleSignOn::default().is_on());
        assert_eq!(complete().check(ORIGIN), Ok(()));
        assert_eq!(complete().check("").unwrap_err().0, "people.origin");
        let issuer = "single_sign_on.issuer";
        for wrong in [
            "http://sso",
            "https://",
            "sso",
            "https://a/?b",
            "https://a b",
        ] {
            assert_eq!(key(|rules| rules.issuer = wrong.into()), issuer, "{wrong}");
        }
        assert_eq!(key(|rules| rules.issuer.clear()), issuer);
        assert_eq!(
            key(|rules| rules.client_id.clear()),
            "single_sign_on.client_id"
        );
        let secret = "single_sign_on.client_secret_file";
        assert_eq!(
            key(|rules| rules.client_secret_file = PathBuf::new()),
            secret
        );
        let claim = "single_sign_on.staff_number_claim";
        assert_eq!(key(|rules| rules.staff_number_claim.clear()), claim);
        let scopes = "single_sign_on.scopes";
        assert_eq!(key(|rules| rules.scopes = vec!["profile".into()]), scopes);
        assert_eq!(key(|rules| rules.scopes.push("a b".into())), scopes);
        let acr = "single_sign_on.trusted_acr";
        assert_eq!(key(|rules| rules.trusted_acr = vec!["0".into()]), acr);
        let amr = "single_sign_on.trusted_amr";
        assert_eq!(key(|rules| rules.trusted_amr = vec![" ".into()]), amr);
        let label = "single_sign_on.label_zh";
        assert_eq!(key(|rules| rules.label_zh = "长".repeat(41)), label);
        assert_eq!(
            key(|rules| rules.label_en.clear()),
            "single_sign_on.label_en"
        );
    }
}
