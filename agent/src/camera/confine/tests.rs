//! A process that is taken over by a camera on USB tries what it can; the kernel is real.

use super::*;
use crate::camera::pair::{Note, Report};
use rustix::io::Errno;
use std::fs::File;
use std::io::{Write, stdin};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

const INSIDE: &str = "camera::confine::tests::what_a_taken_worker_tries";
/// They stand for cameras: every kernel has them, and they take any question for a foreign one.
const CAMERA: &str = "/dev/zero";
const OTHER: &str = "/dev/full";

/// Whether the driver of a device file is reached at all; these do not know the question.
fn is_asked(file: &str) -> bool {
    let asked = v4l::Device::with_path(file).and_then(|device| device.query_caps());
    let foreign = asked.err().and_then(|error| error.raw_os_error());
    foreign == Some(Errno::NOTTY.raw_os_error())
}

/// What a confined process could do, one word each, in the order it tried.
fn attempts() -> Vec<(&'static str, bool)> {
    let read_only = |file| File::options().read(true).open(file).is_ok();
    vec![
        ("ask its camera", is_asked(CAMERA)),
        ("read a library", std::fs::read_dir("/usr/lib").is_ok()),
        (
            "have a thread",
            std::thread::Builder::new().spawn(|| {}).is_ok(),
        ),
        ("ask another camera", is_asked(OTHER)),
        ("look at another camera", read_only(OTHER)),
        ("list devices", std::fs::read_dir("/dev").is_ok()),
        (
            "speak with a machine",
            TcpStream::connect("127.0.0.1:9").is_ok(),
        ),
        ("listen", TcpListener::bind("127.0.0.1:0").is_ok()),
        ("send a datagram", UdpSocket::bind("127.0.0.1:0").is_ok()),
        (
            "write a file",
            std::fs::write("/tmp/xunke-usb", "x").is_ok(),
        ),
        (
            "start a program",
            Command::new("/bin/true").status().is_ok(),
        ),
    ]
}

/// Runs only inside the process that the next test starts.
#[test]
#[ignore = "started by a_worker_that_a_camera_on_usb_took_over_reaches_that_device_alone"]
fn what_a_taken_worker_tries() {
    let mut socket = UnixStream::from(stdin().as_fd().try_clone_to_owned().unwrap());
    let mut tell = |note: Note| {
        let mut bytes = Vec::new();
        Report::Note(note).encode(&mut bytes).unwrap();
        socket.write_all(&bytes).unwrap();
    };
    let plugged = Plugged {
        node: CAMERA.into(),
        encoders: Vec::new(),
    };
    let bounds = Bounds {
        mib_max: 256,
        registry: None,
        reach: Reach::Device(plugged),
    };
    tell(confine(&bounds));
    for (what, done) in attempts() {
        let detail = format!("{what}: {}", if done { "yes" } else { "no" });
        tell(Note::Ignored { detail });
    }
}

/// DESIGN §4.1, for a camera that is plugged in: its own device file and no network.
#[tokio::test]
async fn a_worker_that_a_camera_on_usb_took_over_reaches_that_device_alone() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let mut inside = Command::new(std::env::current_exe().unwrap())
        .args([INSIDE, "--exact", "--ignored"])
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut socket = tokio::net::UnixStream::from_std(ours).unwrap();
    let first = Report::read(&mut socket).await.unwrap();
    let Report::Note(Note::Confined { lacking, calls }) = first else {
        panic!("{first:?}");
    };
    assert_eq!((lacking, calls), (Vec::new(), None), "this kernel confines");
    let mut said = Vec::new();
    while let Ok(Report::Note(Note::Ignored { detail })) = Report::read(&mut socket).await {
        said.push(detail);
    }
    inside.wait().unwrap();
    let (may, not) = said.split_at(3);
    assert_eq!(said.len(), 11, "{said:#?}");
    assert!(may.iter().all(|line| line.ends_with("yes")), "{said:#?}");
    assert!(not.iter().all(|line| line.ends_with("no")), "{said:#?}");
}
