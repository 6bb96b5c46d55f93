//! A plan: what a list of staff would change, against the people there are (R23, R33).

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};
use uuid::Uuid;
use xunke_policy::level::Role;

use super::names;
use super::staff_list::{Wanted, at_roles, at_staff_number, at_unit};
use crate::access::secret::hex;
use crate::sheet::{Problem, Said};
use crate::store::roster::{KnownRow, UnitRow};

/// The people there are, as of one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// Everybody, by staff number.
    pub people: Vec<Known>,
    /// The teaching units.
    pub units: Vec<UnitRow>,
}

/// Somebody there is.
#[derive(Debug, Clone)]
pub struct Known {
    /// As stored.
    pub row: KnownRow,
    /// What they are.
    pub roles: Vec<Role>,
}

/// What becomes of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Is new.
    Add,
    /// Has another name or other roles.
    Change,
    /// Goes to another unit, or is a supervisor no longer.
    Transfer,
    /// 离职.
    Leave,
    /// Left once and is back.
    Return,
}

impl Kind {
    /// The word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Change => "change",
            Self::Transfer => "transfer",
            Self::Leave => "leave",
            Self::Return => "return",
        }
    }
}

/// One step of the plan.
#[derive(Debug, Clone)]
pub struct Step {
    /// What becomes of them.
    pub kind: Kind,
    /// The line of the list.
    pub line: usize,
    /// UUID; a new one for whoever is new.
    pub id: String,
    /// 工号.
    pub staff_number: String,
    /// The name to be.
    pub name: String,
    /// The name before, if it changes.
    pub name_before: Option<String>,
    /// The unit before and to be.
    pub unit: (Option<UnitRow>, Option<UnitRow>),
    /// The roles before and to be.
    pub roles: (Vec<Role>, Vec<Role>),
    /// Whether a permission is handed back with it.
    pub hands_back: bool,
}

/// What a list would change.
#[derive(Debug)]
pub struct Plan {
    /// In the order of the list; who stays as they are is left out.
    pub steps: Vec<Step>,
    /// Who stays as they are.
    pub unchanged: usize,
    /// Who is in office and not in a list of the whole staff.
    pub missing: Vec<Known>,
    /// What is wrong; while there is anything, nothing is written.
    pub problems: Vec<Problem>,
    /// Names exactly this file and these people.
    pub hash: String,
}

/// How many steps of each kind were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// New people.
    pub added: usize,
    /// Other names or roles.
    pub changed: usize,
    /// Other units.
    pub transferred: usize,
    /// Gone.
    pub left: usize,
    /// Back.
    pub returned: usize,
}

impl Plan {
    /// How many steps of each kind there are.
    #[must_use]
    pub fn counts(&self) -> Taken {
        let count = |kind| self.steps.iter().filter(|step| step.kind == kind).count();
        Taken {
            added: count(Kind::Add),
            changed: count(Kind::Change),
            transferred: count(Kind::Transfer),
            left: count(Kind::Leave),
            returned: count(Kind::Return),
        }
    }
}

/// What was read out of a file.
#[derive(Debug, Clone)]
pub struct List {
    /// SHA-256 of the file.
    pub file_hash: [u8; 32],
    /// Whether it is to be everybody.
    pub whole: bool,
    /// Its lines.
    pub wanted: Vec<Wanted>,
    /// What is wrong with others.
    pub problems: Vec<Problem>,
}

/// Compares a list with the people there are; `by` is who imports it.
#[must_use]
pub fn plan(list: &List, snapshot: &Snapshot, by: Uuid) -> Plan {
    let by = by.to_string();
    let known: HashMap<_, _> = snapshot
        .people
        .iter()
        .map(|known| (known.row.staff_number.as_str(), known))
        .collect();
    let mut plan = Plan {
        steps: Vec::new(),
        unchanged: 0,
        missing: Vec::new(),
        problems: list.problems.clone(),
        hash: fingerprint(list, snapshot),
    };
    for wanted in &list.wanted {
        let before = known.get(wanted.staff_number.as_str()).copied();
        match step(wanted, before, &snapshot.units, &by) {
            Ok(Some(step)) => plan.steps.push(step),
            Ok(None) => plan.unchanged += 1,
            Err(problem) => plan.problems.push(problem),
        }
    }
    plan.problems.sort_by_key(|problem| problem.line);
    if list.whole {
        let named: HashSet<_> = list.wanted.iter().map(|one| &*one.staff_number).collect();
        let stays = |known: &&Known| {
            let row = &known.row;
            row.standing != "left" && row.id != by && !named.contains(&*row.staff_number)
        };
        let mut missing: Vec<_> = snapshot.people.iter().filter(stays).cloned().collect();
        missing.retain(|known| !known.roles.iter().any(|role| role.decides()));
        plan.missing = missing;
    }
    plan
}

