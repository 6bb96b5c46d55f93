//! Recovery codes: ten, each good once in place of the second factor, shown once (X1).
//!
//! 附件2 第二条第2项 asks that an account is its owner's alone: of a code only its hash is kept.

use zeroize::Zeroizing;

use super::code;
use crate::store::{self, Db, Writing, account};

/// How many somebody has at a time.
pub const CODES: usize = 10;
/// From this few on, the person is asked to make new ones.
pub const FEW: i64 = 3;
/// 80 bits: out of reach also for somebody who has the hashes.
const GROUPS: usize = 4;

/// Makes new codes in place of all earlier ones, as part of what the reason is.
///
/// # Errors
/// When the store fails.
pub async fn renew(
    writing: &mut Writing,
    person_id: &str,
    now_ms: i64,
) -> Result<Vec<Zeroizing<String>>, store::Error> {
    let codes: Vec<_> = (0..CODES).map(|_| code::new(GROUPS)).collect();
    let hashes: Vec<_> = codes
        .iter()
        .filter_map(|code| hash(person_id, code))
        .collect();
    account::set_recovery_codes(writing, person_id, &hashes, now_ms).await?;
    Ok(codes)
}

/// Uses up a code; false when it is none of this person's, or was used.
///
/// # Errors
/// When the store fails.
pub async fn use_up(
    db: &Db,
    person_id: &str,
    typed: &str,
    now_ms: i64,
) -> Result<bool, store::Error> {
    match hash(person_id, typed) {
        Some(hash) => account::use_recovery_code(db, person_id, &hash, now_ms).await,
        None => Ok(false),
    }
}

fn hash(person_id: &str, typed: &str) -> Option<String> {
    code::hash(&format!("recovery {person_id}"), typed, GROUPS)
}
