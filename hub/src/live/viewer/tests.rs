//! Tests of views: the real gate, a real trail, boxes played by the test.
//!
//! The store works on threads of its own, so these tests use real time.

use std::time::Instant;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::timeout;
use xunke_policy::Refusal;
use xunke_policy::purpose::Purpose;
use xunke_protocol::id::{ClassroomId, DeviceId, PushId, StreamKind};

use super::*;
use crate::access::gate::tests::stage::{HERE, Stage, stage};
use crate::clock::now_ms;
use crate::live::relay::sample::{key, video_config};
use crate::live::relay::{Boxes, Key, Offline};
use crate::store::trail::tamper;
use crate::store::view;

const SOON: Duration = Duration::from_secs(5);

struct FakeBoxes(mpsc::UnboundedSender<(Key, PushId)>);

impl Boxes for FakeBoxes {
    /// A box is called after its room.
    fn device_of(&self, classroom: ClassroomId) -> BoxFuture<'static, Option<DeviceId>> {
        Box::pin(async move { Some(device_in(classroom)) })
    }

    fn live_start(&self, key: Key, push: PushId) -> BoxFuture<'static, Result<(), Offline>> {
        self.0.send((key, push)).unwrap();
        Box::pin(async { Ok(()) })
    }
}

fn device_in(classroom: ClassroomId) -> DeviceId {
    classroom.0.simple().to_string().parse().unwrap()
}

struct Rig {
    stage: Stage,
    relay: Relay,
    orders: mpsc::UnboundedReceiver<(Key, PushId)>,
    views: Views,
}

async fn rig() -> Rig {
    let stage = stage(now_ms()).await;
    let (heard, orders) = mpsc::unbounded_channel();
    let relay = Relay::new(Arc::new(FakeBoxes(heard)));
    let (gate, sessions) = (stage.gate.clone(), stage.sessions.clone());
    let views = Views::new(stage.db.clone(), gate, sessions, relay.clone());
    Rig {
        stage,
        relay,
        orders,
        views,
    }
}

impl Rig {
    async fn tab(&self, label: &str) -> Tab {
        let session = self.stage.session(label, now_ms()).await;
        self.views.tab(session, HERE).unwrap()
    }

    fn wish(&self, tile: TileNumber, room: usize) -> Wish {
        let room = self.stage.rooms[room].id;
        let (source, stream) = ("cam0".parse().unwrap(), StreamKind::Sub);
        Wish {
            tile,
            room,
            source,
            stream,
            purpose: Purpose::Plan,
        }
    }

    /// A tab with an open tile 1 whose picture is there, and the push that brings it.
    async fn watching(&mut self, label: &str) -> (Tab, crate::live::relay::Push) {
        let mut tab = self.tab(label).await;
        tab.open(self.wish(1, 0));
        let (key_ordered, push) = self.orders.recv().await.unwrap();
        let push = self.relay.accept(&key_ordered.device, push).unwrap();
        assert!(push.frame(&video_config(0)) && push.frame(&key(1)));
        let outbox = tab.outbox();
        assert!(matches!(
            next(&outbox).await,
            Item::Word(1, Word::Opened { handle: 1, .. })
        ));
        for _ in 0..2 {
            assert!(matches!(next(&outbox).await, Item::Frame(frame) if frame.handle == 1));
        }
        (tab, push)
    }
}

async fn next(outbox: &Outbox) -> Item {
    let taken = async {
        loop {
            match outbox.take() {
                Some(item) => return item,
                None => outbox.ready().await,
            }
        }
    };
    timeout(SOON, taken).await.unwrap()
}

async fn refusal(outbox: &Outbox) -> Refusal {
    match next(outbox).await {
        Item::Word(1, Word::Refused(NotOpened::Denied(Denied::Refused(refusal)))) => refusal,
        item => panic!("{item:?} instead of a refusal"),
    }
}