/// `None` when nothing changes.
fn step(
    wanted: &Wanted,
    before: Option<&Known>,
    units: &[UnitRow],
    by: &str,
) -> Result<Option<Step>, Problem> {
    let line = wanted.line;
    let unit = match &wanted.unit {
        None => None,
        Some(text) => {
            let mut units = units.iter();
            let found = units.find(|unit| unit.name == *text || unit.code == *text);
            Some(
                found
                    .ok_or_else(|| at_unit(line, text, UNKNOWN_UNIT))?
                    .clone(),
            )
        }
    };
    let Some(before) = before else {
        return added(wanted, unit).map(Some);
    };
    let gone = before.row.standing == "left";
    if gone && wanted.left {
        return Ok(None);
    }
    let step = compared(wanted, before, unit, units);
    if step.kind == Kind::Change && same(&step) {
        return Ok(None);
    }
    let number = &wanted.staff_number;
    if before.row.id == by {
        return Err(at_staff_number(line, number, OWN));
    }
    let only_name = step.kind == Kind::Change && step.roles.0 == step.roles.1;
    if before.roles.iter().any(|role| role.decides()) && !only_name {
        return Err(at_staff_number(line, number, DECIDES));
    }
    fits(&step)?;
    Ok(Some(step))
}

fn added(wanted: &Wanted, unit: Option<UnitRow>) -> Result<Step, Problem> {
    let (line, number) = (wanted.line, &wanted.staff_number);
    if wanted.left {
        return Err(at_staff_number(line, number, NOBODY_LEAVES));
    }
    let roles = wanted.roles.clone().unwrap_or_default();
    if roles.is_empty() {
        return Err(at_roles(line, "", NEEDS_ROLE));
    }
    let step = Step {
        kind: Kind::Add,
        line,
        id: Uuid::now_v7().to_string(),
        staff_number: number.clone(),
        name: wanted.name.clone(),
        name_before: None,
        unit: (None, unit),
        roles: (Vec::new(), roles),
        hands_back: false,
    };
    fits(&step)?;
    Ok(step)
}

fn compared(wanted: &Wanted, before: &Known, unit: Option<UnitRow>, units: &[UnitRow]) -> Step {
    let old = before.row.unit_id.as_ref();
    let unit_before = old.and_then(|id| units.iter().find(|unit| unit.id == *id).cloned());
    let decide = before.roles.iter().filter(|role| role.decides());
    let mut roles = match &wanted.roles {
        Some(roles) => decide.chain(roles).copied().collect(),
        None => before.roles.clone(),
    };
    roles.sort_unstable();
    let lost = |role: &Role| role.supervises() && !roles.contains(role);
    let moved = unit_before != unit || before.roles.iter().any(lost);
    let kind = match (before.row.standing == "left", wanted.left) {
        (_, true) => Kind::Leave,
        (true, false) => Kind::Return,
        (false, false) if moved => Kind::Transfer,
        (false, false) => Kind::Change,
    };
    let renamed = before.row.name != wanted.name;
    Step {
        kind,
        line: wanted.line,
        id: before.row.id.clone(),
        staff_number: wanted.staff_number.clone(),
        name: wanted.name.clone(),
        name_before: renamed.then(|| before.row.name.clone()),
        hands_back: before.row.grants > 0 && matches!(kind, Kind::Leave | Kind::Transfer),
        unit: (unit_before, unit),
        roles: (before.roles.clone(), roles),
    }
}

fn same(step: &Step) -> bool {
    step.name_before.is_none() && step.roles.0 == step.roles.1
}

/// R7: level 2 is for the own unit, so its supervisor has one.
fn fits(step: &Step) -> Result<(), Problem> {
    let lacks = step.roles.1.contains(&Role::UnitSupervisor) && step.unit.1.is_none();
    if lacks && step.kind != Kind::Leave {
        return Err(at_unit(step.line, "", NEEDS_UNIT));
    }
    Ok(())
}

/// The file, whether it is everybody, and everybody there is: what a confirmation refers to.
fn fingerprint(list: &List, snapshot: &Snapshot) -> String {
    let mut hash = Sha256::new();
    hash.update(b"xunke list of staff 1\n");
    hash.update(list.file_hash);
    hash.update([u8::from(list.whole)]);
    for known in &snapshot.people {
        let row = &known.row;
        let unit = row.unit_id.as_deref().unwrap_or("");
        let roles = names(&known.roles);
        let (number, name, standing) = (&row.staff_number, &row.name, &row.standing);
        let grants = row.grants;
        let text = format!("{number}\0{name}\0{unit}\0{standing}\0{roles}\0{grants}\n");
        hash.update(text.as_bytes());
    }
    for unit in &snapshot.units {
        hash.update(format!("{}\0{}\0{}\n", unit.id, unit.code, unit.name).as_bytes());
    }
    hex(&hash.finalize())
}

const UNKNOWN_UNIT: Said = (
    "没有这个教学单位，请用系统中的单位名称或代码。",
    "There is no such unit; use its name or code as it is known here.",
);
const NEEDS_UNIT: Said = (
    "二级督导须写明所在教学单位。",
    "A unit supervisor belongs to a unit.",
);
const NEEDS_ROLE: Said = ("新增人员须写明角色。", "Whoever is new has a role.");
const NOBODY_LEAVES: Said = (
    "系统中没有这个工号，不能登记离职。",
    "Nobody has this staff number, so nobody leaves.",
);
const DECIDES: Said = (
    "该人员担任管理角色，其角色、单位与离职不能用名单更改，由安全管理员任免、教务处办理离职。",
    "This person has a role that decides; it is changed by appointment and departure, not by list.",
);
const OWN: Said = (
    "不能用名单更改自己，请由另一位管理员办理。",
    "Nobody changes themselves by a list; ask another administrator.",
);

#[cfg(test)]
mod tests;
