//! Running: puts the rooms together, opens the doors, and closes them in order.

mod fleet;
mod reload;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::access::audit::{Trail, running};
use crate::access::institution;
use crate::access::password::Hasher;
use crate::access::person;
use crate::access::secret::SealingKey;
use crate::access::single_sign_on::issuer::Issuer;
use crate::authority::{Ca, Shown, tls};
use crate::clock::now_ms;
use crate::config::Config;
use crate::demo::{self, Seeded};
use crate::health::alert::watch::{self as alert, AlertWatch};
use crate::health::channel::kind::Carrier;
use crate::health::channel::sender::{self, Sender};
use crate::health::checkup;
use crate::health::fault::{self, FaultWatch};
use crate::health::history::{self, History};
use crate::health::status;
use crate::keys::custody::Custody;
use crate::keys::{Keys, credentials};
use crate::live::order;
use crate::live::viewer::Views;
use crate::notice::Notices;
use crate::recording::completeness;
use crate::recording::media::Media;
use crate::recording::timetable;
use crate::store::Db;
use crate::web::listen::{self, Limits};
use crate::web::{App, Opened, boxes, entrances, error, metrics, routes};
use fleet::Mqtt;
pub(crate) use fleet::{broker_folder, write_list};
use reload::Reload;

const MIB: u64 = 1024 * 1024;
/// Also how far the end of a view may be off after a crash.
const TEND_EVERY: Duration = Duration::from_secs(15);
/// How soon after midnight, and after a failure, recordings are ended.
const END_EVERY: Duration = Duration::from_secs(60);
/// Askers of the hub's numbers at the same time.
const SCRAPES_MAX: usize = 8;
/// Playbacks are asked about so often, so that they end in < 1 s with the right to them (R23).
const RECHECK_EVERY: Duration = Duration::from_millis(400);

/// Serves until SIGTERM or Ctrl-C.
///
/// # Errors
/// Whatever keeps the hub from starting, in one line.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let config = Arc::new(config);
    let people = listen::bind("people.listen", config.people.listen).await?;
    let boxes = listen::bind("boxes.listen", config.boxes.listen).await?;
    let mqtt = Mqtt::open(&config).await?;
    make_data_dir(&config.data_dir)?;
    let db = Db::open(&config.data_dir, &config.store).await?;
    let ca = Arc::new(Ca::open(&config.data_dir.join("authority"), now_ms())?);
    let shown = Arc::new(Shown::open(&ca, &config.people.names, now_ms())?);
    let notices = Notices::default();
    let trail = Arc::new(Trail::new(db.clone(), notices.clone()));
    running::started(&trail, &config, now_ms()).await?;
    let named = &config.college.preset;
    let opened = Opened {
        institution: institution::in_force(&db, &trail, named, now_ms()).await?,
        trail,
        sealing: SealingKey::open(&config.data_dir)?,
        issuer: Issuer::open(&config)?,
        ca: ca.clone(),
        keys: open_keys(&config, &db, &ca).await?,
        media: open_media(&config)?,
        carrier: Carrier::open(&config)?,
        mqtt: mqtt.place()?,
    };
    let app = App::new(config.clone(), db.clone(), notices, opened);
    person::every_role_is_known(&db).await?;
    close_left_open(&app).await?;
    announce_first_start(&app, people.local_addr()?.port()).await?;
    begin_agreements(&app).await?;
    status::begin(&db, now_ms()).await?;

    let stop = stop_on_signal()?;
    let limits = limits(&config);
    tell_doors(&people, &boxes, &mqtt)?;
    let scraped = scraped(&app, &shown, stop.clone()).await?;
    let (people_tls, boxes_tls) = (tls::people(&shown)?, tls::boxes(&shown, &ca)?);
    let people_routes = routes::router(app.clone());
    let boxes_routes = boxes::table::router(app.clone());
    tokio::spawn(order::follow(app.relay.clone(), app.notices.listen()));
    let heard = mqtt.serve(&app, (&ca, &shown), stop.clone())?;
    let faults = FaultWatch::open(db.clone(), app.notices.clone()).await?;
    let alerts = AlertWatch::new(db.clone(), app.notices.clone()).of_certificate(shown.clone());
    let reload = Reload::new(&app, ca.clone(), shown.clone())?;
    tokio::join!(
        end_views(app.views.clone(), stop.clone()),
        listen::serve(people, people_tls, people_routes, limits, stop.clone()),
        listen::serve(boxes, boxes_tls, boxes_routes, limits, stop.clone()),
        heard,
        scraped,
        fault::judge(faults, stop.clone()),
        history::follow(History::new(db.clone()), stop.clone()),
        alert::follow(alerts, stop.clone()),
        sender::follow(sending(&app), stop.clone()),
        checkup::follow(app.checkups.clone(), stop.clone()),
        timetable::follow(app.timetables.clone(), stop.clone()),
        completeness::follow(db.clone(), stop.clone()),
        reload.follow(stop.clone()),
        copy_trail(&app, stop.clone()),
        recheck_plays(&app, stop.clone()),
        end_recordings(&app, stop.clone()),
        tend(&app, stop),
    );
    app.playback.end_all(now_ms()).await;
    app.devices.visits.tell(true, now_ms()).await;
    running::stopped(&app.trail, now_ms()).await?;
    db.close().await;
    tracing::info!("stopped");
    Ok(())
}

