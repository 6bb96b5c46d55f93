//! The college of the demonstration: its units, buildings, rooms and people.

use xunke_policy::level::Role;

/// Code and name of the teaching units.
pub const UNITS: [(&str, &str); 2] = [("XX", "信息工程学院"), ("JD", "机电工程学院")];
/// The buildings.
pub const BUILDINGS: [&str; 2] = ["博学楼", "致远楼"];

const TEACHERS: [&str; 12] = [
    "李明", "韩雪", "郭涛", "马丽", "何静", "罗斌", "梁艳", "宋杰", "唐敏", "许峰", "邓超", "冯娟",
];

/// Somebody of the college.
pub struct Player {
    /// The role, or `school_supervisor_unsigned`.
    pub label: &'static str,
    /// What they are.
    pub role: Role,
    /// Their name.
    pub name: &'static str,
    /// Their staff number.
    pub login: String,
    /// Index of their unit.
    pub unit: Option<usize>,
    /// The level that was opened for them.
    pub level: Option<i64>,
    /// Whether their agreement is on file.
    pub signed: bool,
}

/// Rooms alternate between the units.
pub fn unit_of(room: usize) -> usize {
    room % UNITS.len()
}

/// Two rooms in one building, two in the other.
pub fn building_of(room: usize) -> usize {
    room / UNITS.len() % BUILDINGS.len()
}

/// Such as `博学楼101`: eight rooms a floor.
pub fn room_name(room: usize) -> String {
    let in_building = room / 4 * 2 + room % 2;
    let (floor, door) = (in_building / 8 + 1, in_building % 8 + 1);
    format!("{}{floor}0{door}", BUILDINGS[building_of(room)])
}

/// The people of G01, and one teacher a room.
pub fn people(rooms: usize) -> Vec<Player> {
    let staff = |label, role, name, login: &str| Player {
        label,
        role,
        name,
        login: login.into(),
        unit: None,
        level: None,
        signed: true,
    };
    use Role::{
        AcademicAffairs, AuditAdministrator, SchoolSupervisor, SecurityAdministrator, Technician,
        UnitLeader, UnitSupervisor,
    };
    let mut people = vec![
        Player {
            level: Some(1),
            ..staff("school_supervisor", SchoolSupervisor, "王建国", "D1001")
        },
        Player {
            level: Some(2),
            unit: Some(0),
            ..staff("unit_supervisor", UnitSupervisor, "李秀英", "D2001")
        },
        Player {
            level: Some(2),
            unit: Some(1),
            ..staff("unit_supervisor", UnitSupervisor, "张志强", "D2002")
        },
        Player {
            level: Some(1),
            signed: false,
            ..staff(
                "school_supervisor_unsigned",
                SchoolSupervisor,
                "赵德明",
                "D1002",
            )
        },
        Player {
            level: Some(3),
            ..staff("technician", Technician, "陈立", "J3001")
        },
        staff(
            "security_administrator",
            SecurityAdministrator,
            "刘芳",
            "J3002",
        ),
        staff("audit_administrator", AuditAdministrator, "孙敏", "J3003"),
        staff("academic_affairs", AcademicAffairs, "周婷", "A4001"),
        Player {
            unit: Some(0),
            ..staff("unit_leader", UnitLeader, "吴刚", "U5001")
        },
    ];
    people.extend((0..rooms).map(|n| Player {
        unit: Some(unit_of(n)),
        signed: false,
        ..staff(
            "teacher",
            Role::Teacher,
            TEACHERS[n % TEACHERS.len()],
            &format!("T{}", 6001 + n),
        )
    }));
    people
}
