//! What the camera answers, as XML.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::manners::{Manners, Media};

/// Its topics, as a tree.
const TOPICS: &str = "<tns1:VideoSource><ImageTooDark><ImagingService wstop:topic=\"true\"/>\
    </ImageTooDark><GlobalSceneChange><ImagingService wstop:topic=\"true\"/></GlobalSceneChange>\
    <SignalLoss wstop:topic=\"true\"/></tns1:VideoSource><tns1:Device><Trigger>\
    <DigitalInput wstop:topic=\"true\"/></Trigger></tns1:Device>";

/// Wraps an answer.
#[must_use]
pub fn envelope(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<SOAP-ENV:Envelope \
         xmlns:SOAP-ENV=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:tds=\"http://www.onvif.org/ver10/device/wsdl\" \
         xmlns:trt=\"http://www.onvif.org/ver10/media/wsdl\" \
         xmlns:tr2=\"http://www.onvif.org/ver20/media/wsdl\" \
         xmlns:tev=\"http://www.onvif.org/ver10/events/wsdl\" \
         xmlns:wsnt=\"http://docs.oasis-open.org/wsn/b-2\" \
         xmlns:wstop=\"http://docs.oasis-open.org/wsn/t-1\" \
         xmlns:wsa5=\"http://www.w3.org/2005/08/addressing\" \
         xmlns:tns1=\"http://www.onvif.org/ver10/topics\" \
         xmlns:tt=\"http://www.onvif.org/ver10/schema\">\n<SOAP-ENV:Body>{body}</SOAP-ENV:Body>\n\
         </SOAP-ENV:Envelope>"
    )
}

/// A fault of the sender.
#[must_use]
pub fn fault(code: &str) -> String {
    envelope(&format!(
        "<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value>\
         <SOAP-ENV:Subcode><SOAP-ENV:Value>ter:{code}</SOAP-ENV:Value></SOAP-ENV:Subcode>\
         </SOAP-ENV:Code><SOAP-ENV:Reason><SOAP-ENV:Text xml:lang=\"en\">{code}</SOAP-ENV:Text>\
         </SOAP-ENV:Reason></SOAP-ENV:Fault>"
    ))
}

/// A moment by the camera's clock.
fn moment(ms: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(ms / 1000);
    let moment = moment.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(&Rfc3339).unwrap_or_default()
}

