//! A process that is taken over by its camera tries what it can; the kernel and the agent are real.

use super::*;
use crate::camera::confine::{Bounds, Reach, confine};
use crate::camera::pair::{Note, Report};
use std::io::{Write, stdin};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};

const INSIDE: &str = "camera::broker::tests::what_a_taken_worker_tries";
/// Where the test's listeners are, for the process inside.
const TARGETS: &str = "XUNKE_TEST_TARGETS";

#[test]
fn addresses_are_read_as_the_kernel_reads_them() {
    let mut four = vec![0; 16];
    four[..2].copy_from_slice(&FAMILY_INET.to_ne_bytes());
    four[2..8].copy_from_slice(&[0x02, 0x2a, 10, 1, 2, 3]);
    assert_eq!(parse(&four), "10.1.2.3:554".parse().ok());
    let mut six = vec![0; 28];
    six[..2].copy_from_slice(&FAMILY_INET6.to_ne_bytes());
    six[2..4].copy_from_slice(&[0x21, 0x6a]);
    six[23] = 1;
    assert_eq!(parse(&six), "[::1]:8554".parse().ok());
    assert_eq!(parse(&[0; 16]), None, "AF_UNSPEC");
    assert_eq!(parse(&four[..7]), None);
    assert_eq!(parse(&[1, 0, b'/', b't', b'm', b'p']), None, "a path");
}

/// What a confined process could do, one word each, in the order it tried.
fn attempts() -> Vec<(&'static str, bool)> {
    let targets = std::env::var(TARGETS).unwrap();
    let targets: Vec<_> = targets.split(' ').collect();
    let [camera, other, service] = targets[..] else {
        panic!("{targets:?}");
    };
    let own = TcpListener::bind("127.0.0.1:0");
    let to_itself = own
        .as_ref()
        .is_ok_and(|own| TcpStream::connect(own.local_addr().unwrap()).is_ok());
    let megabytes = |count: usize| Vec::<u8>::new().try_reserve_exact(count << 20).is_ok();
    vec![
        ("speak with its camera", TcpStream::connect(camera).is_ok()),
        ("listen to itself", to_itself),
        ("read a library", std::fs::read_dir("/usr/lib").is_ok()),
        ("have a thread", thread::Builder::new().spawn(|| {}).is_ok()),
        ("take 32 MiB", megabytes(32)),
        (
            "speak with another machine",
            TcpStream::connect(other).is_ok(),
        ),
        ("listen to all", TcpListener::bind("0.0.0.0:0").is_ok()),
        ("ask a name server", UdpSocket::bind("127.0.0.1:0").is_ok()),
        (
            "speak with a local service",
            UnixStream::connect(service).is_ok(),
        ),
        (
            "be a local service",
            UnixListener::bind("/tmp/xunke-taken").is_ok(),
        ),
        ("read another file", std::fs::read("/etc/passwd").is_ok()),
        (
            "write a file",
            std::fs::write("/tmp/xunke-taken", "x").is_ok(),
        ),
        (
            "start a program",
            Command::new("/bin/true").status().is_ok(),
        ),
        ("take 1 GiB", megabytes(1024)),
    ]
}

/// Runs only inside the process that the next test starts.
#[test]
#[ignore = "started by a_worker_that_was_taken_over_reaches_its_camera_and_nothing_else"]
fn what_a_taken_worker_tries() {
    let mut socket = UnixStream::from(stdin().as_fd().try_clone_to_owned().unwrap());
    let mut tell = |note: Note| {
        let mut bytes = Vec::new();
        Report::Note(note).encode(&mut bytes).unwrap();
        socket.write_all(&bytes).unwrap();
    };
    let bounds = Bounds {
        mib_max: 256,
        registry: None,
        reach: Reach::Network { brokered: true },
    };
    tell(confine(&bounds));
    for (what, done) in attempts() {
        let detail = format!("{what}: {}", if done { "yes" } else { "no" });
        tell(Note::Ignored { detail });
    }
}

/// DESIGN §4.1: a hostile camera kills its worker only. What the kernel lacks is told, not tested.
#[tokio::test]
async fn a_worker_that_was_taken_over_reaches_its_camera_and_nothing_else() {
    let camera = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = TcpListener::bind("127.0.0.2:0").unwrap();
    let path = std::env::temp_dir().join(format!("xunke-{}", std::process::id()));
    let _service = UnixListener::bind(&path).unwrap();
    let at = |listener: &TcpListener| listener.local_addr().unwrap().to_string();
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let mut inside = Command::new(std::env::current_exe().unwrap())
        .args([INSIDE, "--exact", "--ignored"])
        .env(
            TARGETS,
            format!("{} {} {}", at(&camera), at(&other), path.display()),
        )
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut socket = tokio::net::UnixStream::from_std(ours).unwrap();
    let first = Report::read(&mut socket).await.unwrap();
    let Report::Note(Note::Confined { lacking, calls }) = first else {
        panic!("{first:?}");
    };
    assert_eq!(
        lacking,
        Vec::<String>::new(),
        "this kernel confines nothing"
    );
    let allowed = Allowed {
        addresses: vec!["127.0.0.1".parse().unwrap()],
        networks: vec!["10.9.0.0/16".parse().unwrap()],
    };
    let broker = Broker::new("cam0".into(), inside.id(), calls.unwrap(), allowed).unwrap();
    broker.start().unwrap();
    let mut said = Vec::new();
    while let Ok(Report::Note(Note::Ignored { detail })) = Report::read(&mut socket).await {
        said.push(detail);
    }
    inside.wait().unwrap();
    std::fs::remove_file(path).unwrap();
    let may = said.iter().filter(|line| line.ends_with("yes")).count();
    assert_eq!((said.len(), may), (14, 5), "{said:#?}");
    assert!(
        said[..5].iter().all(|line| line.ends_with("yes")),
        "{said:#?}"
    );
}
