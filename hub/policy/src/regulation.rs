//! The original words of the regulations, to hold every quotation against.

const SUPERVISION: &str = include_str!("../regulations/supervision.txt");
const ANNEX_2: &str = include_str!("../regulations/annex-2.txt");
const LEARNING_NET: &str = include_str!("../regulations/learning-net.txt");
const LAW: &str = include_str!("../regulations/law.txt");

/// The words of the article that a citation such as `附件2 第三条第1项` names.
pub fn article(citation: &str) -> Option<String> {
    let (text, heading) = if let Some(rest) = citation.strip_prefix("附件2 ") {
        (ANNEX_2, rest)
    } else if let Some(rest) = citation.strip_prefix("学习网") {
        (LEARNING_NET, rest)
    } else if citation.starts_with('第') {
        (SUPERVISION, citation)
    } else {
        let line = LAW.lines().find(|line| line.starts_with(citation));
        return line.map(str::to_owned);
    };
    let heading = heading
        .split_once('条')
        .map_or(heading, |(number, _)| number);
    section(text, &format!("{heading}条"))
}

/// The line that begins with `heading` and those up to the next article or chapter.
fn section(text: &str, heading: &str) -> Option<String> {
    let begins = |line: &str| {
        let number = line.split_once(['条', '章']).map(|(number, _)| number);
        number.is_some_and(|number| number.starts_with('第') && number.chars().count() <= 5)
    };
    let mut lines = text.lines().skip_while(|line| !line.starts_with(heading));
    let first = lines.next()?.to_owned();
    let rest = lines.take_while(|line| !begins(line));
    Some(rest.fold(first, |all, line| all + "\n" + line))
}

#[test]
fn an_article_is_found_and_ends_where_the_next_begins() {
    let words = |citation| article(citation).unwrap_or_default();
    assert!(words("第十一条第2项").contains("校内加密网络"));
    assert!(!words("第十一条").contains("二级教学单位应于当日"));
    assert!(words("附件2 第三条第1项").contains("永久取消"));
    assert!(words("学习网第十六条").contains("保存六个月"));
    assert!(words("GB/T 22239—2019 8.1.7.2 b)").contains("不可兼任"));
    assert_eq!(article("第十六条"), None);
    assert_eq!(article("附件2 第九条"), None);
}