/// `GetSystemDateAndTime`.
#[must_use]
pub fn clock(ms: i64) -> String {
    let now = OffsetDateTime::from_unix_timestamp(ms / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (hour, minute, second) = now.to_hms();
    envelope(&format!(
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual\
         </tt:DateTimeType><tt:UTCDateTime><tt:Time><tt:Hour>{hour}</tt:Hour><tt:Minute>{minute}\
         </tt:Minute><tt:Second>{second}</tt:Second></tt:Time><tt:Date><tt:Year>{}</tt:Year>\
         <tt:Month>{}</tt:Month><tt:Day>{}</tt:Day></tt:Date></tt:UTCDateTime>\
         </tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>",
        now.year(),
        u8::from(now.month()),
        now.day()
    ))
}

/// `GetServices`, at that host and port.
#[must_use]
pub fn services(manners: &Manners, host: &str) -> String {
    let one = |namespace: &str, path: &str| {
        format!(
            "<tds:Service><tds:Namespace>http://www.onvif.org/{namespace}</tds:Namespace>\
             <tds:XAddr>http://{host}{path}</tds:XAddr><tds:Version><tt:Major>2</tt:Major>\
             <tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
        )
    };
    let mut all =
        one("ver10/device/wsdl", &manners.path) + &one("ver10/media/wsdl", "/onvif/media");
    if manners.media == Media::Both {
        all += &one("ver20/media/wsdl", "/onvif/media2");
    }
    if !manners.no_events {
        all += &one("ver10/events/wsdl", "/onvif/events");
    }
    envelope(&format!(
        "<tds:GetServicesResponse>{all}</tds:GetServicesResponse>"
    ))
}

/// `GetCapabilities`.
#[must_use]
pub fn capabilities(host: &str) -> String {
    envelope(&format!(
        "<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Events><tt:XAddr>http://{host}/onvif/\
         events</tt:XAddr></tt:Events><tt:Media><tt:XAddr>http://{host}/onvif/media</tt:XAddr>\
         </tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>"
    ))
}

/// `GetDeviceInformation`.
#[must_use]
pub fn information() -> String {
    envelope(
        "<tds:GetDeviceInformationResponse><tds:Manufacturer>Xunke &amp; Co</tds:Manufacturer>\
         <tds:Model>SIM-1080</tds:Model><tds:FirmwareVersion>V1.2.3</tds:FirmwareVersion>\
         <tds:SerialNumber>0042</tds:SerialNumber><tds:HardwareId>1</tds:HardwareId>\
         </tds:GetDeviceInformationResponse>",
    )
}

/// `GetProfiles` of the first or the second media service.
#[must_use]
pub fn profiles(second: bool) -> String {
    let sizes = [("main", 1920, 1080, 4096), ("sub", 640, 360, 512)];
    let made = sizes.map(|(name, width, height, kbit)| {
        let rates = format!(
            "<tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>{width}</tt:Width>\
             <tt:Height>{height}</tt:Height></tt:Resolution><tt:RateControl><tt:FrameRateLimit>25\
             </tt:FrameRateLimit><tt:BitrateLimit>{kbit}</tt:BitrateLimit></tt:RateControl>"
        );
        if second {
            format!(
                "<tr2:Profiles token=\"{name}\"><tr2:Name>{name}</tr2:Name><tr2:Configurations>\
                 <tr2:VideoEncoder token=\"v\" GovLength=\"50\">{rates}</tr2:VideoEncoder>\
                 </tr2:Configurations></tr2:Profiles>"
            )
        } else {
            format!(
                "<trt:Profiles token=\"{name}\" fixed=\"true\"><tt:Name>{name}</tt:Name>\
                 <tt:VideoEncoderConfiguration token=\"v\">{rates}<tt:H264><tt:GovLength>50\
                 </tt:GovLength></tt:H264></tt:VideoEncoderConfiguration></trt:Profiles>"
            )
        }
    });
    let prefix = if second { "tr2" } else { "trt" };
    let made = made.concat();
    envelope(&format!(
        "<{prefix}:GetProfilesResponse>{made}</{prefix}:GetProfilesResponse>"
    ))
}

/// `GetStreamUri` of either.
#[must_use]
pub fn stream(second: bool, url: &str) -> String {
    envelope(&if second {
        format!("<tr2:GetStreamUriResponse><tr2:Uri>{url}</tr2:Uri></tr2:GetStreamUriResponse>")
    } else {
        format!(
            "<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{url}</tt:Uri></trt:MediaUri>\
             </trt:GetStreamUriResponse>"
        )
    })
}

/// `GetEventProperties`.
#[must_use]
pub fn topics() -> String {
    envelope(&format!(
        "<tev:GetEventPropertiesResponse><wstop:TopicSet>{TOPICS}</wstop:TopicSet>\
         </tev:GetEventPropertiesResponse>"
    ))
}

/// `CreatePullPointSubscription`: at that host and port, named by a header of its own.
#[must_use]
pub fn subscribed(host: &str, id: u32, now_ms: i64, ends_ms: i64) -> String {
    envelope(&format!(
        "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><wsa5:Address>\
         http://{host}/onvif/pull</wsa5:Address><wsa5:ReferenceParameters>\
         <dom0:SubscriptionId xmlns:dom0=\"http://sim.example/event\">{id}</dom0:SubscriptionId>\
         </wsa5:ReferenceParameters></tev:SubscriptionReference><wsnt:CurrentTime>{}\
         </wsnt:CurrentTime><wsnt:TerminationTime>{}</wsnt:TerminationTime>\
         </tev:CreatePullPointSubscriptionResponse>",
        moment(now_ms),
        moment(ends_ms)
    ))
}

/// `PullMessages`.
#[must_use]
pub fn pulled(messages: &str, now_ms: i64, ends_ms: i64) -> String {
    envelope(&format!(
        "<tev:PullMessagesResponse><tev:CurrentTime>{}</tev:CurrentTime><tev:TerminationTime>{}\
         </tev:TerminationTime>{messages}</tev:PullMessagesResponse>",
        moment(now_ms),
        moment(ends_ms)
    ))
}

/// `Renew`.
#[must_use]
pub fn renewed(now_ms: i64, ends_ms: i64) -> String {
    envelope(&format!(
        "<wsnt:RenewResponse><wsnt:TerminationTime>{}</wsnt:TerminationTime><wsnt:CurrentTime>{}\
         </wsnt:CurrentTime></wsnt:RenewResponse>",
        moment(ends_ms),
        moment(now_ms)
    ))
}
