//! 泄露追查 (R106): from the watermark of a picture that got out, or from the segment it was, to the
//! views that could have shown it, with person, address and session; a signed file for the case.
//!
//! 第十三条第3项. Who watched is no verdict about who leaked: people decide (R114).

use std::net::IpAddr;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use uuid::Uuid;
use xunke_policy::patrol::FieldError;

use super::audit::{Entry, Trail};
use super::grant::{By, Error, reasoned};
use super::sanction::Export;
use crate::campus::calendar::date_and_time;
use crate::store::Db;
use crate::store::incident::{self as rows, MarkQuery, SuspectRow};

/// Says what is signed, so that the signature can mean nothing else.
const DOMAIN: &str = "xunke incident 1\n";
const MINUTE_MS: i64 = 60_000;
const MINUTES_MAX: i64 = 24 * 60;
const STAFF_NUMBER_CHARACTERS_MAX: usize = 32;

/// What is known of what got out.
#[derive(Debug, Clone)]
pub enum Trace {
    /// What its watermark says.
    Mark {
        /// 工号; empty when it cannot be read.
        staff_number: String,
        /// The address; empty when it cannot be read.
        address: String,
        /// The time, milliseconds since the epoch.
        at_ms: i64,
        /// Give or take so many minutes.
        minutes: i64,
    },
    /// Which segment it is.
    Segment(Uuid),
}

/// Where leaks are traced. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Incidents {
    db: Db,
    trail: Arc<Trail>,
    signing: SigningKey,
}

impl Incidents {
    /// Traces through `db`, each a line of `trail`; files are signed with `signing`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, signing: SigningKey) -> Self {
        Self { db, trail, signing }
    }

    /// The views that could have shown it, by time, 500 at most.
    ///
    /// # Errors
    /// The field, that there is no such segment, or that the line cannot be written.
    pub async fn trace(
        &self,
        by: By<'_>,
        trace: &Trace,
        why: &str,
    ) -> Result<Vec<SuspectRow>, Error> {
        let (found, entry) = self.found(by, "trace_leak", trace, why).await?;
        self.trail.append(entry, by.now_ms).await?;
        Ok(found)
    }

    /// The same as a file, signed by the hub.
    ///
    /// # Errors
    /// As for [`Incidents::trace`].
    pub async fn export(&self, by: By<'_>, trace: &Trace, why: &str) -> Result<Export, Error> {
        let (found, entry) = self.found(by, "export_incident", trace, why).await?;
        let text = document(by, &entry, &found);
        self.trail.append(entry, by.now_ms).await?;
        Ok(Export::sign(&self.signing, DOMAIN, text))
    }

    async fn found(
        &self,
        by: By<'_>,
        action: &'static str,
        trace: &Trace,
        why: &str,
    ) -> Result<(Vec<SuspectRow>, Entry), Error> {
        let why = reasoned(why)?;
        let found = match trace {
            Trace::Segment(id) => self.shown(*id).await?,
            mark => rows::by_mark(&self.db, query(mark)?).await?,
        };
        let entry = Entry {
            object: object(trace),
            purpose: why.to_owned(),
            detail: format!("{} views", found.len()),
            ..by.done(action)
        };
        Ok((found, entry))
    }

    async fn shown(&self, id: Uuid) -> Result<Vec<SuspectRow>, Error> {
        let segment = rows::segment(&self.db, &id.to_string()).await?;
        let segment = segment.ok_or(Error::Field(NO_SEGMENT))?;
        Ok(rows::by_segment(&self.db, &segment).await?)
    }
}

/// What the watermark says as it can be looked for: something of it, and the time.
fn query(trace: &Trace) -> Result<MarkQuery<'_>, Error> {
    let Trace::Mark {
        staff_number,
        address,
        at_ms,
        minutes,
    } = trace
    else {
        return Err(Error::Field(NO_MARK));
    };
    let (staff_number, address) = (staff_number.trim(), address.trim());
    let long = staff_number.chars().count() > STAFF_NUMBER_CHARACTERS_MAX;
    let readable = address.is_empty() || address.parse::<IpAddr>().is_ok();
    if (staff_number.is_empty() && address.is_empty()) || long || !readable {
        return Err(Error::Field(NO_MARK));
    }
    if !(0..=MINUTES_MAX).contains(minutes) {
        return Err(Error::Field(NO_MINUTES));
    }
    let around = minutes * MINUTE_MS;
    Ok(MarkQuery {
        staff_number,
        address,
        span: (at_ms.saturating_sub(around), at_ms.saturating_add(around)),
    })
}

fn object(trace: &Trace) -> String {
    match trace {
        Trace::Segment(id) => format!("segment {id}"),
        Trace::Mark {
            staff_number,
            address,
            at_ms,
            minutes,
        } => {
            let time = date_and_time(*at_ms);
            let mark = [staff_number.trim(), address.trim()].join(" ");
            format!("watermark {} {time} ±{minutes} min", mark.trim())
        }
    }
}

/// The file, a fact a line.
fn document(by: By<'_>, entry: &Entry, found: &[SuspectRow]) -> String {
    let person = &by.session.person;
    let mut lines = vec![
        "泄露追查记录（管理办法第十三条第3项）".to_owned(),
        format!("线索：{}", entry.object),
        format!("事由：{}", entry.purpose),
        format!("追查：{} {}", person.name, person.staff_number),
        format!("时间：{}", date_and_time(by.now_ms)),
        format!(
            "可能的查看：{} 次。查看过不等于泄露，由人判断。",
            found.len()
        ),
    ];
    lines.extend(found.iter().map(line));
    lines.join("\n")
}

fn line(row: &SuspectRow) -> String {
    let time = |at_ms: Option<i64>| at_ms.map_or_else(|| "–".into(), date_and_time);
    let kind = match row.kind.as_str() {
        "live" => "实时",
        _ => "回放",
    };
    format!(
        "{} {}；地址 {}；登录 {}；{} {}；{} – {}；目的 {}；审计记录 {}；查看 {}",
        row.person,
        row.staff_number,
        row.address,
        time(row.session_ms),
        row.room,
        kind,
        date_and_time(row.opened_ms),
        time(row.closed_ms),
        row.purpose,
        row.trail_seq,
        row.id,
    )
}

const NO_MARK: FieldError = FieldError {
    field: "staff_number",
    zh: "请填写水印上的工号或地址（IP），至少一项；或填写分段编号。",
    en: "Give the staff number or the address (IP) of the watermark, or the id of a segment.",
};
const NO_MINUTES: FieldError = FieldError {
    field: "minutes",
    zh: "前后时间为 0 至 1440 分钟。",
    en: "Give or take 0 to 1440 minutes.",
};
const NO_SEGMENT: FieldError = FieldError {
    field: "segment",
    zh: "没有这个分段，请核对编号。",
    en: "There is no such segment; check its id.",
};

#[cfg(test)]
mod tests;
