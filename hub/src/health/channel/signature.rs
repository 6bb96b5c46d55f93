//! Signatures: HMAC-SHA256, each receiver with its own manner. Pure.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::access::secret::hex;

fn mac(key: &str, text: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), text)
}

/// DingTalk: the key is the secret, the text is `milliseconds LF secret`; base64.
#[must_use]
pub fn dingtalk(secret: &str, now_ms: i64) -> String {
    STANDARD.encode(mac(secret, format!("{now_ms}\n{secret}").as_bytes()))
}

/// Feishu: the key is `seconds LF secret`, the text is empty; base64.
#[must_use]
pub fn feishu(secret: &str, now_s: i64) -> String {
    STANDARD.encode(mac(&format!("{now_s}\n{secret}"), b""))
}

/// Our own webhook: the key is the secret, the text is `seconds . body`; hexadecimal
/// (docs/PROTOCOL.md).
#[must_use]
pub fn webhook(secret: &str, now_s: i64, body: &[u8]) -> String {
    let text = [format!("{now_s}.").as_bytes(), body].concat();
    hex(mac(secret, &text).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's hmac, hashlib and base64, which have no line of ours.
    #[test]
    fn signatures_are_what_others_compute() {
        let secret = "SEC0123456789abcdef";
        assert_eq!(
            dingtalk(secret, 1_795_000_000_123),
            "XseT/UQ59WWXT3h5uwwpQpHAwOZ4W9bc5LTIr9ZMAa0="
        );
        assert_eq!(
            feishu(secret, 1_795_000_000),
            "xUQ2H4hJf5lZ+qyMWqNAOqJqtqd7liL9rWQ+8hOOf0A="
        );
        assert_eq!(
            webhook(secret, 1_795_000_000, b"{\"a\":1}"),
            "6515f412d49de045a0f1607342645b83f155a89e05b63b87942201c440e25de8"
        );
    }
}
