//! Exports with a `kbList`.

use super::*;

#[test]
fn an_entry_is_a_course() {
    let file = "\u{feff} {\"sfxsd\": \"1\", \"kbList\": [{\"xnm\": \"2026\", \"xqm\": \"3\",
        \"kch\": \"CS1101\", \"kcmc\": \"程序设计基础\", \"jxbmc\": \"CS1101-01\",
        \"jxbzc\": \"软件2301;软件2302\", \"jgh\": \"T5001\", \"xm\": \"李明\", \"xqj\": \"1\",
        \"jcs\": \"1-2\", \"jc\": \"1-2节\", \"zcd\": \"1-16周(单)\", \"cdmc\": \"博学楼101\",
        \"jxbrs\": \"76\", \"xf\": \"4.0\"}]}";
    assert!(is_json(file.as_bytes()));
    let (courses, problems) = read(file.as_bytes()).unwrap();
    assert_eq!(problems, []);
    let one = &courses[0];
    assert_eq!(
        (one.line, &*one.term, one.weekday, one.periods),
        (1, "2026-2027-1", 1, (1, 2))
    );
    assert_eq!((one.class_groups.len(), one.due), (2, 76));
    assert_eq!(one.weeks.to_string(), "1、3、5、7、9、11、13、15");
}

#[test]
fn what_is_wrong_is_named_by_entry_and_key() {
    let file = r#"{"kbList": [{"kcmc": "高数", "xqj": "1", "jcs": "1-2", "zcd": "1-16"},
        {"kcmc": "", "xqj": "8", "jcs": "2-1", "zcd": "x", "jxbrs": "many"}]}"#;
    let (courses, problems) = read(file.as_bytes()).unwrap();
    assert_eq!((courses.len(), &*courses[0].term), (1, ""));
    let places: Vec<_> = problems.iter().map(|one| (one.line, one.column)).collect();
    assert_eq!(
        places,
        [
            (2, "kcmc"),
            (2, "xqj"),
            (2, "jcs"),
            (2, "jxbrs"),
            (2, "周次")
        ]
    );
}

#[test]
fn what_is_no_export_is_said_with_its_place() {
    let error = read(b"{\"kbList\": [\n{\"kcmc\": }]}").unwrap_err();
    assert!(error.zh.contains("第 2 行"), "{}", error.zh);
    assert!(read(b"{}").is_err());
    assert!(!is_json("课程名称".as_bytes()));
}
