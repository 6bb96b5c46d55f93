//! What the answers mean that we ask for. Pure; anything may be missing.

use super::soap::{echo, shortened};
use super::xml::Node;
use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, Time};

/// More profiles than any camera of a classroom has; the rest is not looked at.
const PROFILES_MAX: usize = 64;
const TOPICS_MAX: usize = 128;
const MESSAGES_MAX: usize = 64;
/// A subscription's own headers.
const REFERENCE_BYTES_MAX: usize = 2048;
/// When a camera does not say how long a subscription lasts.
const LASTING_S: i64 = 60;

/// `GetDeviceInformation`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Information {
    /// Who made it.
    pub manufacturer: String,
    /// What it is.
    pub model: String,
    /// What runs on it.
    pub firmware: String,
    /// Its number.
    pub serial: String,
}

/// A way to see what the camera sees.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    /// How the camera calls it.
    pub token: String,
    /// How people call it.
    pub name: String,
    /// Its picture; a profile without one is of no use.
    pub video: Option<VideoSettings>,
    /// Its sound.
    pub audio: Option<String>,
}

/// How a picture is encoded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VideoSettings {
    /// `H264`, `H265`, `JPEG` …
    pub codec: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Pictures a second, at most.
    pub frames_per_second: Option<f32>,
    /// Pictures from keyframe to keyframe.
    pub gop_frames: Option<u32>,
    /// At most.
    pub kbit_per_second: Option<u32>,
}

/// A subscription to events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscribed {
    /// Where to ask.
    pub address: String,
    /// Headers that name it, as XML.
    pub reference: String,
    /// How long it lasts from now.
    pub lasts_s: i64,
}

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// `tns1:VideoSource/…`
    pub topic: String,
    /// `Initialized`, `Changed`, `Deleted` or nothing.
    pub operation: String,
    /// Names and values of its data.
    pub data: Vec<(String, String)>,
}

/// UTC by the camera's clock, milliseconds since 1970; the middle of the second it names.
pub fn clock_ms(answer: &Node) -> Option<i64> {
    let told = answer.child("SystemDateAndTime")?;
    // A camera that tells local time alone has no idea of UTC; then its error is seen as one.
    let told = told
        .child("UTCDateTime")
        .or_else(|| told.child("LocalDateTime"))?;
    let month: u8 = told.number_at(&["Date", "Month"])?;
    let month = Month::try_from(month).ok()?;
    let year: i32 = told.number_at(&["Date", "Year"])?;
    let date = Date::from_calendar_date(year, month, told.number_at(&["Date", "Day"])?).ok()?;
    let second: u8 = told.number_at(&["Time", "Second"])?;
    let hour = told.number_at(&["Time", "Hour"])?;
    let time = Time::from_hms(hour, told.number_at(&["Time", "Minute"])?, second.min(59)).ok()?;
    Some(date.with_time(time).assume_utc().unix_timestamp() * 1000 + 500)
}

/// `GetDeviceInformation`.
pub fn information(answer: &Node) -> Information {
    let text = |name| shortened(answer.text_at(&[name]).unwrap_or_default());
    Information {
        manufacturer: text("Manufacturer"),
        model: text("Model"),
        firmware: text("FirmwareVersion"),
        serial: text("SerialNumber"),
    }
}

/// `GetServices`: namespaces and addresses.
pub fn services(answer: &Node) -> Vec<(String, String)> {
    let service = |node: &Node| {
        let namespace = node.text_at(&["Namespace"])?;
        Some((namespace.to_owned(), node.text_at(&["XAddr"])?.to_owned()))
    };
    answer.all("Service").filter_map(service).collect()
}

/// `GetCapabilities`, for cameras that know no `GetServices`: names and addresses.
pub fn capabilities(answer: &Node) -> Vec<(String, String)> {
    let Some(capabilities) = answer.child("Capabilities") else {
        return Vec::new();
    };
    let service = |node: &Node| Some((node.name.clone(), node.text_at(&["XAddr"])?.to_owned()));
    capabilities.children.iter().filter_map(service).collect()
}

/// `GetProfiles` of either media service.
pub fn profiles(answer: &Node) -> Vec<Profile> {
    answer
        .all("Profiles")
        .take(PROFILES_MAX)
        .map(profile)
        .collect()
}