/// R60: the view is named in the trail from its beginning to its end.
#[tokio::test]
async fn a_view_is_permitted_shown_and_closed_each_with_its_line() {
    let mut rig = rig().await;
    let (mut tab, push) = rig.watching("school_supervisor").await;
    push.frame(&key(900_000));
    let outbox = tab.outbox();
    assert!(matches!(next(&outbox).await, Item::Frame(_)));
    tab.close(1);
    assert!(matches!(
        next(&outbox).await,
        Item::Word(1, Word::Closed(None))
    ));
    tab.end().await;
    let lines = rig.stage.lines().await;
    assert_eq!(
        (&*lines[1].action, &*lines[1].outcome),
        ("view_live", "permitted")
    );
    assert_eq!(
        (&*lines[0].action, &*lines[0].outcome),
        ("view_closed", "done")
    );
    assert!(
        lines[0].detail.starts_with("closed, "),
        "{}",
        lines[0].detail
    );
    assert!(
        lines[0].detail.ends_with(" 0 s of picture, 0 s shown"),
        "{}",
        lines[0].detail
    );
    assert_eq!(view::count(&rig.stage.db, 0).await.unwrap(), 1);
}

/// R60: from one picture of a room to another is one visit with one line, and the trail counts what
/// was delivered of both and what the page has shown of it, which cannot be more.
#[tokio::test]
async fn another_picture_of_the_room_is_the_same_visit() {
    for (claimed_ms, shown) in [(2_900, 2), (1_000_000, 4), (-5, 0)] {
        let mut rig = rig().await;
        let (mut tab, sub) = rig.watching("school_supervisor").await;
        let outbox = tab.outbox();
        for second in 1..=2 {
            sub.frame(&key(second * 1_000_000 + 1));
            assert!(matches!(next(&outbox).await, Item::Frame(_)));
        }
        tab.switch(1, "cam0".parse().unwrap(), StreamKind::Main);
        let (ordered, push) = rig.orders.recv().await.unwrap();
        assert_eq!(ordered.stream, StreamKind::Main);
        let main = rig.relay.accept(&ordered.device, push).unwrap();
        sub.frame(&key(2_500_000));
        assert!(outbox.take().is_none(), "the old picture has ended");
        for second in 3..=5 {
            main.frame(&key(second * 1_000_000));
            let item = next(&outbox).await;
            assert!(matches!(item, Item::Frame(frame) if frame.handle == 1));
        }
        tab.shown(1, claimed_ms);
        tab.close(1);
        assert!(matches!(
            next(&outbox).await,
            Item::Word(1, Word::Closed(None))
        ));
        tab.end().await;
        let lines = rig.stage.lines().await;
        let told = format!(" 4 s of picture, {shown} s shown");
        assert!(lines[0].detail.ends_with(&told), "{}", lines[0].detail);
        assert_eq!(lines[1].action, "view_live");
        let views = lines.iter().filter(|line| line.action == "view_live");
        assert_eq!(views.count(), 1);
    }
}

/// X19: who has no picture has none to change.
#[tokio::test]
async fn a_picture_that_was_refused_cannot_be_changed_to_another() {
    let mut rig = rig().await;
    let mut tab = rig.tab("technician").await;
    tab.open(rig.wish(1, 0));
    refusal(&tab.outbox()).await;
    tab.switch(1, "cam0".parse().unwrap(), StreamKind::Main);
    tab.switch(2, "cam0".parse().unwrap(), StreamKind::Main);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(tab.outbox().take().is_none());
    tab.end().await;
    assert!(rig.orders.try_recv().is_err());
}

/// R8, R19, R57: whoever may not watch gets a word with its article and not one frame, though
/// somebody else is watching that very room.
#[tokio::test]
async fn a_refused_open_brings_no_frame_and_orders_nothing() {
    let mut rig = rig().await;
    let (_tab, push) = rig.watching("school_supervisor").await;
    for (label, room, expect) in [
        ("technician", 0, Refusal::TECHNICIAN_CONTENT),
        ("school_supervisor_unsigned", 0, Refusal::AGREEMENT_UNSIGNED),
        ("unit_supervisor", 1, Refusal::OTHER_UNIT),
        ("academic_affairs", 0, Refusal::NO_GRANT),
    ] {
        let mut tab = rig.tab(label).await;
        tab.open(rig.wish(1, room));
        let outbox = tab.outbox();
        assert_eq!(refusal(&outbox).await, expect, "{label}");
        push.frame(&key(2));
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(outbox.take().is_none(), "{label}");
        tab.end().await;
        let last = rig.stage.lines().await.swap_remove(0);
        assert_eq!(
            (&*last.outcome, &*last.article),
            ("refused", expect.article)
        );
    }
    assert!(rig.orders.try_recv().is_err());
}

