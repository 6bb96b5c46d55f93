//! 统一身份认证: the whole way to a real issuer and back, and everything an issuer, a browser or
//! somebody between them could do wrong. 第十一条第2项 “账号密码须专人专用”; X1, X68.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::SET_COOKIE;
use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};
use xunke_tests::campus::{Account, Hub, Issuer, Liar, Person, Visitor, one_time_code};
use xunke_tests::clock::now_ms;

use crate::shared::{folder, list, run};

const PATH: &str = "/api/session/single-sign-on";

/// A hub with a section of single sign-on, which may name an issuer that knows the hub's address.
fn hub(name: &str) -> Result<Hub> {
    let mut hub = Hub::start(&folder(name)?, 1, None)?;
    hub.end()?;
    Ok(hub)
}

fn url(hub: &Hub) -> String {
    format!("https://localhost:{}", hub.ports.people)
}

fn run_with(hub: &mut Hub, section: &str) -> Result<()> {
    configure(hub, section)?;
    hub.run()
}

fn configure(hub: &Hub, section: &str) -> Result<()> {
    let origin = format!("[people]\norigin = \"{}\"\n", url(hub));
    hub.configure(|text| {
        let text = text.split("[single_sign_on]").next().unwrap_or_default();
        let text = text.replace(&origin, "[people]\n");
        text.replace("[people]\n", &origin) + section
    })
}

/// What a hub says that does not start with this section.
async fn last_words(hub: &Hub, section: &str) -> Result<String> {
    configure(hub, section)?;
    hub.refusal().await
}

fn account<'a>(hub: &'a Hub, role: &str) -> Result<&'a Account> {
    let mut accounts = hub.accounts.iter();
    accounts
        .find(|one| one.role == role)
        .context("nobody of that role")
}

fn nobody(hub: &Hub) -> Result<Person> {
    Person::nobody(&url(hub), &hub.ca_pem()?)
}

/// A browser that has set out, and where it goes.
async fn set_out(browser: &Person) -> Result<(Person, Url)> {
    let answer = browser
        .request(Method::POST, PATH, Some(&json!({})))
        .await?;
    ensure!(answer.status().is_success(), "{}", answer.text().await?);
    let cookie = answer.headers().get(SET_COOKIE).context("no cookie")?;
    let cookie = cookie.to_str()?.to_owned();
    for word in [
        "__Host-xunke-sso=",
        "; Secure",
        "; HttpOnly",
        "; SameSite=Strict",
        "; Path=/",
    ] {
        ensure!(cookie.contains(word), "{cookie}");
    }
    let cookie = cookie.split(';').next();
    let browser = browser.clone().with_header("cookie", cookie)?;
    let body: Value = answer.json().await?;
    let address = body["address"].as_str().context("no address")?;
    Ok((browser, address.parse()?))
}

fn part(address: &Url, name: &str) -> Result<String> {
    let mut pairs = address.query_pairs();
    let found = pairs.find(|(key, _)| key == name);
    Ok(found
        .with_context(|| format!("no {name} in {address}"))?
        .1
        .into())
}

/// What the page sends when the issuer has sent the browser to `address`.
fn brought(address: &str) -> Result<Value> {
    let address: Url = address.parse()?;
    ensure!(address.path() == "/single-sign-on", "{address}");
    let pairs = address.query_pairs();
    Ok(pairs
        .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
        .collect())
}

async fn come_back(browser: &Person, brought: &Value) -> Result<(StatusCode, Value)> {
    browser.post(&format!("{PATH}/return"), brought).await
}

async fn refused(
    what: &str,
    answer: Result<(StatusCode, Value)>,
    status: u16,
    code: &str,
) -> Result<()> {
    let (got, body) = answer?;
    assert_eq!(
        (got.as_u16(), &body["error"]["code"]),
        (status, &json!(code)),
        "{what}: {body}"
    );
    let sentence = body["error"]["zh"].as_str().unwrap_or_default();
    assert!(
        !sentence.contains("eyJ") && sentence.len() > 12,
        "{what}: {body}"
    );
    Ok(())
}

