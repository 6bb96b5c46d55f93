//! 第三条第2项: whoever is concerned stands aside.

use crate::refusal::Refusal;

/// What ties a supervisor to a lesson.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// Nothing.
    None,
    /// It is the supervisor's own lesson.
    OwnLesson,
    /// It is the lesson of the head of the supervisor's own unit.
    OwnHead,
}

/// The tie between a supervisor and a lesson, by its teacher and the head of the supervisor's
/// unit, each if known.
pub fn tie<P: PartialEq>(supervisor: &P, teacher: Option<&P>, head: Option<&P>) -> Tie {
    match teacher {
        Some(teacher) if teacher == supervisor => Tie::OwnLesson,
        Some(teacher) if Some(teacher) == head => Tie::OwnHead,
        Some(_) | None => Tie::None,
    }
}

/// “督导人员应公平、公正开展巡课，不得干扰正常教学秩序” (R53).
///
/// # Errors
/// The refusal of 第三条 when the supervisor is concerned.
pub fn impartial(tie: Tie) -> Result<(), Refusal> {
    match tie {
        Tie::None => Ok(()),
        Tie::OwnLesson | Tie::OwnHead => Err(Refusal::RECUSED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R53: not the own class, not that of the own head; anybody else's.
    #[test]
    fn nobody_judges_the_own_class_or_the_own_head() {
        let asked = |teacher, head| impartial(tie(&"王", teacher, head));
        assert_eq!(asked(Some(&"李"), Some(&"张")), Ok(()));
        assert_eq!(asked(None, Some(&"张")), Ok(()));
        assert_eq!(asked(None, None), Ok(()));
        assert_eq!(asked(Some(&"李"), None), Ok(()));
        assert_eq!(asked(Some(&"张"), Some(&"张")), Err(Refusal::RECUSED));
        assert_eq!(tie(&"王", Some(&"王"), Some(&"王")), Tie::OwnLesson);
        assert_eq!(tie(&"王", Some(&"张"), Some(&"张")), Tie::OwnHead);
        assert_eq!(asked(Some(&"王"), None), Err(Refusal::RECUSED));
    }
}
