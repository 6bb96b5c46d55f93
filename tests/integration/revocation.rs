//! What ends a right ends what is running: grant, password, role, suspension, departure, each
//! within a second (R23, R108); and afterwards the teacher reads who had watched (K2).

use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};
use xunke_tests::campus::{Campus, Options, Person};
use xunke_tests::clock::now_ms;

use crate::grants::opened;
use crate::shared::{folder, get, list, run};
use crate::watching::{Cookie, Watching, record_long_segments, recorded};

/// One room with a recording, those who may look on, and those who may end it.
struct Stage {
    campus: Campus,
    room: String,
    recording: String,
    affairs: Person,
    security: Person,
    technician: Person,
    school: Person,
    unit: Person,
    leader: Person,
}

impl Stage {
    async fn start() -> Result<Self> {
        let options = Options {
            rooms: 1,
            data_dir: Some(folder("revocation")?),
            ..Options::default()
        };
        let mut campus = Campus::start(options).await?;
        record_long_segments(&mut campus.classrooms[0])?;
        let room = campus.classrooms[0].room.id.clone();
        let school = campus.sign_in("school_supervisor").await?;
        Ok(Self {
            recording: recorded(&school, &room).await?,
            room,
            affairs: campus.sign_in("academic_affairs").await?,
            security: campus.sign_in("security_administrator").await?,
            technician: campus.sign_in("technician").await?,
            school,
            unit: campus.sign_in("unit_supervisor").await?,
            leader: campus.sign_in("unit_leader").await?,
            campus,
        })
    }

    async fn watching(&self, person: &Person) -> Result<Watching> {
        Watching::begin(person, &self.room, &self.recording).await
    }

    async fn a_grant_is_handed_back(&self) -> Result<()> {
        let grant = opened(&self.affairs, &self.security, &self.leader).await?;
        let view = self.watching(&self.leader).await?;
        let since_ms = now_ms();
        let path = format!("/api/grants/{grant}/revocation");
        done(&self.affairs, &path, &json!({ "reason": "调岗" })).await?;
        assert_eq!(view.ends(since_ms, Cookie::Lives).await?, "no_grant");
        Ok(())
    }

    /// Two officers must ask, for the account may watch; then everything it signed in with is void.
    async fn a_password_is_reset(&self) -> Result<()> {
        opened(&self.affairs, &self.security, &self.leader).await?;
        let view = self.watching(&self.leader).await?;
        let path = format!("/api/people/{}/start-code", id(&self.leader)?);
        done(&self.technician, &path, &json!({})).await?;
        let since_ms = now_ms();
        let issued = done(&self.security, &path, &json!({})).await?;
        ensure!(issued["code"].is_string(), "{issued}");
        assert_eq!(view.ends(since_ms, Cookie::Dead).await?, "session_ended");
        let again = self.campus.sign_in("unit_leader").await;
        ensure!(again.is_err(), "the old password is good after the reset");
        Ok(())
    }

    async fn a_role_is_taken(&self) -> Result<()> {
        let view = self.watching(&self.unit).await?;
        let post = json!({
            "roles": ["teacher"],
            "unit": self.unit.me["unit"]["id"],
            "basis": "教务〔2026〕12号",
        });
        let path = format!("/api/people/{}/post", id(&self.unit)?);
        let since_ms = now_ms();
        done(&self.security, &path, &post).await?;
        assert_eq!(view.ends(since_ms, Cookie::Dead).await?, "session_ended");
        let open = get(&self.affairs, "/api/departures").await?;
        assert_eq!(open["departures"][0]["kind"], "transferred", "{open}");
        Ok(())
    }

    /// The account stays, the picture does not.
    async fn a_suspension_begins(&self) -> Result<()> {
        let view = self.watching(&self.school).await?;
        let decision = json!({
            "number": "教务〔2026〕33号",
            "staff_number": self.school.me["person"]["staff_number"],
            "measure": "suspension",
            "basis": "管理办法第十三条第1项",
            "facts": "将账号借给他人。",
            "evidence": [1],
        });
        done(&self.affairs, "/api/sanctions", &decision).await?;
        let filed = get(&self.security, "/api/sanctions").await?;
        let path = filed["sanctions"][0]["id"].as_str().context("no id")?;
        let path = format!("/api/sanctions/{path}");
        let since_ms = now_ms();
        done(&self.security, &format!("{path}/decision"), &json!({})).await?;
        assert_eq!(view.ends(since_ms, Cookie::Lives).await?, "suspended");
        let (status, _) = self.school.get("/api/rooms").await?;
        assert_eq!(status, StatusCode::FORBIDDEN);
        let own = get(&self.school, "/api/sanctions/own").await?;
        assert_eq!(list(&own, "sanctions")?.len(), 1);
        let export = format!("{path}/export");
        let (status, _) = self.security.get(&export).await?;
        assert_eq!(status, StatusCode::FORBIDDEN);
        ensure!(get(&self.affairs, &export).await?["signature"].is_string());
        let why = json!({ "reason": "教务〔2026〕34号" });
        done(&self.security, &format!("{path}/lifting"), &why).await?;
        Ok(())
    }

