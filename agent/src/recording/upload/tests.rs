//! Upload against a small hub that misbehaves on request.

use super::super::spool::{Entry, Limits, Spool, look_into};
use super::*;
use crate::config::Upload;
use ed25519_dalek::SigningKey;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;
use xunke_protocol::id::{ClassroomId, SegmentId};
use xunke_protocol::recording::{Gap, GapReason, Progress, Receipt};
use xunke_protocol::sealed::epoch::DaySecret;
use xunke_protocol::sealed::header::Header;
use xunke_protocol::sealed::{Outline, Sealer, Suite};

/// What the hub answers next; the last stays.
type Answers = Arc<Mutex<Vec<Answer>>>;
/// What has come of segments whose uploads broke off, and every offset that was gone on from.
type Parts = Arc<Mutex<(HashMap<String, Vec<u8>>, Vec<usize>)>>;

/// What a hub sees of several uploads.
#[derive(Debug, Default, Clone)]
struct Seen {
    /// Uploads on their way, and the most there were.
    now: usize,
    most: usize,
    /// Segments in the order in which they began, asked for and sent.
    asked: Vec<u128>,
    sent: Vec<u128>,
}

type Watch = Arc<Mutex<Seen>>;

/// An upload that counts for as long as its connection lives.
struct OnItsWay(Watch);

impl OnItsWay {
    fn new(watch: &Watch, segment: &str) -> Self {
        let mut seen = watch.lock().unwrap();
        seen.now += 1;
        seen.most = seen.most.max(seen.now);
        seen.sent.push(number(segment));
        Self(watch.clone())
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.0.lock().unwrap().now -= 1;
    }
}

fn number(segment: &str) -> u128 {
    segment.parse::<SegmentId>().unwrap().0.as_u128()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    Receipt,
    ForgedReceipt,
    OtherSegment,
    Status(u16),
    HangUp,
    /// Keeps half of what comes, and hangs up.
    Breaks,
    /// Stores it, and hangs up before the receipt is sent.
    Swallows,
    /// Takes it and says nothing.
    Silent,
    /// A receipt, but never for the first segment.
    NotTheFirst(u16),
}

fn hub_key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

async fn serve(answers: Answers, parts: Parts, watch: Watch) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (answers, parts, watch) = (answers.clone(), parts.clone(), watch.clone());
            tokio::spawn(answer(socket, answers, parts, watch));
        }
    });
    base
}

/// Reads each PUT and answers it as told; a GET is answered truly.
async fn answer(socket: TcpStream, answers: Answers, parts: Parts, watch: Watch) -> Option<()> {
    let mut socket = BufReader::new(socket);
    loop {
        let (mut line, mut length, mut segment) = (String::new(), 0, String::new());
        let (mut asks, mut offset) = (false, 0);
        loop {
            line.clear();
            socket
                .read_line(&mut line)
                .await
                .ok()
                .filter(|&read| read > 0)?;
            let lower = line.trim().to_ascii_lowercase();
            if let Some((method, path)) = lower.split_once(" /box/1/segments/") {
                asks = method == "get";
                segment = path.split(' ').next()?.to_owned();
            }
            if let Some(value) = lower.strip_prefix("upload-offset: ") {
                offset = value.parse().ok()?;
            }
            if let Some(value) = lower.strip_prefix("content-length: ") {
                length = value.parse().ok()?;
            }
            if lower.is_empty() {
                break;
            }
        }
        if asks {
            watch.lock().unwrap().asked.push(number(&segment));
            say(&mut socket, 200, &progress(&parts, &segment)?).await?;
            continue;
        }
        let _on_its_way = OnItsWay::new(&watch, &segment);
        let next = {
            let mut answers = answers.lock().unwrap();
            if answers.len() > 1 {
                answers.remove(0)
            } else {
                answers[0]
            }
        };
        let comes = if next == Answer::Breaks {
            length / 2
        } else {
            length
        };
        let mut body = vec![0; comes];
        socket.read_exact(&mut body).await.ok()?;
        let hangs_up = matches!(next, Answer::Breaks | Answer::Swallows);
        let whole = put_together(&parts, &segment, offset, &body, hangs_up);
        if hangs_up {
            return None;
        }
        if next == Answer::Silent {
            // Until the box hangs up.
            let _ = socket.read_u8().await;
            return None;
        }
        let (status, text) = respond(next, &segment, &whole)?;
        say(&mut socket, status, &text).await?;
    }
}