fn limits(config: &Config) -> Limits {
    Limits {
        connections_max: config.people.connections_max,
        handshake_max: Duration::from_secs(config.people.handshake_seconds_max),
    }
}

/// Where the doors are.
fn tell_doors(people: &TcpListener, boxes: &TcpListener, mqtt: &Mqtt) -> anyhow::Result<()> {
    tracing::info!(
        "the people's door is open at https://{}/",
        people.local_addr()?
    );
    tracing::info!(
        boxes = %boxes.local_addr()?, mqtt = mqtt.name()?,
        "the boxes' doors are open"
    );
    Ok(())
}

/// Opens the door for Prometheus where one is wanted, and serves it.
async fn scraped(
    app: &App,
    shown: &Arc<Shown>,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let limits = Limits {
        connections_max: SCRAPES_MAX,
        handshake_max: Duration::from_secs(app.config.people.handshake_seconds_max),
    };
    let listener = match app.config.metrics.listen.0 {
        Some(address) => Some(listen::bind("metrics.listen", address).await?),
        None => None,
    };
    let (tls, router) = (tls::people(shown)?, metrics::router(app.clone())?);
    Ok(async move {
        if let Some(listener) = listener {
            listen::serve(listener, tls, router, limits, stop).await;
        }
    })
}

/// X3: there is no default account. Until three people are the three administrators, every start
/// prints a new code for the page on which they become it.
async fn announce_first_start(app: &App, port: u16) -> anyhow::Result<()> {
    let Some(code) = app.start_codes.first_start(now_ms()).await? else {
        return Ok(());
    };
    let host = app
        .config
        .people
        .names
        .first()
        .map_or("localhost", String::as_str);
    let hours = app.config.session.start_code_hours;
    let page = format!("https://{host}:{port}/#/start");
    print(&format!(
        "首次启动：请打开 {page}，用启用码建立三位管理员（{hours} 小时内有效）。\n\
         First start: make the three administrators at {page} with this code:\n\
         {}",
        *code
    ))
}

/// 附件2 in force, and a word to whoever runs the hub when nobody could sign it.
async fn begin_agreements(app: &App) -> anyhow::Result<()> {
    let begun = app.agreements.begin_with_the_official_text(now_ms()).await;
    begun.context("the official agreement cannot be put in force")?;
    if let Err(error) = app.agreements.can_make_originals().await {
        tracing::error!(
            error = error::chain(&error),
            "nobody can sign the confidentiality agreement until this is mended"
        );
    }
    Ok(())
}

/// R60: views that a crash cut off get their end before anybody can open another.
async fn close_left_open(app: &App) -> anyhow::Result<()> {
    let views = app.gate.close_left_open(now_ms()).await?;
    if views > 0 {
        tracing::warn!(
            views,
            "the hub had ended unexpectedly; views left open are closed now"
        );
    }
    Ok(())
}

/// Live views end with their lines in the trail while the store is still open.
async fn end_views(views: Views, mut stop: watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
    views.stop().await;
}

async fn open_keys(config: &Config, db: &Db, ca: &Ca) -> anyhow::Result<Arc<Keys>> {
    let signing = ca.signing_key().clone();
    let custody = Custody::new(config, credentials().as_deref())?;
    let keys = Keys::open(db.clone(), &custody, &config.keys, signing, now_ms()).await?;
    Ok(Arc::new(keys))
}

fn open_media(config: &Config) -> anyhow::Result<Media> {
    let rules = &config.recording;
    let folder = rules.folder_in(&config.data_dir);
    Ok(Media::open(
        &folder,
        rules.free_mib_min.saturating_mul(MIB),
    )?)
}

/// What takes messages to their channels.
fn sending(app: &App) -> Sender {
    Sender {
        db: app.db.clone(),
        keys: app.keys.clone(),
        carrier: app.channels.carrier().clone(),
        notices: app.notices.clone(),
    }
}