/// The lines about signing in, oldest first, as `outcome detail`.
async fn lines(hub: &Hub) -> Result<(Vec<String>, String)> {
    let auditor = nobody(hub)?
        .sign_in(account(hub, "audit_administrator")?)
        .await?;
    let (_, trail) = auditor.get("/api/audit?limit=200").await?;
    let entries = list(&trail, "entries")?.iter().rev();
    let entries = entries.filter(|line| line["action"] == "sign_in");
    let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let lines = entries.map(|line| {
        let number = text(line, "staff_number");
        format!(
            "{} {} {number}",
            text(line, "outcome"),
            text(line, "detail")
        )
    });
    Ok((lines.collect(), trail.to_string()))
}

/// X68, X1, R27: the button, the issuer's page, the way back, the hub's own code, one session.
#[test]
fn the_school_vouches_and_the_hub_asks_for_its_own_code() -> Result<()> {
    run(async {
        let mut hub = hub("single-sign-on")?;
        let person = account(&hub, "school_supervisor")?.clone();
        let issuer = Issuer::start(&folder("single-sign-on")?, &url(&hub), &person.login)?;
        run_with(&mut hub, &issuer.section("label_zh = \"学校统一登录\"\n"))?;
        let nobody = nobody(&hub)?;
        let (_, offer) = nobody.get(PATH).await?;
        assert_eq!(offer["label"]["zh"], "学校统一登录", "{offer}");
        let before = nobody.clone().sign_in(&person).await?;

        let (browser, address) = set_out(&nobody).await?;
        assert_eq!(part(&address, "code_challenge_method")?, "S256");
        assert_eq!(part(&address, "scope")?, "openid");
        assert_eq!(
            part(&address, "redirect_uri")?,
            format!("{}/single-sign-on", url(&hub))
        );
        let mut visitor = Visitor::new(&issuer.ca_file)?;
        let back = visitor.press(address.as_str(), "yes", &url(&hub)).await?;
        let brought = brought(&back)?;
        let (status, came) = come_back(&browser, &brought).await?;
        assert_eq!(
            (status, &came),
            (StatusCode::OK, &json!({"me": null})),
            "{came}"
        );
        assert_eq!(
            browser.get("/api/me").await?.0,
            StatusCode::UNAUTHORIZED,
            "not yet"
        );
        assert_eq!(before.get("/api/me").await?.0, StatusCode::OK, "not yet");

        let give = format!("{PATH}/code");
        let wrong = browser.post(&give, &json!({"totp": "000000"})).await;
        refused("a wrong code", wrong, 422, "field").await?;
        let elsewhere = nobody.post(&give, &json!({"totp": "000000"})).await;
        refused("without the cookie", elsewhere, 409, "single_sign_on_lost").await?;
        let code = one_time_code(&person.totp_secret, now_ms())?;
        let answer = browser
            .request(Method::POST, &give, Some(&json!({"totp": code})))
            .await?;
        assert_eq!(answer.status(), StatusCode::OK);
        let cookies = answer.headers().get_all(SET_COOKIE).iter();
        let cookies: Vec<_> = cookies
            .map(|one| one.to_str().unwrap_or_default().to_owned())
            .collect();
        assert!(
            cookies
                .iter()
                .any(|one| one.starts_with("__Host-xunke-sso=;")),
            "{cookies:?}"
        );
        let session = cookies.iter().find(|one| one.starts_with("__Host-xunke="));
        let session = session.and_then(|one| one.split(';').next());
        let me: Value = answer.json().await?;
        assert_eq!(me["person"]["staff_number"], person.login, "{me}");
        let signed_in = nobody.clone().with_header("cookie", session)?;
        assert_eq!(signed_in.get("/api/me").await?.0, StatusCode::OK);
        assert_eq!(
            before.get("/api/me").await?.0,
            StatusCode::UNAUTHORIZED,
            "one session a person"
        );

        refused(
            "the same again",
            come_back(&browser, &brought).await,
            409,
            "single_sign_on_lost",
        )
        .await?;
        let again = browser.post(&give, &json!({"totp": code})).await;
        refused("the code again", again, 409, "single_sign_on_lost").await?;

        let (lines, trail) = lines(&hub).await?;
        let own = |line: &str| {
            lines
                .iter()
                .any(|one| one == &format!("{line} {}", person.login))
        };
        assert!(
            own("done single_sign_on") && own("failed wrong"),
            "{lines:?}"
        );
        assert!(
            lines.contains(&"failed single_sign_on_state ".to_owned()),
            "{lines:?}"
        );
        let log = fs::read_to_string(hub.process()?.log())?;
        for name in ["code", "state"] {
            let secret = brought[name].as_str().context("missing")?;
            assert!(
                !trail.contains(secret) && !log.contains(secret),
                "{name} was written down"
            );
        }
        hub.end()
    })
}

