//! An institution as data: departments, what they do, levels, units and rules.
//!
//! The two regulations come from two institutions; nothing of either is written in code. What a
//! role may do follows from the duties of the department it belongs to.

use serde::Deserialize;

use crate::agreement;
use crate::level::{Level, Role};
use crate::password;
use crate::retention::{self, Terms};

/// What the program does for a department; who does it is data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// Files applications for permissions (R17).
    FileApplications,
    /// Opens, suspends and revokes permissions (R18).
    OpenPermissions,
    /// Fills in patrol records (R3, R85).
    FileRecords,
    /// Sees devices and faults: numbers and states (R2, R8).
    SeeDevices,
    /// Creates accounts and imports people (R27, R33).
    ManageAccounts,
    /// Gives and takes roles that decide about others (R16, X5).
    AppointOfficers,
    /// Reads who there is, in which unit and role (R16, R26).
    ReadPeople,
    /// Reads the audit trail (R116).
    ReadTrail,
    /// Inspects the trail and signs the finding (R115).
    InspectTrail,
    /// Reads who holds which permission by which application (R26).
    ReadLedger,
    /// Puts decisions about breaches on file (R104).
    FileSanctions,
    /// Decides what is kept longer than others: premium courses and holds (R120, R122).
    KeepRecordings,
    /// Keeps the timetable: what is taught where and when (学习网第六条; R74).
    KeepTimetable,
}

/// One duty of a department, in the words of its article (R1–R5, R10–R12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// The article.
    pub article: String,
    /// Its words.
    pub quote: String,
    /// What the program does for it.
    pub functions: Vec<Function>,
    /// The roles that do it; empty where the program does nothing for it.
    pub by: Vec<Role>,
}

/// A department.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// Short and unique, such as `jwc`.
    pub code: String,
    /// Its name, such as `教务处`.
    pub name: String,
    /// What it is there for.
    pub duties: Vec<Duty>,
}

/// A teaching unit (二级教学单位).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Short and unique.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// What the regulations leave to the school.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// “按学校规定定期更换” (第十一条第2项).
    pub password: password::Rules,
    /// Signing again, and reading before signing.
    pub agreement: agreement::Rules,
    /// “一般课堂教学保存六个月” (学习网第十六条).
    pub recording_months: u32,
    /// Days for which recordings made outside lessons are kept (R121, X23).
    #[serde(default = "outside_days")]
    pub recording_outside_days: u32,
    /// Whether level 2 also reaches a room of another unit while a course of the own unit runs
    /// there; 教务处 decides (R21, Q5).
    pub course_scope: bool,
    /// A live view ends so many minutes after the lesson for which it was opened; `None`: it does
    /// not end with the lesson. 教务处 decides (issue 7).
    #[serde(default)]
    pub live_minutes_after_lesson: Option<u32>,
    /// “定期检查系统日志” (第五条第3项): how often.
    #[serde(default)]
    pub inspection: InspectionRules,
    /// “防范数据泄露风险” (第五条第3项): from when on somebody should look.
    #[serde(default)]
    pub risk: RiskLimits,
    /// “系统权限管理” (第五条第2项): the review of each term.
    #[serde(default)]
    pub review: ReviewRules,
}

const fn outside_days() -> u32 {
    retention::DAYS_MIN
}

impl Rules {
    /// What is decided about how long recordings are kept.
    #[must_use]
    pub const fn terms(&self) -> Terms {
        Terms {
            months: self.recording_months,
            outside_days: self.recording_outside_days,
        }
    }
}

/// When the permissions in force are looked through (R26).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReviewRules {
    /// The teaching week with whose end the review of the term is due.
    pub due_week: u32,
}

impl Default for ReviewRules {
    fn default() -> Self {
        Self { due_week: 4 }
    }
}

/// How often the trail is inspected (R115).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InspectionRules {
    /// Days from one inspection to the next; then the next is late.
    pub every_days: u32,
}

impl Default for InspectionRules {
    fn default() -> Self {
        Self { every_days: 30 }
    }
}

/// From when on something in the trail stands out (R117).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RiskLimits {
    /// Views before this minute of the day are at odd hours.
    pub day_from_minute: u32,
    /// Views from this minute of the day on are at odd hours.
    pub day_until_minute: u32,
    /// More views than this within a day are many.
    pub views_a_day_max: usize,
    /// More views of one teacher than this within a week are a pursuit.
    pub teacher_a_week_max: usize,
    /// More refused attempts than this within an hour are a search.
    pub refused_an_hour_max: usize,
    /// Two addresses within so many minutes are two places.
    pub places_minutes: u32,
    /// Whether signing in from an address for the first time stands out.
    pub new_address: bool,
}

impl Default for RiskLimits {
    fn default() -> Self {
        Self {
            day_from_minute: 7 * 60,
            day_until_minute: 22 * 60,
            views_a_day_max: 60,
            teacher_a_week_max: 5,
            refused_an_hour_max: 10,
            places_minutes: 10,
            new_address: true,
        }
    }
}

/// An institution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Institution {
    /// Short, such as `bgy`.
    pub code: String,
    /// Its name, as printed on forms (R73).
    pub name: String,
    /// The regulation it follows.
    pub regulation: String,
    /// The levels, by number.
    pub levels: Vec<Level>,
    /// The departments.
    pub departments: Vec<Department>,
    /// The teaching units, if they are known already.
    pub units: Vec<Unit>,
    /// What the regulations leave to the school.
    pub rules: Rules,
}

impl Institution {
    /// The level of that number; what is not written down does not exist (R20).
    #[must_use]
    pub fn level(&self, number: u8) -> Option<&Level> {
        self.levels.iter().find(|level| level.number == number)
    }

    /// Whether one of `roles` has the function, by a duty of its department (R1, R2, R20).
    #[must_use]
    pub fn allows(&self, roles: &[Role], function: Function) -> bool {
        let duties = self
            .departments
            .iter()
            .flat_map(|department| &department.duties);
        duties
            .filter(|duty| duty.functions.contains(&function))
            .any(|duty| duty.by.iter().any(|role| roles.contains(role)))
    }
}
