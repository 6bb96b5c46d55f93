//! 第十条第3项 and 附件2 第二条第4项: leaving, and what is handed over.

use crate::refusal::Refusal;

/// What became of a thing on the hand-over list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Given to the receiver.
    HandedOver,
    /// Destroyed before a witness.
    Destroyed,
}

/// One line of the hand-over list: paper, notes, printed forms, tokens (R44, Q13).
#[derive(Debug, Clone)]
pub struct Item<P> {
    /// What it is.
    pub what: String,
    /// Who received or witnessed it; never the giver.
    pub receiver: Option<P>,
    /// What became of it, once it is done.
    pub outcome: Option<Outcome>,
}

/// “申请关闭权限、同时移交本地存储的涉密资料” (R24, R44): done when every line is. The permission itself
/// ends at once and does not wait for this (R23).
///
/// # Errors
/// The refusal while a line is open, or was closed by the giver alone.
pub fn may_close<P: PartialEq>(giver: &P, items: &[Item<P>]) -> Result<(), Refusal> {
    let done = |item: &Item<P>| {
        let witnessed = item
            .receiver
            .as_ref()
            .is_some_and(|receiver| receiver != giver);
        item.outcome.is_some() && witnessed
    };
    if items.iter().all(done) {
        Ok(())
    } else {
        Err(Refusal::HANDOVER_OPEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(receiver: Option<&'static str>, outcome: Option<Outcome>) -> Item<&'static str> {
        Item {
            what: "听课笔记".into(),
            receiver,
            outcome,
        }
    }

    /// R24, R44: every line, and by somebody else.
    #[test]
    fn a_post_is_closed_when_the_list_is() {
        let open = Err(Refusal::HANDOVER_OPEN);
        let done = item(Some("教务处张"), Some(Outcome::HandedOver));
        assert_eq!(may_close(&"督导李", &[]), Ok(()));
        assert_eq!(may_close(&"督导李", std::slice::from_ref(&done)), Ok(()));
        for left in [
            item(None, None),
            item(Some("教务处张"), None),
            item(None, Some(Outcome::Destroyed)),
            item(Some("督导李"), Some(Outcome::HandedOver)),
        ] {
            assert_eq!(may_close(&"督导李", &[done.clone(), left]), open);
        }
    }
}
