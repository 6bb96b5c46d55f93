//! Refusals: a decided "no", the article it rests on, and the sentence shown to the person.

mod list;

/// A decided "no". An answer, not an error: it is audited and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Stable name for programs, such as `agreement_unsigned`.
    pub code: &'static str,
    /// The article, such as `第十一条`; one of the second regulation as `学习网第十六条`.
    pub article: &'static str,
    /// The words of the article, quoted without change.
    pub quote: &'static str,
    /// What the person is told, in Chinese.
    pub zh: &'static str,
    /// What the person is told, in English.
    pub en: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regulation;

    #[test]
    fn codes_are_unique_and_every_sentence_is_there() {
        for (i, refusal) in Refusal::ALL.iter().enumerate() {
            let before = &Refusal::ALL[..i];
            assert!(
                before.iter().all(|other| other.code != refusal.code),
                "{}",
                refusal.code
            );
            assert!(
                refusal.zh.ends_with('。') && refusal.en.ends_with('.'),
                "{}",
                refusal.code
            );
        }
    }

    /// K5: what a refusal quotes stands in the article it names, word for word.
    #[test]
    fn every_refusal_quotes_its_article_without_change() {
        for refusal in Refusal::ALL {
            let words = regulation::article(refusal.article)
                .unwrap_or_else(|| panic!("{}: no {}", refusal.code, refusal.article));
            assert!(
                refusal.quote.chars().count() >= 6,
                "{}: too short",
                refusal.code
            );
            assert!(
                words.contains(refusal.quote),
                "{}: not in {}",
                refusal.code,
                refusal.article
            );
        }
    }
}