    async fn somebody_leaves(&self) -> Result<()> {
        let view = self.watching(&self.school).await?;
        let leaving = json!({
            "staff_number": self.school.me["person"]["staff_number"],
            "kind": "left",
            "reason": "退休",
        });
        let since_ms = now_ms();
        done(&self.affairs, "/api/departures", &leaving).await?;
        assert_eq!(view.ends(since_ms, Cookie::Dead).await?, "session_ended");
        let again = self.campus.sign_in("school_supervisor").await;
        let refused = again.err().context("who has left signs in")?.to_string();
        ensure!(refused.contains("\"left\""), "{refused}");
        Ok(())
    }

    /// K2, Q19: who, when and why, to the lesson's teacher alone, and only when it is over.
    async fn the_teacher_reads_who_watched(&self, since_ms: i64) -> Result<()> {
        let teacher = self.campus.sign_in("teacher").await?;
        let watchers = async |person| get(person, "/api/watchers").await;
        let told = watchers(&teacher).await?;
        ensure!(list(&told, "views")?.is_empty(), "it still runs: {told}");
        let over_ms = now_ms();
        self.campus.hub.sql(&format!(
            "UPDATE lessons SET end_ms = {over_ms}
             WHERE start_ms <= {over_ms} AND end_ms > {over_ms}"
        ))?;
        let told = watchers(&teacher).await?;
        let mut seen = Vec::new();
        for view in list(&told, "views")? {
            assert_eq!(view["purpose"], "plan", "{view}");
            let times = ["from", "to"].map(|name| view[name].as_i64());
            let within = |ms: Option<i64>| ms.is_some_and(|ms| since_ms <= ms && ms <= over_ms);
            ensure!(times.into_iter().all(within), "{view}");
            seen.push(format!("{} {}", view["supervisor"], view["kind"]));
        }
        seen.sort();
        let mut did = Vec::new();
        for (person, times) in [(&self.school, 2), (&self.unit, 1), (&self.leader, 2)] {
            let name = &person.me["person"]["name"];
            let both = ["live", "playback"].map(|kind| format!("{name} \"{kind}\""));
            did.extend((0..times).flat_map(|_| both.clone()));
        }
        did.sort();
        assert_eq!(seen, did);
        // The unit's supervisor only teaches now, and did not teach there.
        let another = self.campus.sign_in("unit_supervisor").await?;
        let told = watchers(&another).await?;
        ensure!(list(&told, "views")?.is_empty(), "another's: {told}");
        let (status, _) = self.affairs.get("/api/watchers").await?;
        assert_eq!(status, StatusCode::FORBIDDEN);
        Ok(())
    }
}

async fn done(officer: &Person, path: &str, form: &Value) -> Result<Value> {
    let (status, body) = officer.post(path, form).await?;
    ensure!(status.is_success(), "{path}: {status} {body}");
    Ok(body)
}

fn id(person: &Person) -> Result<&str> {
    person.me["person"]["id"].as_str().context("no id")
}

/// R23, R24, R25, R27, R44, R108, K2: each way in which a right ends, while its holder is watching
/// live and a recording; and who did is told to the teacher when the lesson is over.
#[test]
fn whatever_ends_a_right_ends_what_is_running() -> Result<()> {
    run(async {
        let since_ms = now_ms();
        let stage = Stage::start().await?;
        stage.a_grant_is_handed_back().await?;
        stage.a_password_is_reset().await?;
        stage.a_role_is_taken().await?;
        stage.a_suspension_begins().await?;
        stage.somebody_leaves().await?;
        stage.the_teacher_reads_who_watched(since_ms).await?;
        stage.campus.end()
    })
}
