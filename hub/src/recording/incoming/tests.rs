//! What comes, breaks off, goes on, or is too much.

use std::path::PathBuf;

use futures_util::stream;

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("xunke-incoming-{}", Uuid::now_v7())))
    }

    fn left(&self) -> usize {
        let device = self.0.join(INCOMING).join("box-1");
        std::fs::read_dir(device).map_or(0, Iterator::count)
    }

    /// What is dropped is deleted in the background, what broke off kept there.
    async fn leaves(&self, files: usize) -> bool {
        for _ in 0..200 {
            if self.left() == files {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn upload(number: u128) -> Upload {
    Upload {
        device: "box-1".parse().unwrap(),
        segment: SegmentId(Uuid::from_u128(number)),
    }
}

fn part(fill: u8) -> Bytes {
    Bytes::from(vec![fill; usize::try_from(PART_BYTES_MIN).unwrap()])
}

/// Sends pieces from `offset` on; with `breaks`, hangs up after them.
async fn send(
    media: &Media,
    number: u128,
    offset: u64,
    pieces: &[Bytes],
    breaks: bool,
) -> Result<Received, Error> {
    let end = breaks.then_some(Err("the box is gone"));
    let pieces = pieces.iter().cloned().map(Ok).chain(end);
    media
        .receive(&upload(number), offset, stream::iter(pieces))
        .await
}

async fn arrives(media: &Media, number: u128, bytes: u64) -> bool {
    for _ in 0..200 {
        if media.arrived(&upload(number)).await.unwrap() == bytes {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

#[tokio::test]
async fn what_is_received_is_read_back_and_moves_once() {
    let folder = Folder::new();
    let media = Media::open(&folder.0, 0).unwrap();
    let received = send(&media, 1, 0, &["one ".into(), "two".into()], false)
        .await
        .unwrap();
    assert_eq!(received.bytes, 7);
    assert_eq!(
        received.sha256,
        <[u8; 32]>::from(Sha256::digest(b"one two"))
    );
    assert_eq!(&media.look_into(&received).await.unwrap()[..], b"one two");
    media
        .keep_received(&received, "segments/a/b/c.xks")
        .await
        .unwrap();
    let kept = media.read("segments/a/b/c.xks").await.unwrap();
    assert_eq!(&kept[..], b"one two");
    assert_eq!(folder.left(), 0);
    assert!(
        media
            .keep_received(&received, "segments/a/b/d.xks")
            .await
            .is_err()
    );
    media.forget(&received).await;
}

/// X55: an upload that breaks off twice is received once, whole.
#[tokio::test]
async fn an_upload_that_broke_off_goes_on_where_it_ended() {
    let folder = Folder::new();
    let media = Media::open(&folder.0, 0).unwrap();
    let (first, second) = (PART_BYTES_MIN, 2 * PART_BYTES_MIN);
    let broken = send(&media, 1, 0, &[part(1)], true).await;
    assert!(matches!(broken, Err(Error::BrokenOff(bytes)) if bytes == first));
    assert!(arrives(&media, 1, first).await);
    let broken = send(&media, 1, first, &[part(2)], true).await;
    assert!(matches!(broken, Err(Error::BrokenOff(bytes)) if bytes == second));
    assert!(arrives(&media, 1, second).await);
    let received = send(&media, 1, second, &["end".into()], false)
        .await
        .unwrap();
    let whole = [&part(1)[..], &part(2)[..], b"end"].concat();
    assert_eq!(received.bytes, whole.len() as u64);
    assert_eq!(received.sha256, <[u8; 32]>::from(Sha256::digest(&whole)));
    assert_eq!(media.look_into(&received).await.unwrap(), whole);
    assert_eq!(folder.left(), 1);
    media.keep_received(&received, "segments/a").await.unwrap();
    assert_eq!(folder.left(), 0);
}

#[tokio::test]
async fn an_upload_that_goes_on_elsewhere_is_told_where() {
    let folder = Folder::new();
    let media = Media::open(&folder.0, 0).unwrap();
    drop(send(&media, 1, 0, &[part(1)], true).await);
    assert!(arrives(&media, 1, PART_BYTES_MIN).await);
    for offset in [1, PART_BYTES_MIN - 1, PART_BYTES_MIN + 1] {
        let refused = send(&media, 1, offset, &["x".into()], false).await;
        assert!(
            matches!(refused, Err(Error::Offset(PART_BYTES_MIN))),
            "{offset}"
        );
    }
    let other = send(&media, 2, PART_BYTES_MIN, &["x".into()], false).await;
    assert!(matches!(other, Err(Error::Offset(0))));
    // From its first byte it may always begin anew.
    let anew = send(&media, 1, 0, &["whole".into()], false).await.unwrap();
    assert_eq!(anew.bytes, 5);
}

#[tokio::test]
async fn a_part_is_of_one_device_and_one_segment() {
    let folder = Folder::new();
    let media = Media::open(&folder.0, 0).unwrap();
    drop(send(&media, 1, 0, &[part(1)], true).await);
    assert!(arrives(&media, 1, PART_BYTES_MIN).await);
    assert_eq!(media.arrived(&upload(2)).await.unwrap(), 0);
    let other = Upload {
        device: "box-2".parse().unwrap(),
        ..upload(1)
    };
    assert_eq!(media.arrived(&other).await.unwrap(), 0);
}

#[tokio::test]
async fn one_byte_too_many_is_refused_and_forgotten() {
    let folder = Folder::new();
    let media = Media::open(&folder.0, 0).unwrap();
    let piece = Bytes::from(vec![7; 1024 * 1024]);
    let full = usize::try_from(SEGMENT_BYTES_MAX).unwrap() / piece.len();
    let mut pieces = vec![piece.clone(); full];
    let received = send(&media, 1, 0, &pieces, false).await.unwrap();
    assert_eq!(received.bytes, SEGMENT_BYTES_MAX);
    media.forget(&received).await;
    pieces.push(piece.slice(..1));
    let more = send(&media, 1, 0, &pieces, false).await;
    assert!(matches!(more, Err(Error::TooLarge)));
    assert!(folder.leaves(0).await);
    drop(send(&media, 1, 0, &pieces[..1], true).await);
    assert!(arrives(&media, 1, 1024 * 1024).await);
    let more = send(&media, 1, 1024 * 1024, &pieces[1..], false).await;
    assert!(matches!(more, Err(Error::TooLarge)));
}

#[tokio::test]
async fn a_small_part_and_the_oldest_of_many_are_forgotten() {
    let folder = Folder::new();
    let media = Media::open(&folder.0, 0).unwrap();
    let broken = send(&media, 1, 0, &["one".into()], true).await;
    assert!(matches!(broken, Err(Error::BrokenOff(3))));
    assert!(folder.leaves(0).await);
    for number in 1..=PARTS_MAX as u128 + 1 {
        drop(send(&media, number, 0, &[part(1)], true).await);
        assert!(arrives(&media, number, PART_BYTES_MIN).await);
    }
    assert!(folder.leaves(PARTS_MAX).await);
    assert_eq!(media.arrived(&upload(1)).await.unwrap(), 0);
}

#[tokio::test]
async fn what_a_crash_left_is_forgotten_at_start_and_what_was_kept_is_not() {
    let folder = Folder::new();
    let media = Media::open(&folder.0, 0).unwrap();
    let received = send(&media, 1, 0, &["x".into()], false).await.unwrap();
    media.keep_received(&received, "segments/a").await.unwrap();
    send(&media, 2, 0, &["y".into()], false).await.unwrap();
    std::fs::write(folder.0.join(INCOMING).join("half#1"), b"half").unwrap();
    let again = Media::open(&folder.0, 0).unwrap();
    assert_eq!(folder.left(), 0);
    assert_eq!(&again.read("segments/a").await.unwrap()[..], b"x");
}

/// X9: uploads stop before the trail has no room.
#[tokio::test]
async fn the_last_space_is_not_for_recordings() {
    let folder = Folder::new();
    let media = Media::open(&folder.0, u64::MAX).unwrap();
    let refused = send(&media, 1, 0, &["x".into()], false).await;
    assert!(matches!(refused, Err(Error::Full)));
    assert_eq!(folder.left(), 0);
}
