//! A wrong key is named with its line; the shipped file equals the defaults.

use super::*;

const SHIPPED: &str = include_str!("../../../configs/agent.toml");

fn complaint(text: &str) -> String {
    let wrong = parse(text).expect_err("this configuration is wrong");
    wrong.at(Path::new("agent.toml")).to_string()
}

#[test]
fn the_shipped_file_is_the_defaults() {
    assert_eq!(parse(SHIPPED).unwrap(), Config::default());
    assert_eq!(parse("").unwrap(), Config::default());
}

/// Each key of each struct stands in the shipped file: taking any line away changes nothing, but
/// doubling any number must change something, so no line is a comment in disguise.
#[test]
fn every_key_of_the_shipped_file_is_read() {
    for (at, line) in SHIPPED.lines().enumerate() {
        let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let other = match value {
            "true" => "false".to_owned(),
            "[]" => "[\"10.0.0.0/24\"]".to_owned(),
            "\"\"" if key == "listen" => "\"127.0.0.1:9469\"".to_owned(),
            "\"\"" => "\"22:00-06:00\"".to_owned(),
            "\"0\"" | "\"1\"" => "\"7\"".to_owned(),
            text if text.starts_with('"') => text.replace("x", "y"),
            number => (number.parse::<u64>().unwrap() - 1).max(1).to_string(),
        };
        let changed: Vec<String> = SHIPPED
            .lines()
            .enumerate()
            .map(|(n, old)| {
                if n == at {
                    format!("{key} = {other}")
                } else {
                    old.to_owned()
                }
            })
            .collect();
        let read = parse(&changed.join("\n")).unwrap_or_else(|wrong| panic!("{key}: {wrong:?}"));
        assert_ne!(read, Config::default(), "{key}");
    }
}

#[test]
fn the_example_camera_in_the_shipped_file_is_a_camera() {
    let start = SHIPPED.find("# [[camera]]").unwrap();
    let example: Vec<_> = SHIPPED[start..].lines().map(|line| &line[2..]).collect();
    let config = parse(&example.join("\n")).unwrap();
    let camera = &config.cameras[0];
    assert_eq!(camera.name.as_str(), "cam0");
    assert!(camera.sub_url.is_some() && camera.credentials_file.is_some());
    let screen = &config.cameras[1];
    assert!(screen.device.is_some() && screen.shows == Shows::Screen);
    let kinds: Vec<_> = config.equipment.iter().map(|piece| piece.kind).collect();
    use EquipmentKind::{Http, Icmp, Projector, Tcp};
    assert_eq!(kinds, [Projector, Tcp, Http, Icmp]);
}

#[test]
fn a_complaint_names_file_line_and_key() {
    let cases = [
        (
            "\nstate_dri = \"/x\"",
            "agent.toml:2: state_dri: unknown field",
        ),
        (
            "[hub]\nurl = 7",
            "agent.toml:2: hub.url: invalid type: integer",
        ),
        (
            "[hub]\nurl = \"http://x\"",
            "agent.toml:2: hub.url: must look like https://",
        ),
        ("[hub]\n\nport = 1", "agent.toml:3: hub.port: unknown field"),
        (
            "[link]\nwindow = 0",
            "agent.toml:2: link.window: 0 must be between 1 and 1024",
        ),
        (
            "[link]\nwindow = 70000",
            "agent.toml:2: link.window: invalid value",
        ),
        (
            "state_dir = \"x\"",
            "agent.toml:1: state_dir: must be an absolute path",
        ),
        ("[spool]\n[spool]", "agent.toml:2: spool: duplicate key"),
        (
            "[spool]\nmib_max = 64\nslot_mib = 64",
            "agent.toml:2: spool.mib_max: 64 is too little for 0 cameras: 128 or more",
        ),
        ("[live", "agent.toml:1: live:"),
        (
            "[upload]\nkib_per_second_max = 63",
            "agent.toml:2: upload.kib_per_second_max: 63 must be 0 (no limit) or between 64 and",
        ),
        (
            "[upload]\nin_flight_max = 0",
            "agent.toml:2: upload.in_flight_max: 0 must be between 1 and 8",
        ),
        (
            "[upload]\n\nhours = \"22-6\"",
            "agent.toml:3: upload.hours: \"22-6\" are no hours: write them like \"22:00-06:00\"",
        ),
        (
            "[metrics]\nlisten = \"0.0.0.0:9469\"",
            "agent.toml:2: metrics.listen: must be this machine's own address with a port",
        ),
        (
            "[upload]\nhours = \"06:00-06:00\"",
            "agent.toml:2: upload.hours: \"06:00-06:00\" ends where it begins",
        ),
    ];
    for (text, expect) in cases {
        let got = complaint(text);
        assert!(
            got.starts_with(expect),
            "{got:?} should begin with {expect:?}"
        );
        assert!(!got.contains('\n'), "{got:?}");
    }
}

