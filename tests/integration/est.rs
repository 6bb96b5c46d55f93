//! Enrolment in the shape of RFC 7030, spoken by programs that are not ours: openssl and curl.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use xunke_tests::campus::Hub;

use crate::shared::{folder, run};

/// What a program prints.
fn say(folder: &Path, line: &str) -> Result<String> {
    let script = format!("set -euo pipefail\n{line}");
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder)
        .output()?;
    let why = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{line}\n{why}");
    Ok(String::from_utf8(output.stdout)?)
}

const REQUEST: &str = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -subj /CN=whatever -keyout KEY -outform DER 2>/dev/null \
    -addext subjectAltName=URI:urn:xunke:signing-key:SIGNS | base64 -w 76 > asked";
/// Lines end as MIME has it, which `base64` does not know.
const PRINT: &str = "tr -d '\\r' | base64 -d | openssl pkcs7 -inform DER -print_certs";

/// Issue 6, item 1: a request by the code, another by the certificate, and nothing by neither.
#[test]
fn a_tool_that_speaks_est_enrols_and_renews() -> Result<()> {
    run(async {
        let folder = folder("est")?;
        let hub = Hub::start(&folder, 1, None)?;
        let door = format!("https://localhost:{}/.well-known/est", hub.ports.boxes);
        fs::write(
            folder.join("code"),
            format!("user = \"box:{}\"\n", hub.rooms[0].enrolment_code),
        )?;
        // What is trusted from here on; its SHA-256 stands in the code.
        say(
            &folder,
            &format!("curl -sSfk {door}/cacerts | {PRINT} > ca.pem"),
        )?;
        let signs = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let request = REQUEST.replace("SIGNS", signs);
        let post = "curl -sS --cacert ca.pem -H content-type:application/pkcs10 --data-binary";
        say(&folder, &request.replace("KEY", "key.pem"))?;
        let nobody = format!("{post} @asked -o /dev/null -w '%{{http_code}}' {door}/simpleenroll");
        ensure!(say(&folder, &nobody)? == "401", "without a code");
        let enrol = format!("{post} @asked -f -K code {door}/simpleenroll | {PRINT} > box.pem");
        say(&folder, &enrol)?;
        let subject = say(&folder, "openssl x509 -in box.pem -noout -subject")?;
        ensure!(subject.contains("box-"), "the name is the hub's: {subject}");
        let twice = format!("{nobody} -K code");
        ensure!(say(&folder, &twice)? == "401", "a code is good once");
        // With the certificate another one is asked for, and put in force by its first use.
        say(&folder, &request.replace("KEY", "next-key.pem"))?;
        let shown = "--cert box.pem --key key.pem";
        let renew = format!("{post} @asked -f {shown} {door}/simplereenroll | {PRINT} > next.pem");
        say(&folder, &renew)?;
        let bundle = format!("https://localhost:{}/box/1/epoch-bundle", hub.ports.boxes);
        let ask = format!("curl -sSf --cacert ca.pem {bundle} -o /dev/null --cert");
        say(&folder, &format!("{ask} next.pem --key next-key.pem"))?;
        let old =
            format!("{post} @asked {shown} -o /dev/null -w '%{{http_code}}' {door}/simplereenroll");
        ensure!(
            say(&folder, &old)? == "403",
            "the one before renews nothing"
        );
        let told = hub.sql("SELECT outcome FROM trail WHERE action = 'enrol' ORDER BY seq")?;
        ensure!(told.lines().eq(["permitted", "refused"]), "{told}");
        Ok(())
    })
}
