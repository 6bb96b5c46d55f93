//! Upload against a small hub that misbehaves on request.

use super::super::spool::{Limits, Spool};
use super::*;
use ed25519_dalek::SigningKey;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use uuid::Uuid;
use xunke_protocol::id::ClassroomId;
use xunke_protocol::recording::{Gap, GapReason};
use xunke_protocol::sealed::Sealer;
use xunke_protocol::sealed::epoch::DaySecret;
use xunke_protocol::sealed::header::Header;

/// What the hub answers next; the last stays.
type Answers = Arc<Mutex<Vec<Answer>>>;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    Receipt,
    ForgedReceipt,
    OtherSegment,
    Status(u16),
    HangUp,
}

fn hub_key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

async fn serve(answers: Answers) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(answer(socket, answers.clone()));
        }
    });
    base
}

/// Reads one PUT and answers it as told.
async fn answer(socket: TcpStream, answers: Answers) -> Option<()> {
    let mut socket = BufReader::new(socket);
    loop {
        let (mut line, mut length, mut segment) = (String::new(), 0, String::new());
        loop {
            line.clear();
            socket
                .read_line(&mut line)
                .await
                .ok()
                .filter(|&read| read > 0)?;
            let lower = line.trim().to_ascii_lowercase();
            if let Some(path) = lower.strip_prefix("put /box/1/segments/") {
                segment = path.split(' ').next()?.to_owned();
            }
            if let Some(value) = lower.strip_prefix("content-length: ") {
                length = value.parse().ok()?;
            }
            if lower.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        socket.read_exact(&mut body).await.ok()?;
        let next = {
            let mut answers = answers.lock().unwrap();
            if answers.len() > 1 {
                answers.remove(0)
            } else {
                answers[0]
            }
        };
        let (status, text) = respond(next, &segment, &body)?;
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n",
            text.len()
        );
        socket
            .write_all(format!("{head}{text}").as_bytes())
            .await
            .ok()?;
    }
}

fn respond(answer: Answer, segment: &str, body: &[u8]) -> Option<(u16, String)> {
    let mut segment = segment.parse().ok()?;
    let mut key = hub_key();
    match answer {
        Answer::HangUp => return None,
        Answer::Status(status) => return Some((status, "because".into())),
        Answer::ForgedReceipt => key = SigningKey::from_bytes(&[9; 32]),
        Answer::OtherSegment => segment = SegmentId(Uuid::from_u128(99)),
        Answer::Receipt => {}
    }
    let (device, hash) = ("box-1".parse().ok()?, Sha256::digest(body).into());
    let receipt = Receipt::sign(segment, device, hash, body.len() as u64, 77, &key);
    Some((200, serde_json::to_string(&receipt).ok()?))
}

struct Campus {
    dir: PathBuf,
    spool: Spool,
    answers: Answers,
    uploader: tokio::task::JoinHandle<()>,
    gaps: mpsc::Receiver<Gap>,
}