async fn say(socket: &mut BufReader<TcpStream>, status: u16, text: &str) -> Option<()> {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n",
        text.len()
    );
    socket
        .write_all(format!("{head}{text}").as_bytes())
        .await
        .ok()
}

/// The segment as far as it has come; what an honest hub has of it is kept.
fn put_together(parts: &Parts, segment: &str, offset: usize, body: &[u8], kept: bool) -> Vec<u8> {
    let mut parts = parts.lock().unwrap();
    parts.1.push(offset);
    let mut whole = parts.0.get(segment).cloned().unwrap_or_default();
    whole.truncate(offset);
    whole.extend_from_slice(body);
    if kept {
        parts.0.insert(segment.to_owned(), whole.clone());
    }
    whole
}

fn progress(parts: &Parts, segment: &str) -> Option<String> {
    let kept = parts.lock().unwrap().0.get(segment).cloned();
    let kept = kept.unwrap_or_default();
    let whole = Outline::scan(&kept).is_ok_and(|outline| outline.complete);
    let progress = match whole {
        true => Progress::Stored(receipt(segment, &kept)?),
        false => Progress::Arrived(kept.len() as u64),
    };
    serde_json::to_string(&progress).ok()
}

fn receipt(segment: &str, whole: &[u8]) -> Option<Receipt> {
    let (device, hash) = ("box-1".parse().ok()?, Sha256::digest(whole).into());
    let segment = segment.parse().ok()?;
    let bytes = whole.len() as u64;
    Some(Receipt::sign(segment, device, hash, bytes, 77, &hub_key()))
}

fn respond(answer: Answer, segment: &str, body: &[u8]) -> Option<(u16, String)> {
    let mut segment = segment.parse().ok()?;
    let mut key = hub_key();
    match answer {
        Answer::HangUp => return None,
        Answer::Status(status) => return Some((status, "because".into())),
        Answer::ForgedReceipt => key = SigningKey::from_bytes(&[9; 32]),
        Answer::OtherSegment => segment = SegmentId(Uuid::from_u128(99)),
        Answer::NotTheFirst(status) if segment == SegmentId(Uuid::from_u128(1)) => {
            return Some((status, "because".into()));
        }
        Answer::NotTheFirst(_) | Answer::Receipt => {}
        Answer::Breaks | Answer::Swallows | Answer::Silent => return None,
    }
    let (device, hash) = ("box-1".parse().ok()?, Sha256::digest(body).into());
    let receipt = Receipt::sign(segment, device, hash, body.len() as u64, 77, &key);
    Some((200, serde_json::to_string(&receipt).ok()?))
}

struct Campus {
    dir: PathBuf,
    spool: Spool,
    answers: Answers,
    parts: Parts,
    watch: Watch,
    watching: watch::Sender<usize>,
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
        Self::start_with(name, segments, answers, settings()).await
    }

    async fn start_with(name: &str, segments: u128, answers: &[Answer], settings: Upload) -> Self {
        let dir = std::env::temp_dir().join(format!("xunke-upload-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        let limits = Limits {
            bytes_max: 1 << 24,
            free_bytes_min: 0,
            slot_bytes: 1 << 18,
        };
        let device = SigningKey::from_bytes(&[8; 32]);
        let (gaps, told) = mpsc::channel(8);
        let spool = Spool::open(&dir, limits, &device.verifying_key(), gaps).unwrap();
        (1..=segments).for_each(|number| close_segment(&spool, number, &device));
        let answers = Arc::new(Mutex::new(answers.to_vec()));
        let parts = Parts::default();
        // Plain HTTP, but the client wants a provider all the same.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let watch = Watch::default();
        let watching = watch::Sender::new(0);
        let uploader = Uploader {
            spool: spool.clone(),
            client: Client::new(),
            base: serve(answers.clone(), parts.clone(), watch.clone()).await,
            hub: hub_key().verifying_key(),
            watched: watching.subscribe(),
            settings,
        };
        let uploader = tokio::spawn(uploader.run());
        Self {
            dir,
            spool,
            answers,
            parts,
            watch,
            watching,
            uploader,
            gaps: told,
        }
    }

    async fn empty_within(&self, seconds: u64) -> bool {
        let mut signals = self.spool.signals();
        let empty = signals.wait_for(|signals| signals.waiting_segments == 0);
        timeout(Duration::from_secs(seconds), empty).await.is_ok()
    }

    /// Slots that hold a segment of the box.
    fn segments(&self) -> usize {
        self.slots().filter(|slot| held(slot)).count()
    }

    fn slots(&self) -> impl Iterator<Item = PathBuf> {
        let listed = std::fs::read_dir(&self.dir).unwrap();
        let files = listed.map(|item| item.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|end| end == "slot"))
    }
}

