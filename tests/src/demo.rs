//! The demo: a college in miniature that tells a visitor where to go and as whom.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use crate::campus::{Account, Campus, Options, is_free};
use crate::classroom::Behaviour;

/// The address in the README; another one when it is taken.
const PEOPLE_PORT: u16 = 8443;
/// One camera fails so long after everything is up,
const FAILS_AFTER: Duration = Duration::from_secs(30);
/// and another is covered.
const COVERED_AFTER: Duration = Duration::from_secs(45);

/// What a visitor may ask for.
#[derive(Debug, Clone, clap::Args)]
pub struct Wishes {
    /// How many classrooms; each costs about a fifth of a core.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=60))]
    rooms: u16,
    /// End by itself after so many seconds.
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
    /// Print one JSON line instead of the table.
    #[arg(long)]
    json: bool,
    /// Keep everything in this folder, which must be empty.
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

/// Runs the demo until Ctrl-C, SIGTERM or its time is over.
///
/// # Errors
/// It cannot be started, or a part did not end cleanly.
pub async fn run(wishes: Wishes) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut campus = tokio::select! {
        campus = Campus::start(options(&wishes)) => campus?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    plan_mishaps(&mut campus)?;
    if wishes.json {
        announce(&campus)?
    } else {
        print!("{}", welcome(&campus))
    }
    std::io::stdout().flush()?;
    let over = async {
        match wishes.seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = over => {}
    }
    eprintln!("正在结束 · ending");
    campus.end()
}

fn options(wishes: &Wishes) -> Options {
    let port = is_free(PEOPLE_PORT).then_some(PEOPLE_PORT);
    if port.is_none() {
        eprintln!("端口 {PEOPLE_PORT} 已被占用 · port {PEOPLE_PORT} is in use, taking another");
    }
    let rooms = usize::from(wishes.rooms);
    Options {
        rooms,
        data_dir: wishes.data_dir.clone(),
        people_port: port,
        store: None,
        broker: false,
        chatty: true,
    }
}

/// The last room's camera fails and the one before it is covered; the first stays as it is.
fn plan_mishaps(campus: &mut Campus) -> Result<()> {
    let mishaps = [
        (Behaviour::Die, FAILS_AFTER),
        (Behaviour::Cover, COVERED_AFTER),
    ];
    let rooms = campus.classrooms.iter_mut().skip(1).rev();
    for (room, (behaviour, after)) in rooms.zip(mishaps) {
        room.befall_later(behaviour, after)?;
    }
    Ok(())
}

fn announce(campus: &Campus) -> Result<()> {
    println!("{}", line(campus));
    Ok(())
}

/// Everything a program must know to use a campus.
#[must_use]
pub fn line(campus: &Campus) -> Value {
    let accounts = campus.hub.accounts.iter().map(|account| {
        let mut json = json!(account);
        json["link"] = link(campus, account).into();
        json
    });
    let children = campus.classrooms.iter().flat_map(|room| room.pids());
    let children = children.chain(campus.hub.pid());
    json!({
        "url": campus.url(),
        "accounts": accounts.collect::<Vec<_>>(),
        "rooms": campus.hub.rooms,
        "data_dir": campus.folder(),
        "pids": children.chain([std::process::id()]).collect::<Vec<_>>(),
    })
}

fn link(campus: &Campus, account: &Account) -> String {
    format!("{}/#/link/{}", campus.url(), account.sign_in_link_token)
}

fn welcome(campus: &Campus) -> String {
    let mut text = format!(
        "\n巡课演示已就绪 · the demo is up:  {}\n\n\
         浏览器会提示证书由中枢自签，演示中可继续访问。\n\
         Your browser will warn about the hub's own certificate; go on.\n\
         登录链接仅限本机、仅可用一次。Each link signs in once, on this machine.\n",
        campus.url()
    );
    for account in &campus.hub.accounts {
        text += &format!(
            "\n{} · {}  ({})\n  工号 login {}   密码 password {}\n  \
             动态口令密钥 one-time-code secret {}\n  {}\n",
            account.name,
            title(&account.role),
            account.role,
            account.login,
            account.password,
            account.totp_secret,
            link(campus, account),
        );
    }
    text + "\n约 30 秒后一台摄像机失联，45 秒后一台被遮挡：以技术人员身份查看故障。\n\
            After 30 s one camera fails, after 45 s one is covered: watch as the technician.\n\
            Ctrl-C 结束 · ends everything.\n"
}

fn title(role: &str) -> &str {
    match role {
        "school_supervisor" => "校级督导",
        "school_supervisor_unsigned" => "校级督导（未签保密协议）",
        "unit_supervisor" => "二级督导",
        "technician" => "技术人员（系统管理员）",
        "security_administrator" => "安全管理员",
        "audit_administrator" => "审计管理员",
        "academic_affairs" => "教务处",
        "unit_leader" => "教学单位负责人",
        "teacher" => "任课教师",
        other => other,
    }
}
