//! The house as it stands: every rule of tidy over every file of the repository.

use std::fs;
use std::path::{Path, PathBuf};
use xunke_tidy::owners::Owner;
use xunke_tidy::source::{self, Source};
use xunke_tidy::{Finding, arrows, owners, papers, shape};

/// Raising this needs a commit that says why.
const LOCK_PACKAGES_MAX: usize = 530;

const CRATES: [&str; 5] = [
    "protocol/src",
    "agent/src",
    "hub/policy/src",
    "hub/src",
    "tests/tidy/src",
];

const OWNERS: &[Owner<'_>] = &[
    (
        "aes_gcm",
        &[
            "protocol/src/sealed",
            "hub/src/keys",
            "hub/src/access/secret",
        ],
    ),
    ("argon2", &["hub/src/access"]),
    ("axum", &["hub/src/web"]),
    ("calamine", &["hub/src/sheet"]),
    ("fuser", &["tests/src/powercut"]),
    ("gstreamer", &["agent/src/camera", "tests/"]),
    ("http_auth", &["agent/src/camera/onvif"]),
    ("hpke", &["protocol/src/sealed", "hub/src/keys/escrow"]),
    ("jsonwebtoken", &["hub/src/access/single_sign_on", "tests/"]),
    ("landlock", &["agent/src/camera"]),
    ("libseccomp", &["agent/src/camera"]),
    ("md5", &["agent/src/health/equipment", "tests/"]),
    ("lettre", &["hub/src/health/channel/smtp"]),
    ("mp4_atom", &["agent/src/recording"]),
    ("mqttbytes", &["hub/src/endpoint"]),
    ("pdf_writer", &["hub/src/access/agreement"]),
    ("object_store", &["hub/src/recording"]),
    (
        "rcgen",
        &["hub/src/authority", "agent/src/identity", "tests/"],
    ),
    (
        "reqwest",
        &[
            "agent/src/recording/upload",
            "agent/src/identity",
            "hub/src/access/single_sign_on",
            "hub/src/health/channel/post",
            "tests/",
        ],
    ),
    ("quick_xml", &["agent/src/camera/onvif"]),
    ("retina", &["agent/src/camera"]),
    ("v4l", &["agent/src/camera/usb"]),
    ("rumqttc", &["agent/src/link", "hub/src/endpoint", "tests/"]),
    ("sled", &["agent/src/recording/spool", "agent/src/outbox"]),
    ("sm2", &["protocol/src/sealed"]),
    ("sm3", &["protocol/src/sealed"]),
    ("sm4", &["protocol/src/sealed"]),
    ("sqlx", &["hub/src/store"]),
    ("tokio_tungstenite", &["agent/src/live", "tests/"]),
    ("totp_rs", &["hub/src/access", "tests/"]),
    ("utoipa", &["hub/src/web"]),
];

fn top() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("tests/tidy is two folders down")
        .to_path_buf()
}

fn rust() -> Vec<Source> {
    source::read(&top(), &[".rs"]).expect("the repository can be read")
}

fn assert_none(findings: Vec<Finding>) {
    let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

#[test]
fn every_file_has_its_shape() {
    assert_none(rust().iter().flat_map(shape::check).collect());
}

#[test]
fn arrows_follow_the_reading_order() {
    let sources = rust();
    assert_none(
        CRATES
            .iter()
            .flat_map(|root| arrows::check(root, &sources))
            .collect(),
    );
}

#[test]
fn big_dependencies_stay_with_their_owners() {
    assert_none(
        rust()
            .iter()
            .flat_map(|source| owners::check(OWNERS, source))
            .collect(),
    );
}

#[test]
fn agent_and_hub_never_import_each_other() {
    let walls: &[Owner<'_>] = &[
        ("xunke_hub", &["hub/src/main.rs"]),
        (
            "xunke_agent",
            &[
                "agent/src/main.rs",
                "tests/integration/",
                "tests/src/bench/noticing",
                "tests/src/bench/playback",
                "tests/src/bench/spool",
                "tests/src/bench/time",
                "tests/src/bench/upload",
                "tests/src/campus/lone",
                "tests/src/load",
                "tests/src/powercut",
            ],
        ),
        ("xunke_policy", &["hub/", "tests/"]),
    ];
    assert_none(
        rust()
            .iter()
            .flat_map(|source| owners::check(walls, source))
            .collect(),
    );
}

#[test]
fn links_in_documents_resolve() {
    let documents = source::read(&top(), &[".md"]).expect("the repository can be read");
    let exists = |path: &str| top().join(path).exists();
    assert_none(
        documents
            .iter()
            .flat_map(|paper| papers::links(paper, exists))
            .collect(),
    );
}

#[test]
fn every_closed_article_names_its_code_and_its_test() {
    let text = fs::read_to_string(top().join("docs/REGULATIONS.md")).expect("the table is there");
    let code = source::read(&top(), &[".rs", ".ts", ".js", ".vue"]).expect("readable");
    assert_none(papers::regulations(
        &Source::new("docs/REGULATIONS.md", &text),
        &code,
    ));
}

#[test]
fn every_table_stands_in_the_list_of_personal_data() {
    let list = fs::read_to_string(top().join("docs/guides/personal-data.md")).expect("the list");
    let migrations = source::read(&top(), &[".sql"]).expect("readable");
    let list = Source::new("docs/guides/personal-data.md", &list);
    assert_none(papers::personal_data(&list, &migrations));
}

#[test]
fn the_map_lists_the_rooms_that_are_there() {
    let map = fs::read_to_string(top().join("docs/ARCHITECTURE.md")).expect("the map is there");
    for root in ["protocol/src", "agent/src", "hub/src"] {
        let path = format!("{root}/lib.rs");
        let list = Source::new(
            &path,
            &fs::read_to_string(top().join(&path)).expect("readable"),
        );
        let order = arrows::order(&list).join(" ");
        assert!(
            map.contains(&order),
            "docs/ARCHITECTURE.md must list {root}: {order}"
        );
    }
}

#[test]
fn dependencies_stay_within_their_budget() {
    let lock = fs::read_to_string(top().join("Cargo.lock")).expect("the lock file is there");
    let packages = papers::packages(&lock);
    assert!(
        packages <= LOCK_PACKAGES_MAX,
        "{packages} packages; at most {LOCK_PACKAGES_MAX}"
    );
}