/// X1: only when the school says what stands for two factors is the hub's own not asked for.
#[test]
fn a_trusted_second_factor_of_the_issuer_is_enough() -> Result<()> {
    run(async {
        let mut hub = hub("single-sign-on-trusted")?;
        let person = account(&hub, "school_supervisor")?.clone();
        let folder = folder("single-sign-on-trusted")?;
        let issuer = Issuer::start(&folder, &url(&hub), &person.login)?;
        for (trusted, asks) in [
            ("trusted_acr = [\"mfa\"]\n", false),
            ("trusted_amr = [\"hwk\", \"otp\"]\n", false),
            ("trusted_amr = [\"hwk\"]\n", true),
        ] {
            run_with(&mut hub, &issuer.section(trusted))?;
            let (browser, address) = set_out(&nobody(&hub)?).await?;
            if trusted.contains("acr") {
                assert_eq!(part(&address, "acr_values")?, "mfa");
            }
            let mut visitor = Visitor::new(&issuer.ca_file)?;
            let back = visitor.press(address.as_str(), "yes", &url(&hub)).await?;
            let path = format!("{PATH}/return");
            let body = brought(&back)?;
            let answer = browser.request(Method::POST, &path, Some(&body)).await?;
            assert_eq!(answer.status(), StatusCode::OK, "{trusted}");
            let cookies = answer.headers().get_all(SET_COOKIE).iter();
            let mut names = cookies.filter_map(|cookie| cookie.to_str().ok()?.split('=').next());
            let begun = names.any(|name| name == "__Host-xunke");
            let came: Value = answer.json().await?;
            assert_eq!((came["me"].is_null(), begun), (asks, !asks), "{trusted}");
            hub.end()?;
        }
        Ok(())
    })
}

/// X68: what a browser, a stranger or the issuer's own "no" can do; local accounts go on.
#[test]
fn nobody_comes_in_on_anothers_way() -> Result<()> {
    run(async {
        let mut hub = hub("single-sign-on-strangers")?;
        let folder = folder("single-sign-on-strangers")?;
        let mut issuer = Issuer::start(&folder, &url(&hub), "T-unknown")?;
        run_with(&mut hub, &issuer.section(""))?;
        let (nobody, home) = (nobody(&hub)?, url(&hub));
        let lost = "single_sign_on_lost";
        let mut visitor = Visitor::new(&issuer.ca_file)?;

        let (own, address) = set_out(&nobody).await?;
        let (other, other_address) = set_out(&nobody).await?;
        let good = brought(&visitor.press(address.as_str(), "yes", &home).await?)?;
        refused("no cookie", come_back(&nobody, &good).await, 409, lost).await?;
        refused("another browser", come_back(&other, &good).await, 409, lost).await?;
        // A visitor of its own: at the issuer a second way ends the first.
        let mut another = Visitor::new(&issuer.ca_file)?;
        let spoilt = brought(&another.press(other_address.as_str(), "yes", &home).await?)?;
        refused(
            "after a wrong state",
            come_back(&other, &spoilt).await,
            409,
            lost,
        )
        .await?;
        let foreign = own
            .clone()
            .with_header("origin", Some("https://evil.example"))?;
        refused(
            "another site",
            come_back(&foreign, &good).await,
            403,
            "foreign_request",
        )
        .await?;
        // All of that has not spoilt the owner's way, which ends because nobody has that number.
        refused(
            "unknown",
            come_back(&own, &good).await,
            403,
            "single_sign_on_nobody",
        )
        .await?;

        let (own, address) = set_out(&nobody).await?;
        let back = visitor.press(address.as_str(), "yes", &home).await?;
        let mut mixed = brought(&back)?;
        mixed["iss"] = json!("https://evil.example");
        refused(
            "a mix-up",
            come_back(&own, &mixed).await,
            403,
            "single_sign_on_declined",
        )
        .await?;

        let mut visitor = Visitor::new(&issuer.ca_file)?;
        let (own, address) = set_out(&nobody).await?;
        let no = brought(&visitor.press(address.as_str(), "no", &home).await?)?;
        assert_eq!(no["error"], "access_denied", "{no}");
        refused(
            "cancelled",
            come_back(&own, &no).await,
            403,
            "single_sign_on_declined",
        )
        .await?;

        let (own, address) = set_out(&nobody).await?;
        let state = part(&address, "state")?;
        let stolen = json!({"state": state, "code": good["code"]});
        refused(
            "a spent code",
            come_back(&own, &stolen).await,
            502,
            "single_sign_on_untrusted",
        )
        .await?;

        issuer.end()?;
        let (own, address) = set_out(&nobody).await?;
        let state = part(&address, "state")?;
        let late = come_back(&own, &json!({"state": state, "code": "c"})).await;
        refused("down", late, 503, "single_sign_on_unreachable").await?;
        hub.end()?;
        hub.run()?;
        let down = nobody.post(PATH, &json!({})).await;
        refused(
            "down from the start",
            down,
            503,
            "single_sign_on_unreachable",
        )
        .await?;
        nobody.clone().sign_in(account(&hub, "teacher")?).await?;

        let (lines, _) = lines(&hub).await?;
        for line in [
            "failed single_sign_on_state ",
            "failed single_sign_on_declined ",
            "failed single_sign_on_unknown_person T-unknown",
            "failed single_sign_on_token ",
            "failed single_sign_on_issuer ",
        ] {
            assert!(lines.iter().any(|one| one == line), "{line} in {lines:?}");
        }
        assert!(
            !lines
                .iter()
                .any(|one| one.starts_with("done single_sign_on")),
            "{lines:?}"
        );
        hub.end()
    })
}

