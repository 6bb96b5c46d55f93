//! Whatever a camera answers by ONVIF, its reader takes it or refuses it (X62).

use super::answer;
use super::discovery::take;
use super::fence::Fence;
use super::security::{challenged, respond, username_token};
use super::skew::judge;
use super::soap::{Request, shortened};
use super::topic::Tampering;
use super::xml::{escape, parse};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use url::Url;
use xunke_mutate::{Target, feed};

const NOW_MS: i64 = 1_795_300_000_000;
const ID: &str = "urn:uuid:7";
const CAMERA: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 0, 20));

fn envelopes() -> Vec<Vec<u8>> {
    let bodies = [
        "<GetResponse><SystemDateAndTime><UTCDateTime><Time><Hour>8</Hour><Minute>7</Minute>\
         <Second>59</Second></Time><Date><Year>2026</Year><Month>9</Month><Day>16</Day></Date>\
         </UTCDateTime></SystemDateAndTime></GetResponse>",
        "<GetResponse><Manufacturer>中</Manufacturer><Model>M&amp;1</Model>\
         <FirmwareVersion>1.2</FirmwareVersion><SerialNumber>7</SerialNumber></GetResponse>",
        "<GetResponse><Service><Namespace>http://www.onvif.org/ver10/media/wsdl</Namespace>\
         <XAddr>http://10.1.0.20/onvif/media</XAddr></Service></GetResponse>",
        "<GetResponse><Profiles token='a'><Name>main</Name><VideoEncoderConfiguration>\
         <Encoding>H264</Encoding><Resolution><Width>1920</Width><Height>1080</Height></Resolution>\
         <RateControl><FrameRateLimit>25</FrameRateLimit><BitrateLimit>4096</BitrateLimit>\
         </RateControl><H264><GovLength>50</GovLength></H264></VideoEncoderConfiguration>\
         </Profiles></GetResponse>",
        "<GetResponse><MediaUri><Uri>rtsp://10.1.0.20:554/main?a=1</Uri></MediaUri></GetResponse>",
        "<GetResponse><SubscriptionReference><Address>http://c/e</Address><ReferenceParameters>\
         <Id xmlns='urn:x'>7</Id></ReferenceParameters></SubscriptionReference>\
         <CurrentTime>1970-01-01T00:01:00Z</CurrentTime>\
         <TerminationTime>1970-01-01T00:03:00Z</TerminationTime></GetResponse>",
        "<GetResponse><TopicSet><VideoSource><ImageTooBlurry topic='true'/></VideoSource>\
         </TopicSet></GetResponse>",
        "<GetResponse><NotificationMessage><Topic>tns1:VideoSource/GlobalSceneChange/ImagingService\
         </Topic><Message><Message PropertyOperation='Changed'><Data><SimpleItem Name='State' \
         Value='true'/></Data></Message></Message></NotificationMessage></GetResponse>",
        "<Fault><Code><Value>s:Sender</Value><Subcode><Value>t:NotAuthorized</Value></Subcode>\
         </Code><Reason><Text>no</Text></Reason></Fault>",
    ];
    let whole = |body: &str| {
        format!(
            "<?xml version=\"1.0\"?>\
             <s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\">\
             <s:Body>{body}</s:Body></s:Envelope>"
        )
    };
    bodies.map(|body| whole(body).into_bytes()).to_vec()
}

/// Every reader of answers over every answer: a camera may send any of them at any time.
fn answers(bytes: &[u8]) {
    let Ok(node) = Request::new("urn:x", "Get", "").answer(bytes) else {
        return;
    };
    if let Some(camera_ms) = answer::clock_ms(&node) {
        let skew_ms = camera_ms - NOW_MS;
        judge(skew_ms, NOW_MS);
        let known = ("admin".to_owned(), "secret".to_owned());
        username_token(&known, [7; 16], NOW_MS + skew_ms);
    }
    let information = answer::information(&node);
    assert!(information.model.chars().count() < 1_000);
    answer::services(&node);
    answer::capabilities(&node);
    answer::profiles(&node);
    answer::topics(&node);
    answer::lasts_s(&node);
    if let Some(subscribed) = answer::subscribed(&node) {
        // It goes back in a header of ours.
        assert!(parse(format!("<a>{}</a>", subscribed.reference).as_bytes()).is_ok());
    }
    let fence = Fence::new(vec![(CAMERA.to_string(), CAMERA)], Vec::new());
    if let Some(Ok(url)) = answer::stream_uri(&node).map(Url::parse)
        && let Ok(place) = fence.place(&url, "stream")
    {
        assert_eq!(place.address.ip(), CAMERA, "{url} leads elsewhere");
    }
    let mut tampering = Tampering::default();
    for message in answer::messages(&node) {
        tampering.take(&message, NOW_MS);
    }
    tampering.expire(NOW_MS);
}

fn documents(bytes: &[u8]) {
    if let Ok(node) = parse(bytes) {
        let text = escape(&node.text);
        assert!(!text.contains(['<', '>', '"']));
        assert!(!shortened(&text).contains('\n'));
    }
}

fn calls() -> Vec<Vec<u8>> {
    let answer = format!(
        "<Envelope><Header><RelatesTo>{ID}</RelatesTo></Header><Body><ProbeMatches><ProbeMatch>\
         <Scopes>onvif://www.onvif.org/name/Room%201 onvif://www.onvif.org/hardware/H1</Scopes>\
         <XAddrs>http://10.1.0.20/onvif/device_service http://[fe80::1]/x</XAddrs></ProbeMatch>\
         </ProbeMatches></Body></Envelope>"
    );
    vec![answer.into_bytes()]
}

fn called(bytes: &[u8]) {
    let mut found = BTreeMap::new();
    take(&mut found, CAMERA, bytes, ID, &[]);
    for one in found.values() {
        let own = |url: &String| url.contains("10.1.0.20") || url.contains("0.0.0.0");
        assert!(one.urls.iter().all(own), "{one:?}");
    }
}

fn challenges() -> Vec<Vec<u8>> {
    let text = "Basic realm=\"c\", Digest realm=\"c\", nonce=\"a7\", qop=\"auth,auth-int\", \
                algorithm=SHA-256, stale=true, opaque=\"x\"";
    vec![text.into()]
}

fn challenge(bytes: &[u8]) {
    let known = ("admin".to_owned(), "s3cret-word".to_owned());
    let header = String::from_utf8_lossy(bytes);
    if let Some(mut client) = challenged(&header) {
        let proof = respond(&mut client, &known, "/onvif", b"body");
        assert!(!proof.unwrap_or_default().contains("s3cret-word"));
    }
}

#[test]
fn readers_of_onvif_take_whatever_comes() {
    let targets: [Target; 4] = [
        ("answers by ONVIF", envelopes, answers),
        ("XML", envelopes, documents),
        ("answers to a call", calls, called),
        ("challenges", challenges, challenge),
    ];
    feed(&targets);
}