/// R43: a purpose that is missing is refused like any other reason.
#[tokio::test]
async fn without_a_purpose_there_is_no_picture() {
    let mut rig = rig().await;
    let mut tab = rig.tab("school_supervisor").await;
    tab.open(Wish {
        purpose: Purpose::Missing,
        ..rig.wish(1, 0)
    });
    assert_eq!(refusal(&tab.outbox()).await, Refusal::PURPOSE_MISSING);
    assert!(rig.orders.try_recv().is_err());
}

/// X9: no trail, no picture.
#[tokio::test]
async fn without_a_trail_there_is_no_picture() {
    let mut rig = rig().await;
    tamper(&rig.stage.db, "DROP TABLE trail").await;
    let mut tab = rig.tab("school_supervisor").await;
    tab.open(rig.wish(1, 0));
    let item = next(&tab.outbox()).await;
    assert!(matches!(
        item,
        Item::Word(
            1,
            Word::Refused(NotOpened::Denied(Denied::TrailUnavailable(_)))
        )
    ));
    assert!(rig.orders.try_recv().is_err());
}

#[tokio::test]
async fn a_room_that_is_not_there_is_not_found() {
    let rig = rig().await;
    let mut tab = rig.tab("school_supervisor").await;
    let room = ClassroomId(Uuid::now_v7());
    tab.open(Wish {
        room,
        ..rig.wish(1, 0)
    });
    let item = next(&tab.outbox()).await;
    assert!(matches!(
        item,
        Item::Word(1, Word::Refused(NotOpened::NotFound))
    ));
}

