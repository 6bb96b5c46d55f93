//! Timetables as tables: our own columns, those of students' apps, and every problem of a line.

use super::*;
use crate::sheet;

fn of(text: &str) -> (Vec<Course>, Vec<Problem>) {
    read(&sheet::read(text.as_bytes()).unwrap())
}

fn wrong(line: &str) -> Vec<(usize, &'static str)> {
    let head = "课程名称,星期,开始节,结束节,周次,教室编号,应到人数\n";
    let (courses, problems) = of(&format!("{head}{line}\n"));
    assert!(courses.is_empty(), "{line}");
    let places = problems
        .iter()
        .map(|problem| (problem.line, problem.column));
    places.collect()
}

#[test]
fn the_template_reads_as_it_is_meant() {
    let (courses, problems) = of(TEMPLATE);
    assert_eq!(problems, []);
    let first = &courses[0];
    assert_eq!(
        (first.line, &*first.term, &*first.code),
        (2, "2026-2027-1", "CS1101")
    );
    assert_eq!(
        (&*first.name, &*first.teaching_class),
        ("程序设计基础", "CS1101-01")
    );
    assert_eq!(first.class_groups, ["软件2301", "软件2302"]);
    assert_eq!((&*first.staff_number, &*first.teacher), ("T5001", "李明"));
    assert_eq!((first.weekday, first.periods, first.due), (1, (1, 2), 76));
    assert_eq!((&*first.room, &*first.unit), ("博学楼101", "信息工程学院"));
    assert_eq!(first.weeks.to_string(), "1-16");
    assert_eq!(courses[1].weeks.to_string(), "1、3、5、7");
}

/// The columns that students' timetable apps exchange, with the mark of UTF-8.
#[test]
fn what_students_exchange_is_read() {
    let (courses, problems) = of("\u{feff}课程名称,星期,开始节数,结束节数,老师,地点,周数\n\
         高等数学,3,1,2,李明,博学楼101,1-16周\n\
         体育,五,7,8,韩雪,,2、5、8\n");
    assert_eq!(problems, []);
    assert_eq!((courses[0].weekday, &*courses[0].teacher), (3, "李明"));
    assert_eq!((courses[1].weekday, &*courses[1].room), (5, ""));
    assert_eq!(courses[1].weeks.to_string(), "2、5、8");
}

/// Line and column of everything, not only of the first.
#[test]
fn each_kind_of_mistake_has_its_place() {
    assert_eq!(wrong("高数,8,1,2,1-16,101,40"), [(2, "星期")]);
    assert_eq!(wrong("高数,1,0,2,1-16,101,40"), [(2, "开始节")]);
    assert_eq!(wrong("高数,1,1,两,1-16,101,40"), [(2, "结束节")]);
    assert_eq!(wrong("高数,1,3,2,1-16,101,40"), [(2, "结束节")]);
    assert_eq!(wrong("高数,1,1,2,每周,101,40"), [(2, "周次")]);
    assert_eq!(wrong("高数,1,1,2,1-50,101,40"), [(2, "周次")]);
    assert_eq!(wrong("高数,1,1,2,1-16,101,-1"), [(2, "应到人数")]);
    assert_eq!(wrong(",1,1,2,1-16,101,40"), [(2, "课程名称")]);
    assert_eq!(wrong("高数,9,99,2,?,101,x").len(), 4);
}

#[test]
fn a_missing_column_is_named() {
    let (courses, problems) = of("课程名称,星期,开始节,结束节,地点\n高数,1,1,2,101\n");
    assert!(courses.is_empty());
    assert_eq!(problems.len(), 1);
    assert_eq!((problems[0].line, problems[0].column), (1, "周次"));
    let (_, none) = read(&[]);
    assert_eq!(none[0].zh, EMPTY_FILE.0);
}