/// A token that nobody signed, or everybody could have signed.
fn forged(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!(
        "{}.{}.{}",
        part(header),
        part(claims),
        URL_SAFE_NO_PAD.encode(signature)
    )
}

/// X68: an issuer, or somebody who took its place, answers the code with something else.
#[test]
fn a_token_that_does_not_fit_lets_nobody_in() -> Result<()> {
    run(async {
        let mut hub = hub("single-sign-on-tokens")?;
        let liar = Liar::start(&folder("single-sign-on-tokens")?).await?;
        run_with(&mut hub, &liar.section())?;
        let number = account(&hub, "teacher")?.login.clone();
        let nobody = nobody(&hub)?;
        let seconds = now_ms() / 1000;
        for (what, name, value) in [
            ("wrong nonce", "nonce", json!("another")),
            ("wrong audience", "aud", json!("another")),
            ("wrong issuer", "iss", json!("https://another.example")),
            ("another party", "azp", json!("another")),
            ("expired", "exp", json!(seconds - 120)),
            ("from the future", "iat", json!(seconds + 3600)),
            ("not yet good", "nbf", json!(seconds + 3600)),
            ("without a staff number", "staff_number", Value::Null),
        ] {
            let (browser, address) = set_out(&nobody).await?;
            let mut claims = liar.claims(&part(&address, "nonce")?, &number, now_ms());
            claims[name] = value;
            liar.gives(&liar.sign("k1", &claims)?);
            let back = json!({"state": part(&address, "state")?, "code": "c"});
            refused(
                what,
                come_back(&browser, &back).await,
                502,
                "single_sign_on_untrusted",
            )
            .await?;
        }
        for (what, header, signature) in [
            ("alg none", json!({"alg": "none"}), vec![]),
            (
                "a shared secret",
                json!({"alg": "HS256", "kid": "k1"}),
                vec![7; 32],
            ),
            (
                "a wrong signature",
                json!({"alg": "EdDSA", "kid": "k1"}),
                vec![7; 64],
            ),
        ] {
            let (browser, address) = set_out(&nobody).await?;
            let claims = liar.claims(&part(&address, "nonce")?, &number, now_ms());
            liar.gives(&forged(&header, &claims, &signature));
            let back = json!({"state": part(&address, "state")?, "code": "c"});
            refused(
                what,
                come_back(&browser, &back).await,
                502,
                "single_sign_on_untrusted",
            )
            .await?;
        }
        // Unknown keys make the hub fetch keys, but not for every token again.
        let fetched = liar.asked("/keys");
        for _ in 0..3 {
            let (browser, address) = set_out(&nobody).await?;
            let claims = liar.claims(&part(&address, "nonce")?, &number, now_ms());
            liar.gives(&liar.sign("k9", &claims)?);
            let back = json!({"state": part(&address, "state")?, "code": "c"});
            let answer = come_back(&browser, &back).await;
            refused("unknown key", answer, 502, "single_sign_on_untrusted").await?;
        }
        assert!(
            liar.asked("/keys") <= fetched + 1,
            "{}",
            liar.asked("/keys")
        );
        // The same liar, for once honest: the comparisons above are what kept it out.
        let (browser, address) = set_out(&nobody).await?;
        assert_eq!(
            part(&address, "tenant")?,
            "a",
            "the issuer's own query stays"
        );
        let claims = liar.claims(&part(&address, "nonce")?, &number, now_ms());
        liar.gives(&liar.sign("k1", &claims)?);
        let back = json!({"state": part(&address, "state")?, "code": "c"});
        assert_eq!(come_back(&browser, &back).await?.0, StatusCode::OK);
        let (lines, trail) = lines(&hub).await?;
        let failed = lines
            .iter()
            .filter(|one| *one == "failed single_sign_on_token ")
            .count();
        assert_eq!(failed, 14, "{lines:?}");
        let log = fs::read_to_string(hub.process()?.log())?;
        assert!(
            !log.contains("eyJ") && !trail.contains("eyJ"),
            "a token was written down"
        );
        hub.end()
    })
}