/// Revoke to dark in less than a second, with the article, and no frame afterwards.
async fn dark_after(statement: &'static str, expect: Refusal) {
    let mut rig = rig().await;
    let (tab, push) = rig.watching("unit_supervisor").await;
    let outbox = tab.outbox();
    tokio::time::sleep(ASK_MARGIN).await;
    tamper(&rig.stage.db, statement).await;
    let revoked = Instant::now();
    let mut pictures = 2;
    let closed = loop {
        assert!(
            revoked.elapsed() < Duration::from_secs(1),
            "{statement}: not dark"
        );
        pictures += 1;
        push.frame(&key(pictures));
        match next(&outbox).await {
            Item::Word(1, Word::Closed(refusal)) => break refusal,
            Item::Frame(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            item => panic!("{item:?}"),
        }
    };
    assert_eq!(closed, Some(expect), "{statement}");
    assert!(
        revoked.elapsed() < Duration::from_secs(1),
        "{:?}",
        revoked.elapsed()
    );
    push.frame(&key(1_000));
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(outbox.take().is_none(), "dark");
    tab.end().await;
    let last = rig.stage.lines().await.swap_remove(0);
    assert!(last.detail.starts_with(expect.code), "{}", last.detail);
}

/// X9: what cannot be written any more stops what is running, and a line that can starts nothing by
/// itself.
#[tokio::test]
async fn a_trail_that_fails_darkens_what_is_running() {
    let mut rig = rig().await;
    let (mut tab, _push) = rig.watching("school_supervisor").await;
    let outbox = tab.outbox();
    tamper(&rig.stage.db, "ALTER TABLE trail RENAME TO away").await;
    tab.open(rig.wish(2, 0));
    let refused = next(&outbox).await;
    assert!(matches!(refused, Item::Word(2, Word::Refused(_))));
    tamper(&rig.stage.db, "ALTER TABLE away RENAME TO trail").await;
    let closed = next(&outbox).await;
    let why = Some(Refusal::TRAIL_UNAVAILABLE);
    assert!(matches!(closed, Item::Word(1, Word::Closed(said)) if said == why));
    tab.open(rig.wish(3, 0));
    let opened = next(&outbox).await;
    assert!(matches!(opened, Item::Word(3, Word::Opened { .. })));
    tab.end().await;
}

/// So that the change does not come just before the first question.
const ASK_MARGIN: Duration = Duration::from_millis(10);

/// R23, R25, R27: whatever takes the right away takes the picture away.
#[tokio::test]
async fn a_revoked_permit_goes_dark_within_a_second() {
    tokio::join!(
        dark_after(
            "UPDATE persons SET standing = 'suspended'",
            Refusal::SUSPENDED
        ),
        dark_after(
            "UPDATE agreements SET ended_ms = 1",
            Refusal::AGREEMENT_ENDED
        ),
        dark_after("UPDATE grants SET until_ms = 1", Refusal::NO_GRANT),
        dark_after("UPDATE sessions SET ended_ms = 1", Refusal::SESSION_ENDED),
        dark_after("ALTER TABLE agreements RENAME TO lost", Refusal::UNDECIDED),
        dark_after(
            "UPDATE classrooms SET unit_id = (SELECT id FROM units WHERE code = 'JD')",
            Refusal::OTHER_UNIT
        ),
        dark_after(
            "INSERT INTO exam_locks (id, number, from_ms, until_ms, reason, set_by, set_ms)
                 SELECT 'a', 'KS-00001', 0, 9000000000000, '考试', MIN(id), 0 FROM persons;
             INSERT INTO exam_lock_rooms (lock_id, classroom_id) SELECT 'a', id FROM classrooms",
            Refusal::EXAM_LOCKED
        ),
    );
}

#[tokio::test]
async fn a_tab_that_is_gone_leaves_its_line_and_ends_the_push() {
    let mut rig = rig().await;
    let (tab, mut push) = rig.watching("school_supervisor").await;
    drop(tab);
    timeout(SOON, push.ended()).await.unwrap();
    let line = rig.stage.lines().await.swap_remove(0);
    assert!(line.action == "view_closed" && line.detail.starts_with("page_closed, "));
}

#[tokio::test]
async fn a_hub_that_stops_ends_its_views_with_their_lines() {
    let mut rig = rig().await;
    let (mut tab, _push) = rig.watching("school_supervisor").await;
    rig.views.stop().await;
    let line = rig.stage.lines().await.swap_remove(0);
    assert!(line.detail.starts_with("hub_stopped, "), "{}", line.detail);
    timeout(SOON, tab.stopped()).await.unwrap();
    assert!(
        tab.outbox().take().is_none(),
        "the page asks again when the hub is back"
    );
    tab.open(rig.wish(2, 0));
    let item = next(&tab.outbox()).await;
    assert!(matches!(
        item,
        Item::Word(2, Word::Refused(NotOpened::TooManyViews))
    ));
}

#[tokio::test]
async fn tiles_and_tabs_have_their_limits() {
    let rig = rig().await;
    let session = rig.stage.session("school_supervisor", now_ms()).await;
    let mut tabs: Vec<_> = (0..TABS_MAX)
        .map(|_| rig.views.tab(session.clone(), HERE).unwrap())
        .collect();
    assert!(rig.views.tab(session.clone(), HERE).is_err());
    let mut tab = tabs.pop().unwrap();
    let last = u32::try_from(TILES_MAX).unwrap();
    for tile in 1..=last {
        tab.open(rig.wish(tile, 0));
    }
    let mut handles = Vec::new();
    for _ in 0..TILES_MAX {
        match next(&tab.outbox()).await {
            Item::Word(_, Word::Opened { handle, .. }) => handles.push(handle),
            item => panic!("{item:?}"),
        }
    }
    handles.sort_unstable();
    handles.dedup();
    assert_eq!(handles.len(), TILES_MAX);
    tab.open(rig.wish(last + 1, 0));
    let item = next(&tab.outbox()).await;
    assert!(matches!(
        item,
        Item::Word(_, Word::Refused(NotOpened::TooManyTiles))
    ));
    tab.open(rig.wish(1, 0));
    let item = next(&tab.outbox()).await;
    assert!(matches!(
        item,
        Item::Word(1, Word::Refused(NotOpened::TileInUse))
    ));
    tab.end().await;
    assert!(rig.views.tab(session, HERE).is_ok());
}

/// R27: who watches is not idle; whose session has ended is told.
#[tokio::test]
async fn the_session_is_looked_at_also_without_a_tile() {
    let rig = rig().await;
    let mut tab = rig.tab("school_supervisor").await;
    assert_eq!(tab.keep_session(now_ms()).await.unwrap(), Ok(()));
    tamper(&rig.stage.db, "UPDATE sessions SET ended_ms = 1").await;
    assert_eq!(
        tab.keep_session(now_ms()).await.unwrap(),
        Err(Refusal::SESSION_ENDED)
    );
}
