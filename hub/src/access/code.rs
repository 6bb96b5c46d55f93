//! Codes that people type: random, in groups of four, forgiving about case, blanks and look-alikes.

use zeroize::Zeroizing;

use super::secret;

/// Crockford's: without I, L, O and U, which are misread or misspelt.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUP: usize = 4;

/// A new code of `groups` groups, 20 bits each.
///
/// # Panics
/// With more than 8 groups.
#[must_use]
pub fn new(groups: usize) -> Zeroizing<String> {
    let random = Zeroizing::new(secret::random::<32>());
    let letters = random[..groups * GROUP]
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    let mut code = Zeroizing::new(String::with_capacity(groups * (GROUP + 1)));
    for (n, letter) in letters.enumerate() {
        if n > 0 && n % GROUP == 0 {
            code.push('-');
        }
        code.push(letter);
    }
    code
}

/// What is stored of a code: SHA-256 of what it is for and of its letters, hex. `None` for what
/// cannot be a code of so many groups.
#[must_use]
pub fn hash(what_for: &str, typed: &str, groups: usize) -> Option<String> {
    let letters = Zeroizing::new(typed.chars().filter_map(letter).collect::<String>());
    let plausible = letters.len() == groups * GROUP;
    plausible.then(|| secret::hash(&Zeroizing::new(format!("xunke {what_for} {}", *letters))))
}

/// Look-alikes are what they look like; what only separates is left out; anything else stays, and
/// fits no code.
fn letter(typed: char) -> Option<char> {
    match typed.to_ascii_uppercase() {
        '-' | ' ' | '\u{3000}' | '－' | '—' | '\t' | '\n' | '\r' => None,
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        letter => Some(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_random_and_in_groups() {
        let code = new(5);
        assert_eq!(code.len(), 24);
        assert!(code.split('-').all(|group| group.len() == 4), "{}", *code);
        assert_ne!(*code, *new(5));
    }

    /// X3: what is stored is no code, and is good for one use only.
    #[test]
    fn typing_is_forgiven_and_meaning_is_not() {
        let hash = |typed| hash("start", typed, 2);
        assert_eq!(hash("10AB-CDEF"), hash(" lo ab－cdef "));
        assert_ne!(hash("10AB-CDEF"), hash("10AB-CDEG"));
        assert_eq!(hash("10AB-CDE"), None);
        assert_eq!(hash(""), None);
        assert_ne!(hash("10AB-CDEF"), super::hash("recovery", "10AB-CDEF", 2));
    }
}