/// 1 MiB/s, three at a time, at all hours.
fn settings() -> Upload {
    Upload {
        kib_per_second_max: 1024,
        in_flight_max: 3,
        spread_seconds: 0,
        retry_seconds_max: 1,
        ..Upload::default()
    }
}

fn held(slot: &Path) -> bool {
    let device = SigningKey::from_bytes(&[8; 32]).verifying_key();
    look_into(slot, &device).unwrap().is_some()
}

fn close_segment(spool: &Spool, number: u128, device: &SigningKey) {
    let mut random = UnwrapErr(SysRng);
    let (_, day) = DaySecret::generate(Suite::default(), 20_000, &mut random);
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
        sha256: None,
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
    assert_eq!(campus.segments(), 0);
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
        assert_eq!(campus.segments(), 1, "{name}");
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
        assert_eq!(campus.segments(), 1, "people must look at it");
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
    campus
        .slots()
        .for_each(|slot| std::fs::remove_file(slot).unwrap());
    assert!(campus.empty_within(10).await);
    for _ in 0..3 {
        assert_eq!(campus.gaps.try_recv().unwrap().reason, GapReason::Disk);
    }
    assert!(campus.gaps.try_recv().is_err());
}

/// A directory in a slot's place opens but cannot be read.
#[tokio::test]
async fn a_file_that_cannot_be_read_is_tried_again_with_pauses() {
    let campus = Campus::start("unreadable", 1, &[Answer::HangUp]).await;
    let file = campus.slots().next().unwrap();
    let aside = file.with_extension("aside");
    std::fs::rename(&file, &aside).unwrap();
    std::fs::create_dir(&file).unwrap();
    *campus.answers.lock().unwrap() = vec![Answer::Receipt];
    assert!(!campus.empty_within(3).await);
    std::fs::remove_dir(&file).unwrap();
    std::fs::rename(&aside, &file).unwrap();
    assert!(campus.empty_within(15).await);
}

/// X55: what broke off is not sent twice.
#[tokio::test]
async fn an_upload_that_broke_off_goes_on_where_it_ended() {
    let answers = [Answer::Breaks, Answer::Breaks, Answer::Receipt];
    let campus = Campus::start("broke-off", 1, &answers).await;
    assert!(campus.empty_within(20).await);
    let offsets = campus.parts.lock().unwrap().1.clone();
    assert_eq!(offsets.len(), 3);
    assert!(
        offsets[0] == 0 && offsets[1] > 0 && offsets[2] > offsets[1],
        "{offsets:?}"
    );
}

/// P8: the hub has stored it and the receipt was lost on its way; nothing is sent again.
#[tokio::test]
async fn a_receipt_that_was_lost_is_asked_for() {
    let campus = Campus::start("swallowed", 1, &[Answer::Swallows]).await;
    assert!(campus.empty_within(20).await);
    assert_eq!(campus.parts.lock().unwrap().1, [0]);
}

/// Several at a time, the oldest first, no more than may, none of them twice, and each forgotten
/// with its own receipt.
#[tokio::test]
async fn several_go_at_a_time_and_none_twice() {
    let campus = Campus::start("several", 12, &[Answer::Receipt]).await;
    assert!(campus.empty_within(30).await);
    let seen = campus.watch.lock().unwrap().clone();
    assert_eq!(seen.most, 3);
    let mut sent = seen.sent.clone();
    let first: HashSet<u128> = sent[..3].iter().copied().collect();
    assert_eq!(first, HashSet::from([1, 2, 3]), "the oldest first");
    for (place, segment) in (1..).zip(&sent) {
        assert!(segment.abs_diff(place) < 3, "in their order: {sent:?}");
    }
    sent.sort_unstable();
    assert_eq!(sent, (1..=12).collect::<Vec<_>>(), "each once");
    assert_eq!(campus.segments(), 0);
}