impl Drop for Campus {
    fn drop(&mut self) {
        self.uploader.abort();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

impl Campus {
    /// A spool with `segments` closed segments and a hub that gives these answers.
    async fn start(name: &str, segments: u128, answers: &[Answer]) -> Self {
        let dir = std::env::temp_dir().join(format!("xunke-upload-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        let limits = Limits {
            bytes_max: 1 << 24,
            free_bytes_min: 0,
            slot_bytes: 1 << 16,
        };
        let device = SigningKey::from_bytes(&[8; 32]);
        let (gaps, told) = mpsc::channel(8);
        let spool = Spool::open(&dir, limits, &device.verifying_key(), gaps).unwrap();
        (1..=segments).for_each(|number| close_segment(&spool, number, &device));
        let answers = Arc::new(Mutex::new(answers.to_vec()));
        // Plain HTTP, but the client wants a provider all the same.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let uploader = Uploader {
            spool: spool.clone(),
            client: Client::new(),
            base: serve(answers.clone()).await,
            hub: hub_key().verifying_key(),
            bytes_per_second_max: 1 << 20,
            retry_seconds_max: 1,
        };
        let uploader = tokio::spawn(uploader.run());
        Self {
            dir,
            spool,
            answers,
            uploader,
            gaps: told,
        }
    }

    async fn empty_within(&self, seconds: u64) -> bool {
        let mut signals = self.spool.signals();
        let empty = signals.wait_for(|signals| signals.waiting_segments == 0);
        timeout(Duration::from_secs(seconds), empty).await.is_ok()
    }

    fn files(&self, dir: &str) -> usize {
        std::fs::read_dir(self.dir.join(dir)).unwrap().count()
    }
}

fn close_segment(spool: &Spool, number: u128, device: &SigningKey) {
    let mut random = UnwrapErr(SysRng);
    let (_, day) = DaySecret::generate(20_000, &mut random);
    let header = Header {
        device: "box-1".parse().unwrap(),
        classroom: ClassroomId(Uuid::from_u128(1)),
        segment: SegmentId(Uuid::from_u128(number)),
        source: "cam0".parse().unwrap(),
        epoch: 20_000,
        start_us: 0,
        boot: Uuid::from_u128(3),
        mono_ms: 42,
        codecs: "avc1.640028".into(),
        previous: [0; 32],
    };
    let (mut sealer, mut first) =
        Sealer::begin(&header, &day, device.clone(), &mut random).unwrap();
    first.extend(sealer.chunk(b"init", 0).unwrap());
    let entry = Entry {
        source: header.source,
        start_us: 0,
        duration_us: 0,
        bytes: 0,
        sha256: [0; 32],
    };
    let mut writer = spool.create(header.segment, entry, &first).unwrap();
    let record = sealer.chunk(&[7; 150_000], 2_000_000).unwrap();
    writer.append(&record, 2_000_000, sealer.chain()).unwrap();
    let (records, chain) = sealer.finish();
    writer.end(&records, chain).unwrap();
}

#[tokio::test]
async fn what_the_hub_has_signed_for_is_forgotten() {
    let campus = Campus::start("signed", 3, &[Answer::Receipt]).await;
    assert!(campus.empty_within(10).await);
    assert_eq!(campus.files("cam0"), 0);
}

#[tokio::test]
async fn nothing_is_forgotten_without_proof() {
    for (name, answer) in [
        ("forged", Answer::ForgedReceipt),
        ("other", Answer::OtherSegment),
        ("plain", Answer::Status(200)),
        ("created", Answer::Status(204)),
        ("error", Answer::Status(500)),
        ("full", Answer::Status(507)),
        ("stranger", Answer::Status(403)),
        ("hang", Answer::HangUp),
    ] {
        let campus = Campus::start(name, 1, &[answer]).await;
        assert!(!campus.empty_within(2).await, "{name}");
        assert_eq!(campus.files("cam0"), 1, "{name}");
        *campus.answers.lock().unwrap() = vec![Answer::Receipt];
        assert!(campus.empty_within(10).await, "{name} must be tried again");
    }
}

#[tokio::test]
async fn a_segment_that_the_hub_cannot_take_does_not_hold_up_the_others() {
    let answers = [
        Answer::Status(500),
        Answer::Receipt,
        Answer::Receipt,
        Answer::Receipt,
    ];
    let campus = Campus::start("others", 3, &answers).await;
    assert!(campus.empty_within(10).await);
}

#[tokio::test]
async fn what_is_refused_for_good_is_kept_aside() {
    for status in [409, 422] {
        let name = format!("refused{status}");
        let campus = Campus::start(&name, 1, &[Answer::Status(status)]).await;
        assert!(campus.empty_within(10).await);
        assert_eq!((campus.files("cam0"), campus.files("_quarantine")), (0, 1));
    }
}

#[tokio::test]
async fn uploads_keep_to_their_rate() {
    let campus = Campus::start("rate", 14, &[Answer::Receipt]).await;
    let begin = Instant::now();
    assert!(campus.empty_within(20).await);
    // 14 segments of 150 kB at 1 MiB/s.
    assert!(
        begin.elapsed() > Duration::from_millis(1_500),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test]
async fn a_file_that_vanished_is_a_gap_told_once_and_holds_nobody_up() {
    let mut campus = Campus::start("vanished", 3, &[Answer::HangUp]).await;
    std::fs::remove_dir_all(campus.dir.join("cam0")).unwrap();
    assert!(campus.empty_within(10).await);
    for _ in 0..3 {
        assert_eq!(campus.gaps.try_recv().unwrap().reason, GapReason::Disk);
    }
    assert!(campus.gaps.try_recv().is_err());
}

/// A directory in a segment's place opens but cannot be read.
#[tokio::test]
async fn a_file_that_cannot_be_read_is_tried_again_with_pauses() {
    let campus = Campus::start("unreadable", 1, &[Answer::HangUp]).await;
    let listed = std::fs::read_dir(campus.dir.join("cam0")).unwrap();
    let file = listed.map(|item| item.unwrap().path()).next().unwrap();
    let aside = file.with_extension("aside");
    std::fs::rename(&file, &aside).unwrap();
    std::fs::create_dir(&file).unwrap();
    *campus.answers.lock().unwrap() = vec![Answer::Receipt];
    assert!(!campus.empty_within(3).await);
    std::fs::remove_dir(&file).unwrap();
    std::fs::rename(&aside, &file).unwrap();
    assert!(campus.empty_within(15).await);
}