/// X62: only what the configuration names is asked.
#[test]
fn a_camera_is_named_by_its_streams_or_by_its_onvif_address() {
    let camera = |keys: &str| format!("[[camera]]\nname = \"cam0\"\n{keys}\n");
    let onvif = "onvif_url = \"http://10.0.0.2/onvif/device_service\"";
    let main = "main_url = \"rtsp://10.0.0.2/main\"";
    let sub = "sub_url = \"rtsp://10.0.0.2/sub\"";
    assert!(parse(&camera(onvif)).is_ok());
    assert!(parse(&camera(&format!("{main}\n{onvif}"))).is_ok());
    for (keys, expect) in [
        ("", "agent.toml:1: camera[0].main_url: is missing"),
        (sub, "agent.toml:1: camera[0].main_url: is missing"),
        (
            &format!("{onvif}\n{sub}"),
            "agent.toml:4: camera[0].sub_url: needs main_url",
        ),
        (
            "onvif_url = \"https://10.0.0.2/\"",
            "agent.toml:3: camera[0].onvif_url: must begin",
        ),
        (
            "onvif_url = \"http://a:b@c/\"",
            "agent.toml:3: camera[0].onvif_url: must not carry",
        ),
        (
            "onvif_url = \"10.0.0.2\"",
            "agent.toml:3: camera[0].onvif_url: is no address",
        ),
    ] {
        let got = complaint(&camera(keys));
        assert!(
            got.starts_with(expect),
            "{got:?} should begin with {expect:?}"
        );
    }
    let networks = |list: &str| format!("[intake]\ncamera_networks = {list}\n");
    assert!(parse(&networks("[\"10.0.0.0/24\", \"fd00::/64\"]")).is_ok());
    let got = complaint(&networks("[\"0.0.0.0/0\"]"));
    assert!(
        got.contains("too wide") && got.starts_with("agent.toml:2: intake"),
        "{got}"
    );
    let got = complaint(&networks("[\"10.0.0.0\"]"));
    assert!(got.contains("write it like 192.168.10.0/24"), "{got}");
}

/// Issue: a camera on USB is named by its device file, and a source may show the screen.
#[test]
fn a_camera_on_usb_is_named_by_its_device_file_alone() {
    let camera =
        |keys: &str| format!("[[camera]]\nname = \"cam0\"\ndevice = \"/dev/video0\"\n{keys}\n");
    let config = parse(&camera("shows = \"screen\"")).unwrap();
    assert_eq!(config.cameras[0].device, Some("/dev/video0".into()));
    assert_eq!(config.cameras[0].shows, Shows::Screen);
    let rtsp = "[[camera]]\nname = \"cam0\"\nmain_url = \"rtsp://10.0.0.2/\"\n";
    assert_eq!(parse(rtsp).unwrap().cameras[0].shows, Shows::Room);
    assert!(parse(&format!("{rtsp}shows = \"screen\"\n")).is_ok());
    for (text, expect) in [
        (
            camera("main_url = \"rtsp://10.0.0.2/\""),
            "agent.toml:4: camera[0].main_url: is of no use beside device",
        ),
        (
            camera("credentials_file = \"/etc/xunke/cam0\""),
            "agent.toml:4: camera[0].credentials_file: is of no use beside device",
        ),
        (
            camera("shows = \"blackboard\""),
            "agent.toml:4: camera.shows: unknown variant",
        ),
        (
            camera("").replace("/dev/video0", "/dev/../etc/passwd"),
            "agent.toml:3: camera[0].device: must be a device file",
        ),
        (
            camera("").replace("/dev/video0", "video0"),
            "agent.toml:3: camera[0].device: must be a device file",
        ),
        (
            camera("") + &camera("").replace("cam0", "cam1"),
            "agent.toml:7: camera[1].device: is used twice",
        ),
    ] {
        let got = complaint(&text);
        assert!(
            got.starts_with(expect),
            "{got:?} should begin with {expect:?}"
        );
    }
}

#[test]
fn cameras_are_checked_one_by_one() {
    let camera =
        |name: &str, url: &str| format!("[[camera]]\nname = \"{name}\"\nmain_url = \"{url}\"\n");
    let good = camera("cam0", "rtsp://10.0.0.2/main");
    assert!(parse(&good).is_ok());
    let cases = [
        (
            camera("cam0", "rtsp://10.0.0.3/"),
            "agent.toml:5: camera[1].name: is used twice",
        ),
        (
            camera("Cam 1", "rtsp://10.0.0.3/"),
            "agent.toml:5: camera.name: source name",
        ),
        (
            camera("c", "http://10.0.0.3/"),
            "agent.toml:6: camera[1].main_url: must begin",
        ),
        (
            camera("c", "rtsp://a:b@10.0.0.3/"),
            "agent.toml:6: camera[1].main_url: must not carry",
        ),
    ];
    for (second, expect) in cases {
        let got = complaint(&format!("{good}{second}"));
        assert!(
            got.starts_with(expect),
            "{got:?} should begin with {expect:?}"
        );
        assert!(
            !got.contains("a:b@"),
            "a password never reaches a message: {got}"
        );
    }
}