/// R23, R25, X68: whoever has left stays outside, whoever vouches for them; who is suspended comes
/// in, to read why, and sees no class.
#[test]
fn the_issuer_brings_nobody_back_whose_right_has_ended() -> Result<()> {
    run(async {
        let mut hub = hub("single-sign-on-ended")?;
        let liar = Liar::start(&folder("single-sign-on-ended")?).await?;
        run_with(&mut hub, &(liar.section() + "trusted_acr = [\"mfa\"]\n"))?;
        let person = account(&hub, "school_supervisor")?.clone();
        let nobody = nobody(&hub)?;
        for (standing, code) in [
            ("left", "left"),
            ("cancelled", "cancelled"),
            ("suspended", ""),
        ] {
            let number = &person.login;
            hub.sql(&format!(
                "UPDATE persons SET standing = '{standing}' WHERE staff_number = '{number}'"
            ))?;
            let (browser, address) = set_out(&nobody).await?;
            let mut claims = liar.claims(&part(&address, "nonce")?, number, now_ms());
            claims["acr"] = json!("mfa");
            liar.gives(&liar.sign("k1", &claims)?);
            let back = json!({"state": part(&address, "state")?, "code": "c"});
            if !code.is_empty() {
                refused(standing, come_back(&browser, &back).await, 403, code).await?;
                continue;
            }
            let path = format!("{PATH}/return");
            let answer = browser.request(Method::POST, &path, Some(&back)).await?;
            let cookies = answer.headers().get_all(SET_COOKIE).iter();
            let mut cookies = cookies.filter_map(|one| one.to_str().ok()?.split(';').next());
            let cookie = cookies.find(|one| one.starts_with("__Host-xunke="));
            let inside = nobody.clone().with_header("cookie", cookie)?;
            assert_eq!(inside.get("/api/me").await?.0, StatusCode::OK);
            refused(standing, inside.get("/api/rooms").await, 403, standing).await?;
        }
        let (mut lines, _) = lines(&hub).await?;
        lines.retain(|line| line.ends_with(&person.login));
        let [refused, done] = ["refused", "done"].map(|how| format!("{how} single_sign_on D1001"));
        assert_eq!(lines, [refused.clone(), refused, done]);
        hub.end()
    })
}