fn profile(node: &Node) -> Profile {
    let second = node.child("Configurations");
    let video = match second {
        Some(parts) => parts.child("VideoEncoder"),
        None => node.child("VideoEncoderConfiguration"),
    };
    let audio = match second {
        Some(parts) => parts.text_at(&["AudioEncoder", "Encoding"]),
        None => node.text_at(&["AudioEncoderConfiguration", "Encoding"]),
    };
    Profile {
        token: node.attribute("token").unwrap_or_default().to_owned(),
        name: shortened(node.text_at(&["Name"]).unwrap_or_default()),
        video: video.and_then(settings),
        audio: audio.map(shortened),
    }
}

fn settings(node: &Node) -> Option<VideoSettings> {
    let codec = node
        .text_at(&["Encoding"])?
        .to_ascii_uppercase()
        .replace('.', "");
    // The first media service has it in a part named like the codec, the second as an attribute.
    let gop = node
        .children
        .iter()
        .find_map(|part| part.number_at(&["GovLength"]));
    let attribute = node
        .attribute("GovLength")
        .and_then(|text| text.parse().ok());
    Some(VideoSettings {
        codec: shortened(&codec),
        width: node.number_at(&["Resolution", "Width"])?,
        height: node.number_at(&["Resolution", "Height"])?,
        frames_per_second: node.number_at(&["RateControl", "FrameRateLimit"]),
        gop_frames: gop.or(attribute),
        kbit_per_second: node.number_at(&["RateControl", "BitrateLimit"]),
    })
}

/// `GetStreamUri` of either media service.
pub fn stream_uri(answer: &Node) -> Option<&str> {
    let first = answer.text_at(&["MediaUri", "Uri"]);
    first.or_else(|| answer.text_at(&["Uri"]))
}

/// `GetEventProperties`: what the camera can tell.
pub fn topics(answer: &Node) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(set) = answer.child("TopicSet") {
        walk(set, "", &mut found);
    }
    found
}

/// The tree is no deeper than [`super::xml`] allows.
fn walk(node: &Node, above: &str, found: &mut Vec<String>) {
    for child in node
        .children
        .iter()
        .filter(|child| child.name != "MessageDescription")
    {
        let path = match above {
            "" => child.name.clone(),
            above => format!("{above}/{}", child.name),
        };
        let is_topic = child
            .attribute("topic")
            .is_some_and(|text| text != "false" && text != "0");
        if is_topic && found.len() < TOPICS_MAX {
            found.push(shortened(&path));
        }
        walk(child, &path, found);
    }
}

/// `CreatePullPointSubscription`.
pub fn subscribed(answer: &Node) -> Option<Subscribed> {
    let named = answer.child("SubscriptionReference")?;
    let mut reference = String::new();
    let own = named
        .child("ReferenceParameters")
        .map_or(&[][..], |node| &node.children);
    own.iter().for_each(|node| echo(node, &mut reference));
    if reference.len() > REFERENCE_BYTES_MAX {
        return None;
    }
    Some(Subscribed {
        address: named.text_at(&["Address"])?.to_owned(),
        reference,
        lasts_s: lasts_s(answer),
    })
}

/// How long a subscription lasts from now, by the camera's own two times: its clock may be wrong.
pub fn lasts_s(answer: &Node) -> i64 {
    let moment = |name: &str| {
        let text = answer.text_at(&[name])?;
        let parse = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
        parse(text).or_else(|| parse(&format!("{text}Z")))
    };
    let span = moment("TerminationTime").zip(moment("CurrentTime"));
    span.map_or(LASTING_S, |(end, now)| (end - now).whole_seconds())
}

/// `PullMessages`.
pub fn messages(answer: &Node) -> Vec<Message> {
    let told = answer.all("NotificationMessage").take(MESSAGES_MAX);
    told.filter_map(message).collect()
}