/// Issue 6, item 5: what a projector cannot be asked by is named with its line.
#[test]
fn equipment_is_checked_piece_by_piece() {
    let piece = |name: &str, keys: &str| format!("[[equipment]]\nname = \"{name}\"\n{keys}\n");
    let good = piece("projector", "kind = \"projector\"\naddress = \"10.0.0.9\"");
    assert!(parse(&good).is_ok());
    let camera = "[[camera]]\nname = \"projector\"\nmain_url = \"rtsp://10.0.0.2/\"\n";
    let many = |count: usize| -> String {
        let one = |n| piece(&format!("p{n}"), "kind = \"icmp\"\naddress = \"10.0.0.9\"");
        (0..count).map(one).collect()
    };
    let cameras: String = (0..16)
        .map(|n| format!("[[camera]]\nname = \"c{n}\"\nmain_url = \"rtsp://10.0.0.2/\"\n"))
        .collect();
    assert!(parse(&many(8)).is_ok());
    for (text, expect) in [
        (
            piece("a", "kind = \"pjlink\"\naddress = \"10.0.0.9\""),
            "agent.toml:3: equipment.kind: unknown variant",
        ),
        (
            piece("a", "kind = \"tcp\"\naddress = \"10.0.0.9\""),
            "agent.toml:4: equipment[0].address: must be a name or an address with its port",
        ),
        (
            piece(
                "a",
                "kind = \"tcp\"\naddress = \"10.0.0.9:1\"\npassword_file = \"/x\"",
            ),
            "agent.toml:5: equipment[0].password_file: is of no use but for a projector",
        ),
        (
            piece("a", "kind = \"projector\"\npassword = \"secret\""),
            "agent.toml:4: equipment.password: unknown field",
        ),
        (
            good.clone() + &good,
            "agent.toml:6: equipment[1].name: is used twice",
        ),
        (
            camera.to_owned() + &good,
            "agent.toml:5: equipment[0].name: is used twice",
        ),
        (
            many(9),
            "agent.toml:34: equipment[8].name: a box asks at most 8",
        ),
        (
            cameras + "[spool]\nmib_max = 2048\n" + &good,
            "agent.toml:52: equipment[0].name: a box takes at most 16",
        ),
    ] {
        let got = complaint(&text);
        assert!(
            got.starts_with(expect),
            "{got:?} should begin with {expect:?}"
        );
        assert!(!got.contains("secret"), "{got:?}");
    }
}

/// TLS needs somebody to trust, and trust needs TLS.
#[test]
fn a_camera_that_speaks_tls_is_told_from_a_stranger() {
    let camera =
        |url: &str, more: &str| format!("[[camera]]\nname = \"c\"\nmain_url = \"{url}\"\n{more}\n");
    let pin = format!("tls_sha256 = \"{}\"", "0A:".repeat(31) + "0a");
    let file = "tls_ca_file = \"/etc/xunke/ca.pem\"";
    let read = parse(&camera("rtsps://10.0.0.2/", &pin)).unwrap();
    assert_eq!(read.cameras[0].tls_sha256, Some(Sha256Hex([10; 32])));
    assert!(parse(&camera("rtsps://10.0.0.2/", file)).is_ok());
    let sub = camera("rtsp://10.0.0.2/", "sub_url = \"rtsps://10.0.0.2/\"");
    let cases = [
        (
            camera("rtsps://10.0.0.2/", ""),
            "agent.toml:3: camera[0].main_url: rtsps:// needs",
        ),
        (sub, "agent.toml:4: camera[0].sub_url: rtsps:// needs"),
        (
            camera("rtsps://10.0.0.2/", "tls_sha256 = \"abc\""),
            "agent.toml:4: camera.tls_sha256: must be a SHA-256",
        ),
        (
            camera("rtsps://10.0.0.2/", &format!("{pin}\n{file}")),
            "agent.toml:5: camera[0].tls_ca_file: is of no use beside",
        ),
        (
            camera("rtsp://10.0.0.2/", &pin),
            "agent.toml:4: camera[0].tls_sha256: is of no use without",
        ),
        (
            camera("rtsp://10.0.0.2/", file),
            "agent.toml:4: camera[0].tls_ca_file: is of no use without",
        ),
    ];
    for (text, expect) in cases {
        let got = complaint(&text);
        assert!(
            got.starts_with(expect),
            "{got:?} should begin with {expect:?}"
        );
    }
}

#[test]
fn the_hub_is_found_by_name_and_by_address() {
    let cases = [
        ("https://hub.campus:8444", Some(("hub.campus", 8444))),
        ("https://127.0.0.1:1/", Some(("127.0.0.1", 1))),
        ("https://[::1]:8444", None),
        ("https://hub", Some(("hub", 443))),
        ("https://", None),
        ("https://hub:99999", None),
        ("https://hub/path", None),
        ("http://hub:1", None),
    ];
    for (url, expect) in cases {
        let got = HubAddress::parse(url);
        let expect = expect.map(|(host, port)| HubAddress {
            host: host.into(),
            port,
        });
        assert_eq!(got, expect, "{url}");
    }
}