/// X68: an issuer that answers garbage, too much, elsewhere or never.
#[test]
fn an_issuer_that_answers_nonsense_harms_nobody() -> Result<()> {
    const DESCRIPTION: &str = "/.well-known/openid-configuration";
    run(async {
        let mut hub = hub("single-sign-on-nonsense")?;
        let liar = Liar::start(&folder("single-sign-on-nonsense")?).await?;
        let nobody = nobody(&hub)?;
        let mut elsewhere = liar.description();
        elsewhere["issuer"] = json!("https://another.example");
        let mut plain = liar.description();
        plain["token_endpoint"] = json!("http://localhost:1/token");
        let huge = format!("{{\"issuer\": \"{}\"}}", "x".repeat(2_000_000));
        let at = format!("302 Found\r\nlocation: {}/keys", liar.url);
        for (what, head, body, status) in [
            ("another's name", "200 OK", elsewhere.to_string(), 502),
            ("plain http", "200 OK", plain.to_string(), 502),
            ("no JSON", "200 OK", "<html>登录</html>".to_owned(), 502),
            ("nothing", "200 OK", String::new(), 502),
            ("far too much", "200 OK", huge, 502),
            ("a redirect", at.as_str(), String::new(), 503),
            ("a failure", "500 Oh", String::new(), 503),
        ] {
            liar.answers(DESCRIPTION, head, body);
            run_with(&mut hub, &liar.section())?;
            let code = match status {
                502 => "single_sign_on_untrusted",
                _ => "single_sign_on_unreachable",
            };
            refused(what, nobody.post(PATH, &json!({})).await, status, code).await?;
            hub.end()?;
        }
        liar.says(DESCRIPTION, &liar.description());
        run_with(&mut hub, &liar.section())?;
        for (what, head, body, status) in [
            ("no JSON", "200 OK", "token".to_owned(), 502),
            (
                "no token",
                "200 OK",
                "{\"access_token\":\"a\"}".to_owned(),
                502,
            ),
            ("far too much", "200 OK", "x".repeat(2_000_000), 502),
            ("refused", "401 Unauthorized", "{}".to_owned(), 502),
            ("a failure", "503 Busy", String::new(), 503),
        ] {
            liar.answers("/token", head, body);
            let (browser, address) = set_out(&nobody).await?;
            let code = match status {
                502 => "single_sign_on_untrusted",
                _ => "single_sign_on_unreachable",
            };
            let back = json!({"state": part(&address, "state")?, "code": "c"});
            refused(what, come_back(&browser, &back).await, status, code).await?;
        }
        // One that never answers holds nobody for long, and local sign-in does not wait for it.
        let silent = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let silent_url = format!("https://localhost:{}", silent.local_addr()?.port());
        hub.end()?;
        run_with(&mut hub, &liar.section().replace(&liar.url, &silent_url))?;
        let nothing = json!({});
        let longest = Duration::from_secs(10);
        let waiting = tokio::time::timeout(longest, nobody.post(PATH, &nothing));
        let signing_in = nobody.clone().sign_in(account(&hub, "teacher")?);
        let (answer, signed_in) = tokio::join!(waiting, signing_in);
        refused("silent", answer?, 503, "single_sign_on_unreachable").await?;
        signed_in?;
        hub.end()
    })
}

/// X68: off unless configured, and a mistake stops the start with its key.
#[test]
fn without_an_issuer_there_is_no_button_and_a_mistake_is_named() -> Result<()> {
    run(async {
        let folder = folder("single-sign-on-off")?;
        let mut hub = hub("single-sign-on-off")?;
        hub.run()?;
        let nobody = nobody(&hub)?;
        assert_eq!(nobody.get(PATH).await?.1, json!({"label": null}));
        let (status, _) = nobody.post(PATH, &json!({})).await?;
        assert_eq!(status, StatusCode::NOT_FOUND);
        hub.end()?;
        let (secret, ca) = (folder.join("secret"), folder.join("ca.pem"));
        fs::write(&secret, "s")?;
        fs::write(&ca, "no certificate")?;
        let section = |more: &str| {
            format!("[single_sign_on]\nissuer = \"https://sso.example\"\nclient_id = \"x\"\n{more}")
        };
        let secret_key = format!("client_secret_file = \"{}\"\n", secret.display());
        let open = last_words(&hub, &section(&secret_key)).await?;
        assert!(open.contains("single_sign_on.client_secret_file"), "{open}");
        assert!(open.contains("chmod 600"), "{open}");
        fs::remove_file(&secret)?;
        let missing = last_words(&hub, &section(&secret_key)).await?;
        assert!(
            missing.contains("client_secret_file: there is no file"),
            "{missing}"
        );
        let http = section(&secret_key).replace("https://sso", "http://sso");
        let plain = last_words(&hub, &http).await?;
        assert!(plain.contains("single_sign_on.issuer: must be"), "{plain}");
        fs::write(&secret, "s")?;
        fs::set_permissions(&secret, PermissionsExt::from_mode(0o600))?;
        let ca_key = format!("{secret_key}ca_file = \"{}\"\n", ca.display());
        let no_ca = last_words(&hub, &section(&ca_key)).await?;
        assert!(no_ca.contains("single_sign_on.ca_file"), "{no_ca}");
        Ok(())
    })
}