fn message(node: &Node) -> Option<Message> {
    let topic = shortened(node.text_at(&["Topic"])?);
    let inner = node.at(&["Message", "Message"])?;
    let item = |node: &Node| {
        Some((
            node.attribute("Name")?.to_owned(),
            node.attribute("Value")?.to_owned(),
        ))
    };
    let data = inner
        .child("Data")
        .map(|data| data.all("SimpleItem").filter_map(item).collect());
    Some(Message {
        topic,
        operation: inner
            .attribute("PropertyOperation")
            .unwrap_or_default()
            .to_owned(),
        data: data.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::onvif::xml::parse;

    fn node(text: &str) -> Node {
        parse(text.as_bytes()).unwrap()
    }

    fn clock(part: &str, year: &str) -> Option<i64> {
        clock_ms(&node(&format!(
            "<R><SystemDateAndTime><{part}><Time><Hour>8</Hour><Minute>7</Minute>\
             <Second>60</Second></Time><Date><Year>{year}</Year><Month>9</Month>\
             <Day>16</Day></Date></{part}></SystemDateAndTime></R>"
        )))
    }

    #[test]
    fn a_clock_is_read_whatever_year_it_shows() {
        assert_eq!(clock("UTCDateTime", "2010"), Some(1_284_624_479_500));
        assert_eq!(clock("LocalDateTime", "1970"), Some(22_320_479_500));
        for year in ["", "soon", "99999999"] {
            assert_eq!(clock("UTCDateTime", year), None, "{year}");
        }
        assert_eq!(clock_ms(&node("<R/>")), None);
    }

    /// The same picture, as the two media services tell it.
    #[test]
    fn profiles_of_both_media_services_are_read() {
        let parts = "<Encoding>H264</Encoding><Resolution><Width>1920</Width><Height>1080</Height>\
            </Resolution><RateControl><FrameRateLimit>25</FrameRateLimit>\
            <BitrateLimit>4096</BitrateLimit></RateControl>";
        let first = format!(
            "<R><Profiles token='a'><Name>main</Name><VideoEncoderConfiguration>{parts}\
             <H264><GovLength>50</GovLength></H264></VideoEncoderConfiguration>\
             <AudioEncoderConfiguration><Encoding>AAC</Encoding></AudioEncoderConfiguration>\
             </Profiles></R>"
        );
        let second = format!(
            "<R><Profiles token='a'><Name>main</Name><Configurations>\
             <VideoEncoder GovLength='50'>{parts}</VideoEncoder>\
             <AudioEncoder><Encoding>AAC</Encoding></AudioEncoder></Configurations></Profiles></R>"
        );
        let expect = Profile {
            token: "a".into(),
            name: "main".into(),
            video: Some(VideoSettings {
                codec: "H264".into(),
                width: 1920,
                height: 1080,
                frames_per_second: Some(25.0),
                gop_frames: Some(50),
                kbit_per_second: Some(4096),
            }),
            audio: Some("AAC".into()),
        };
        assert_eq!(profiles(&node(&first)), std::slice::from_ref(&expect));
        assert_eq!(profiles(&node(&second)), [expect]);
        assert_eq!(profiles(&node("<R><Profiles/></R>")), [Profile::default()]);
    }

    #[test]
    fn a_subscription_lasts_by_the_cameras_own_clock() {
        let answer = |times: &str| {
            node(&format!(
                "<R><SubscriptionReference><Address>http://c/e</Address><ReferenceParameters>\
                 <Id xmlns='urn:x'>7</Id></ReferenceParameters></SubscriptionReference>{times}</R>"
            ))
        };
        let in_1970 = "<CurrentTime>1970-01-01T00:01:00Z</CurrentTime>\
            <TerminationTime>1970-01-01T00:03:00</TerminationTime>";
        let told = subscribed(&answer(in_1970)).unwrap();
        assert_eq!((told.lasts_s, told.address.as_str()), (120, "http://c/e"));
        assert!(told.reference.contains("urn:x") && told.reference.contains(">7<"));
        assert_eq!(subscribed(&answer("")).unwrap().lasts_s, LASTING_S);
        assert_eq!(subscribed(&node("<R/>")), None);
    }

    #[test]
    fn topics_and_messages_are_read() {
        let set = node(
            "<R><TopicSet><VideoSource><ImageTooBlurry><ImagingService topic='true'>\
             <MessageDescription><Source topic='true'/></MessageDescription></ImagingService>\
             </ImageTooBlurry></VideoSource><Device><Trigger topic='1'/></Device></TopicSet></R>",
        );
        assert_eq!(
            topics(&set),
            [
                "VideoSource/ImageTooBlurry/ImagingService",
                "Device/Trigger"
            ]
        );
        let pulled = node(
            "<R><NotificationMessage><Topic> tns1:VideoSource/SignalLoss </Topic><Message><Message \
             PropertyOperation='Changed'><Source><SimpleItem Name='Source' Value='0'/></Source>\
             <Data><SimpleItem Name='State' Value='true'/></Data></Message></Message>\
             </NotificationMessage><NotificationMessage/></R>",
        );
        let expect = Message {
            topic: "tns1:VideoSource/SignalLoss".into(),
            operation: "Changed".into(),
            data: vec![("State".into(), "true".into())],
        };
        assert_eq!(messages(&pulled), [expect]);
    }
}