/// One that the hub is slow with, or refuses, holds nobody up; it alone is kept.
#[tokio::test]
async fn a_slow_or_refused_one_does_not_hold_up_the_others() {
    for (name, answers) in [
        ("slow", &[Answer::Silent, Answer::Receipt][..]),
        ("not-now", &[Answer::NotTheFirst(500)]),
        ("forged-one", &[Answer::ForgedReceipt, Answer::Receipt]),
        ("away-for-one", &[Answer::HangUp, Answer::Receipt]),
    ] {
        let campus = Campus::start(name, 8, answers).await;
        let mut signals = campus.spool.signals();
        let others = signals.wait_for(|signals| signals.waiting_segments <= 1);
        assert!(
            timeout(Duration::from_secs(20), others).await.is_ok(),
            "{name}"
        );
        if matches!(name, "slow" | "not-now") {
            assert_eq!(campus.segments(), 1, "{name}");
        }
    }
    let campus = Campus::start("never", 8, &[Answer::NotTheFirst(422)]).await;
    assert!(campus.empty_within(20).await);
    assert_eq!(campus.segments(), 1, "people must look at it");
}

/// The end of the run is the end of every upload, in the middle of it.
#[tokio::test]
async fn stopping_ends_every_upload() {
    let slow = Upload {
        kib_per_second_max: 64,
        ..settings()
    };
    let campus = Campus::start_with("stopping", 6, &[Answer::Receipt], slow).await;
    let seen = || campus.watch.lock().unwrap().clone();
    let begun = async {
        while seen().now < 3 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), begun).await.unwrap();
    campus.uploader.abort();
    let ended = async {
        while seen().now > 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), ended).await.unwrap();
    sleep(Duration::from_millis(300)).await;
    assert_eq!(seen().sent.len(), 3, "and none begins after it");
    assert_eq!(campus.segments(), 6, "all of them are still here");
}

/// P8: what waited at the start may be at the hub, and is asked for before it is sent.
#[tokio::test]
async fn what_waited_at_the_start_is_asked_for() {
    let campus = Campus::start("asked", 5, &[Answer::Receipt]).await;
    let begun = async {
        while campus.watch.lock().unwrap().asked.is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), begun).await.unwrap();
    close_segment(&campus.spool, 6, &SigningKey::from_bytes(&[8; 32]));
    assert!(campus.empty_within(20).await);
    let mut asked = campus.watch.lock().unwrap().asked.clone();
    asked.sort_unstable();
    assert_eq!(asked, [1, 2, 3, 4, 5]);
}

/// X55: while somebody watches this box, all uploads together keep to the lower rate.
#[tokio::test]
async fn uploads_are_slower_while_somebody_watches() {
    let quick = Upload {
        kib_per_second_max: 0,
        live_kib_per_second_max: 512,
        ..settings()
    };
    let campus = Campus::start_with("watched", 1, &[Answer::Receipt], quick).await;
    assert!(campus.empty_within(20).await);
    campus.watching.send_replace(1);
    let device = SigningKey::from_bytes(&[8; 32]);
    let begin = Instant::now();
    (2..=9).for_each(|number| close_segment(&campus.spool, number, &device));
    assert!(campus.empty_within(30).await);
    // Eight segments of 150 kB at 512 KiB/s, less one burst.
    let took = begin.elapsed();
    assert!(took > Duration::from_millis(2_000), "{took:?}");
}

/// X55: outside of the hours nothing goes but what must, oldest first.
#[tokio::test]
async fn outside_of_the_hours_only_what_must_is_sent() {
    // A quarter of an hour, half a day from now.
    let minute = (clock::now_ms() / 60_000 + 8 * 60 + 12 * 60) % (24 * 60);
    let time = |minute: i64| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
    let hours = format!("{}-{}", time(minute), time(minute + 15));
    let night = Upload {
        hours: hours.parse().unwrap(),
        // Each of six segments takes a slot of 64.
        hours_spool_percent_max: 5,
        ..settings()
    };
    let campus = Campus::start_with("hours", 6, &[Answer::Receipt], night).await;
    let mut signals = campus.spool.signals();
    let enough = signals.wait_for(|signals| signals.waiting_segments <= 3);
    assert!(timeout(Duration::from_secs(10), enough).await.is_ok());
    assert!(!campus.empty_within(3).await);
    assert!(
        campus
            .watch
            .lock()
            .unwrap()
            .sent
            .iter()
            .all(|&segment| segment <= 5)
    );
}
