//! Every entrance as text, one a line: what is asked, and what it needs (DESIGN: one table).

use std::fmt::Write;

use xunke_policy::label;
use xunke_protocol::topic::{Down, HUB_STATE, Up};

use super::boxes;
use super::events;
use super::guard::Needs;
use super::metrics;
use super::routes::{said, table};
use super::viewer::Kind;

const BOX: &str = "the certificate of a box in force";

/// The door, what is asked there, what it needs.
type Row = (&'static str, String, String);

/// Every entrance of the hub: people's routes, words on the live line and events, boxes' routes and
/// topics. Whatever is not here answers 404, 401 or not at all.
#[must_use]
pub fn text() -> String {
    let rows = [
        people(),
        live(),
        told(),
        at_the_boxes_door(),
        mqtt(),
        scraped(),
    ]
    .concat();
    let width = |of: fn(&Row) -> usize| rows.iter().map(of).max().unwrap_or_default();
    let (door, asked) = (width(|row| row.0.len()), width(|row| row.1.len()));
    let mut text = String::new();
    for (at, what, needs) in &rows {
        let line = writeln!(text, "{at:door$}  {what:asked$}  {needs}");
        line.expect("invariant: a text takes every line");
    }
    text
}

fn needs(needs: Needs) -> String {
    match needs {
        Needs::Nobody => "nothing but the campus network".into(),
        Needs::Session => "signed in, the password expired or not; about oneself".into(),
        Needs::SignedIn => "signed in; about oneself".into(),
        Needs::Object(name) => format!("signed in; {name}, asked about the one object"),
        Needs::Action(name, action) => {
            let label = label::of(&action);
            format!("signed in; {name} ({action:?}), label {label}")
        }
    }
}

fn people() -> Vec<Row> {
    let rows = table().into_iter();
    let row = |route: super::routes::Route| {
        let asked = format!("{:6} {}", route.method.as_str(), route.path);
        ("people", asked, needs(route.needs))
    };
    rows.map(row).collect()
}

fn live() -> Vec<Row> {
    let row = |(kind, name)| {
        (
            "people",
            format!("say    /api/live {name}"),
            needs(said(kind)),
        )
    };
    Kind::ALL.into_iter().map(row).collect()
}

fn told() -> Vec<Row> {
    let row = |(name, who)| {
        let asked = format!("hear   /api/events {name}");
        ("people", asked, format!("signed in; {who}"))
    };
    events::kinds().into_iter().map(row).collect()
}

fn at_the_boxes_door() -> Vec<Row> {
    let row = |route: boxes::table::Route| {
        let needs = match route.needs {
            boxes::Needs::Nobody => "no certificate: a one-time code, or a box's signature",
            boxes::Needs::Box => BOX,
        };
        let asked = format!("{:6} {}", route.method.as_str(), route.path);
        ("boxes", asked, needs.to_owned())
    };
    boxes::table::table().into_iter().map(row).collect()
}

fn mqtt() -> Vec<Row> {
    let row = |asked| ("mqtt", asked, format!("{BOX}; its own topics alone"));
    let up = Up::CHANNELS.map(|channel| format!("write  up/{channel}"));
    let down = Down::CHANNELS.map(|channel| format!("read   dn/{channel}"));
    let hub = [format!("read   {HUB_STATE}")];
    up.into_iter().chain(down).chain(hub).map(row).collect()
}

/// Closed unless it is configured.
fn scraped() -> Vec<Row> {
    let needs = "this machine, or the token of metrics.token_file; opaque ids alone";
    vec![("metrics", format!("GET    {}", metrics::PATH), needs.into())]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DESIGN §4.6, X19: one table, every entrance once, and nothing for nobody but signing in.
    #[test]
    fn every_entrance_stands_in_one_table_once() {
        let text = text();
        let lines: Vec<&str> = text.lines().collect();
        let mut asked: Vec<String> = lines.iter().map(|line| words(line)).collect();
        asked.sort();
        let count = asked.len();
        asked.dedup();
        assert_eq!(asked.len(), count);
        for expected in [
            "people POST /api/session",
            "people say /api/live open",
            "people hear /api/events trail",
            "boxes PUT /box/1/segments/{id}",
            "mqtt write up/ev/{kind}",
            "mqtt read dn/cmd/{id}",
        ] {
            assert!(
                asked.iter().any(|line| line.starts_with(expected)),
                "{expected}"
            );
        }
        assert!(lines.iter().all(|line| line.chars().count() <= 160));
    }

    /// X3: whoever is not signed in finds the ways to sign in, and nothing else.
    #[test]
    fn nobody_finds_nothing_but_the_ways_in() {
        let text = text();
        let open = text.lines().filter(|line| line.contains("nothing but"));
        let open: Vec<String> = open.map(route).collect();
        assert_eq!(open, OPEN);
    }

    /// R59: who watches opens a picture, changes to another and closes it, and says how long it was
    /// shown. Nothing speaks into a class, turns its
    /// camera or shows anything in the room; the box refuses orders it does not know.
    #[test]
    fn nothing_reaches_into_a_class() {
        let text = text();
        let said = text.lines().filter(|line| line.contains("  say "));
        let said: Vec<String> = said.map(route).collect();
        assert_eq!(said, ["say /api/live"; 4]);
        let words: Vec<String> = text.lines().map(words).collect();
        for word in ["open", "switch", "shown", "close"] {
            let line = format!("people say /api/live {word} ");
            assert!(words.iter().any(|words| words.starts_with(&line)), "{word}");
        }
    }

    const OPEN: [&str; 11] = [
        "POST /api/session",
        "POST /api/session/link",
        "GET /api/session/single-sign-on",
        "POST /api/session/single-sign-on",
        "POST /api/session/single-sign-on/return",
        "POST /api/session/single-sign-on/code",
        "POST /api/start",
        "POST /api/start/account",
        "POST /api/session/passkey/question",
        "POST /api/session/passkey",
        "GET /api/openapi.json",
    ];

    fn route(line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().skip(1).take(2).collect();
        words.join(" ")
    }

    fn words(line: &str) -> String {
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}