/// Signed days go to another machine, apart from everything else: its folder may hang (X8).
async fn copy_trail(app: &App, mut stop: watch::Receiver<bool>) {
    let mut round = tokio::time::interval(TEND_EVERY);
    loop {
        tokio::select! {
            _ = round.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let copied = tokio::select! {
            copied = app.copies.catch_up(now_ms()) => copied,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        if let Err(error) = copied {
            tracing::error!(
                error = error::chain(&error),
                "cannot tell the trail about its copy"
            );
        }
    }
}

/// Destroys what is past its retention, apart from everything else: files take their time.
async fn end_recordings(app: &App, mut stop: watch::Receiver<bool>) {
    let mut round = tokio::time::interval(END_EVERY);
    loop {
        tokio::select! {
            _ = round.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let ended = tokio::select! {
            ended = app.retention.nightly(now_ms()) => ended,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        if let Err(error) = ended {
            tracing::error!(
                error = error::chain(&error),
                "cannot destroy what is past its retention; it is tried again in a minute"
            );
        }
    }
}

/// Ends the playbacks that may not go on, until the hub stops.
async fn recheck_plays(app: &App, mut stop: watch::Receiver<bool>) {
    while tokio::time::timeout(RECHECK_EVERY, stop.wait_for(|stop| *stop))
        .await
        .is_err()
    {
        app.playback.recheck(now_ms()).await;
    }
}

/// What has to be done now and then, until the hub stops.
async fn tend(app: &App, mut stop: watch::Receiver<bool>) {
    let mut round = tokio::time::interval(TEND_EVERY);
    loop {
        tokio::select! {
            _ = round.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if let Err(error) = app.gate.note_watchers().await {
            tracing::error!(
                error = error::chain(&error),
                "cannot note which views are being watched"
            );
        }
        if let Err(error) = app.days.sign_missing(now_ms()).await {
            tracing::error!(
                error = error::chain(&error),
                "cannot sign the trail's head of the day"
            );
        }
        if let Err(error) = app.risks.look(now_ms()).await {
            tracing::error!(
                error = error::chain(&error),
                "cannot watch the trail for risks"
            );
        }
        if let Err(error) = app.stale.disable_unused(now_ms()).await {
            tracing::error!(
                error = error::chain(&error),
                "cannot disable the accounts that nobody uses"
            );
        }
        app.failures.tell_rest(now_ms()).await;
        app.devices.visits.tell(false, now_ms()).await;
        app.playback.sweep(now_ms()).await;
        if let Err(error) = app.keys.top_up(now_ms()).await {
            tracing::error!(
                error = error::chain(&error),
                "cannot make the coming days' keys"
            );
        }
    }
}

/// Fills an empty data folder with the demonstration college and prints its secrets, once.
///
/// # Errors
/// When the configuration does not allow it, or somebody is there already.
pub async fn seed_demo(config: Config, rooms: usize) -> anyhow::Result<()> {
    ensure!(
        config.demo.enabled,
        "seed-demo needs demo.enabled = true, which is for demonstrations on loopback only"
    );
    make_data_dir(&config.data_dir)?;
    let db = Db::open(&config.data_dir, &config.store).await?;
    let sealing = SealingKey::open(&config.data_dir)?;
    let ca = Ca::open(&config.data_dir.join("authority"), now_ms())?;
    let tools = demo::Tools {
        sealing: &sealing,
        hasher: &Hasher::default(),
        ca: &ca,
    };
    let seeded = demo::seed(&db, &tools, rooms, now_ms()).await?;
    db.close().await;
    print(&seeded_json(&seeded).to_string())
}

/// Prints the description of the people's API.
///
/// # Errors
/// When nobody reads it to its end.
pub fn openapi() -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(&routes::openapi())?)
}

/// Prints every entrance with what it needs.
///
/// # Errors
/// When nobody reads it to its end.
pub fn doors() -> anyhow::Result<()> {
    print(entrances::text().trim_end())
}

/// One answer on standard output; a reader that has gone is an error, not a panic.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").context("cannot print the answer")
}

fn seeded_json(seeded: &Seeded) -> Value {
    let account = |account: &demo::Account| {
        json!({
            "role": account.label,
            "name": account.name,
            "login": account.login,
            "password": *account.password,
            "totp_secret": *account.totp_secret,
            "sign_in_link_token": *account.link_token,
        })
    };
    let room = |room: &demo::Room| {
        json!({
            "id": room.id,
            "name": room.name,
            "building": room.building,
            "unit": room.unit,
            "device_id": room.device,
            "enrolment_code": *room.enrolment_code.reveal(),
        })
    };
    json!({
        "accounts": seeded.accounts.iter().map(account).collect::<Vec<_>>(),
        "rooms": seeded.rooms.iter().map(room).collect::<Vec<_>>(),
    })
}

/// Only the hub's own user looks into the data.
fn make_data_dir(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("data_dir = \"{}\": cannot make this folder", path.display()))
}

/// Turns true at the first SIGTERM or Ctrl-C.
fn stop_on_signal() -> anyhow::Result<watch::Receiver<bool>> {
    let (stop, stopped) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        stop.send_replace(true);
    });
    Ok(stopped)
}
