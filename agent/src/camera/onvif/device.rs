//! One camera asked by ONVIF: what it is, what it offers, and what happens before it.

use super::Error;
use super::answer::{self, Information, Message, Profile, Subscribed};
use super::fence::Fence;
use super::http::Http;
use super::security::Credentials;
use super::soap::Request;
use super::xml::{Node, escape};
use crate::clock;
use std::time::Duration;
use url::Url;

const DEVICE: &str = "http://www.onvif.org/ver10/device/wsdl";
const MEDIA1: &str = "http://www.onvif.org/ver10/media/wsdl";
const MEDIA2: &str = "http://www.onvif.org/ver20/media/wsdl";
const EVENTS: &str = "http://www.onvif.org/ver10/events/wsdl";
const SUBSCRIPTIONS: &str = "http://docs.oasis-open.org/wsn/bw-2";
const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
const NOTIFICATION: &str = "http://docs.oasis-open.org/wsn/b-2";
const NO_WAIT: Duration = Duration::ZERO;

/// A camera that has answered once.
pub struct Device {
    http: Http,
    url: Url,
    /// The camera's clock against ours, when it tells its clock.
    pub skew_ms: Option<i64>,
    media1: Option<Url>,
    media2: Option<Url>,
    events: Option<Url>,
}

/// A subscription to the camera's events.
#[derive(Debug, Clone)]
pub struct Subscription {
    url: Url,
    reference: String,
    /// From the moment it was made or renewed.
    pub lasts_s: i64,
}

impl Device {
    /// Reads the camera's clock, which proofs need, and asks where its services are.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn open(url: &str, fence: Fence, known: Option<Credentials>) -> Result<Self, Error> {
        let address = || Error::address(url);
        let url = Url::parse(url).ok().filter(|url| url.scheme() == "http");
        let mut device = Self {
            http: Http::new(fence, known),
            url: url.ok_or_else(address)?,
            skew_ms: None,
            media1: None,
            media2: None,
            events: None,
        };
        device.read_clock().await?;
        device.find_services().await?;
        Ok(device)
    }

    /// Whether it offers events at all.
    pub fn has_events(&self) -> bool {
        self.events.is_some()
    }

    /// Whether it wanted the password proved by HTTP.
    pub fn asks_for_digest(&self) -> bool {
        self.http.asks_for_digest()
    }

    /// Reads how far the camera's clock is off.
    ///
    /// # Errors
    /// See [`Error`]. A fault is none: a camera may keep its time to itself.
    pub async fn read_clock(&mut self) -> Result<(), Error> {
        let asked_ms = clock::now_ms();
        let request = Request::new(DEVICE, "GetSystemDateAndTime", "");
        let answer = match self.ask_device(&request).await {
            Err(Error::Fault { .. } | Error::Unauthorized) => return Ok(()),
            answer => answer?,
        };
        let middle_ms = i64::midpoint(asked_ms, clock::now_ms());
        self.skew_ms = answer::clock_ms(&answer).map(|camera_ms| camera_ms - middle_ms);
        self.http.skew_ms = self.skew_ms.unwrap_or(0);
        Ok(())
    }

    async fn find_services(&mut self) -> Result<(), Error> {
        let inner = "<x:IncludeCapability>false</x:IncludeCapability>";
        let request = Request::new(DEVICE, "GetServices", inner);
        match self.ask_device(&request).await {
            Ok(answer) => {
                let found = answer::services(&answer);
                let at = |name| found.iter().find(|(known, _)| known == name);
                self.media1 = at(MEDIA1).map(|(_, url)| self.service(url)).transpose()?;
                self.media2 = at(MEDIA2).map(|(_, url)| self.service(url)).transpose()?;
                self.events = at(EVENTS).map(|(_, url)| self.service(url)).transpose()?;
                Ok(())
            }
            Err(Error::Fault { .. } | Error::Garbage(_)) => self.find_capabilities().await,
            Err(error) => Err(error),
        }
    }

    async fn find_capabilities(&mut self) -> Result<(), Error> {
        let inner = "<x:Category>All</x:Category>";
        let request = Request::new(DEVICE, "GetCapabilities", inner);
        let answer = self.ask_device(&request).await?;
        let found = answer::capabilities(&answer);
        let at = |name| found.iter().find(|(known, _)| known == name);
        self.media1 = at("Media").map(|(_, url)| self.service(url)).transpose()?;
        self.events = at("Events").map(|(_, url)| self.service(url)).transpose()?;
        Ok(())
    }

    fn service(&self, text: &str) -> Result<Url, Error> {
        let url = self
            .url
            .join(text)
            .ok()
            .filter(|url| url.scheme() == "http");
        let address = || Error::address(text);
        url.ok_or_else(address)
    }

    /// Who made it, what it is.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn information(&mut self) -> Result<Information, Error> {
        let request = Request::new(DEVICE, "GetDeviceInformation", "");
        Ok(answer::information(&self.ask_device(&request).await?))
    }

    /// The second media service knows H.265; the first is asked when there is no second, or it has
    /// nothing to say.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn profiles(&mut self) -> Result<Vec<Profile>, Error> {
        if let Some(url) = self.media2.clone() {
            let request = Request::new(MEDIA2, "GetProfiles", "<x:Type>All</x:Type>");
            match self
                .http
                .ask(&url, "media service", &request, NO_WAIT)
                .await
            {
                Ok(answer) => {
                    let found = answer::profiles(&answer);
                    if found.iter().any(|profile| profile.video.is_some()) {
                        return Ok(found);
                    }
                }
                Err(Error::Fault { .. }) if self.media1.is_some() => {}
                Err(error) => return Err(error),
            }
            self.media2 = None;
        }
        let request = Request::new(MEDIA1, "GetProfiles", "");
        let url = self.media1.clone().unwrap_or_else(|| self.url.clone());
        let answer = self
            .http
            .ask(&url, "media service", &request, NO_WAIT)
            .await?;
        Ok(answer::profiles(&answer))
    }

    /// Where a profile's stream is, by address: whoever connects there looks nothing up again. The
    /// flag says whether it is the camera itself, which may see the password.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn stream(&mut self, profile: &Profile) -> Result<(String, bool), Error> {
        let token = escape(&profile.token);
        let (namespace, url, inner) = match self.media2.clone() {
            Some(url) => {
                let inner = format!(
                    "<x:Protocol>RTSP</x:Protocol><x:ProfileToken>{token}</x:ProfileToken>"
                );
                (MEDIA2, url, inner)
            }
            None => {
                let inner = format!(
                    "<x:StreamSetup><t:Stream xmlns:t=\"http://www.onvif.org/ver10/schema\">\
                     RTP-Unicast</t:Stream><t:Transport xmlns:t=\"http://www.onvif.org/ver10/schema\
                     \"><t:Protocol>RTSP</t:Protocol></t:Transport></x:StreamSetup>\
                     <x:ProfileToken>{token}</x:ProfileToken>"
                );
                (
                    MEDIA1,
                    self.media1.clone().unwrap_or_else(|| self.url.clone()),
                    inner,
                )
            }
        };
        let request = Request::new(namespace, "GetStreamUri", &inner);
        let answer = self
            .http
            .ask(&url, "media service", &request, NO_WAIT)
            .await?;
        let text = answer::stream_uri(&answer);
        let text = text.ok_or_else(|| Error::Garbage("a profile without an address".into()))?;
        self.streaming(text)
    }

    /// The fence's judgement, and no name or password that the camera wrote into its address.
    fn streaming(&self, text: &str) -> Result<(String, bool), Error> {
        let address = || Error::address(text);
        let mut url = Url::parse(text).map_err(|_| address())?;
        if !matches!(url.scheme(), "rtsp" | "rtsps") {
            return Err(address());
        }
        let place = self.http.fence().place(&url, "stream")?;
        let host = match place.address.ip() {
            std::net::IpAddr::V4(ip) => ip.to_string(),
            std::net::IpAddr::V6(ip) => format!("[{ip}]"),
        };
        url.set_host(Some(&host)).map_err(|_| address())?;
        let cleared = url.set_username("").and_then(|()| url.set_password(None));
        cleared.map_err(|()| address())?;
        Ok((url.into(), place.own))
    }

    /// The topics it can tell of.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn topics(&mut self) -> Result<Vec<String>, Error> {
        let Some(url) = self.events.clone() else {
            return Ok(Vec::new());
        };
        let mut request = Request::new(EVENTS, "GetEventProperties", "");
        request.action = format!("{EVENTS}/EventPortType/GetEventPropertiesRequest");
        request.header = addressed(&url, &request.action);
        let answer = self
            .http
            .ask(&url, "event service", &request, NO_WAIT)
            .await?;
        Ok(answer::topics(&answer))
    }

    /// Asks for events to be kept for us.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn subscribe(&mut self, lasts_s: u32) -> Result<Subscription, Error> {
        let url = self.events.clone();
        let none = || Error::Garbage("it offers no events".into());
        let url = url.ok_or_else(none)?;
        let inner = format!("<x:InitialTerminationTime>PT{lasts_s}S</x:InitialTerminationTime>");
        let mut request = Request::new(EVENTS, "CreatePullPointSubscription", &inner);
        request.action = format!("{EVENTS}/EventPortType/CreatePullPointSubscriptionRequest");
        request.header = addressed(&url, &request.action);
        let answer = self
            .http
            .ask(&url, "event service", &request, NO_WAIT)
            .await?;
        let missing = || Error::Garbage("a subscription without an address".into());
        let told: Subscribed = answer::subscribed(&answer).ok_or_else(missing)?;
        let subscription = Subscription {
            url: self.service(&told.address)?,
            reference: told.reference,
            lasts_s: told.lasts_s,
        };
        // Before the first question, so that a refusal names the subscription.
        self.http.fence().place(&subscription.url, "subscription")?;
        Ok(subscription)
    }

    /// Waits up to `longest` for events.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn pull(
        &mut self,
        subscription: &Subscription,
        longest: Duration,
    ) -> Result<Vec<Message>, Error> {
        let inner = format!(
            "<x:Timeout>PT{}S</x:Timeout><x:MessageLimit>32</x:MessageLimit>",
            longest.as_secs()
        );
        let mut request = Request::new(EVENTS, "PullMessages", &inner);
        request.action = format!("{EVENTS}/PullPointSubscription/PullMessagesRequest");
        let answer = self.ask_about(subscription, request, longest).await?;
        Ok(answer::messages(&answer))
    }

    /// Lets a subscription last longer; returns how long from now.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn renew(&mut self, subscription: &Subscription, lasts_s: u32) -> Result<i64, Error> {
        let inner = format!("<x:TerminationTime>PT{lasts_s}S</x:TerminationTime>");
        let mut request = Request::new(NOTIFICATION, "Renew", &inner);
        request.action = format!("{SUBSCRIPTIONS}/SubscriptionManager/RenewRequest");
        let answer = self.ask_about(subscription, request, NO_WAIT).await?;
        Ok(answer::lasts_s(&answer))
    }

    /// Gives a subscription back: cameras have room for few.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn unsubscribe(&mut self, subscription: &Subscription) -> Result<(), Error> {
        let mut request = Request::new(NOTIFICATION, "Unsubscribe", "");
        request.action = format!("{SUBSCRIPTIONS}/SubscriptionManager/UnsubscribeRequest");
        self.ask_about(subscription, request, NO_WAIT)
            .await
            .map(drop)
    }

    async fn ask_about(
        &mut self,
        subscription: &Subscription,
        mut request: Request,
        patience: Duration,
    ) -> Result<Node, Error> {
        let url = &subscription.url;
        request.header = addressed(url, &request.action) + &subscription.reference;
        self.http.ask(url, "subscription", &request, patience).await
    }

    async fn ask_device(&mut self, request: &Request) -> Result<Node, Error> {
        self.http
            .ask(&self.url, "device service", request, NO_WAIT)
            .await
    }
}

/// Event services tell their subscriptions apart by these headers.
fn addressed(url: &Url, action: &str) -> String {
    let to = escape(url.as_str());
    format!(
        "<a:Action xmlns:a=\"{ADDRESSING}\">{action}</a:Action><a:To xmlns:a=\"{ADDRESSING}\">{to}\
         </a:To>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> Device {
        let own = vec![("camera".to_owned(), "10.0.0.2".parse().unwrap())];
        let networks = vec!["10.0.1.0/24".parse().unwrap()];
        Device {
            http: Http::new(Fence::new(own, networks), None),
            url: Url::parse("http://camera/onvif/device_service").unwrap(),
            skew_ms: None,
            media1: None,
            media2: None,
            events: None,
        }
    }

    /// X62: what is opened later was judged here, and is not looked up again.
    #[test]
    fn a_stream_is_named_by_the_address_that_was_judged() {
        let stream = |text| device().streaming(text).map_err(|error| error.to_string());
        let own = |text: &str| Ok((text.to_owned(), true));
        assert_eq!(
            stream("rtsp://camera:8554/main?x=1"),
            own("rtsp://10.0.0.2:8554/main?x=1")
        );
        assert_eq!(
            stream("rtsp://a:b@10.0.0.2/main"),
            own("rtsp://10.0.0.2/main")
        );
        assert_eq!(stream("rtsp://0.0.0.0/main"), own("rtsp://10.0.0.2/main"));
        assert_eq!(
            stream("rtsp://10.0.1.9/x"),
            Ok(("rtsp://10.0.1.9/x".to_owned(), false))
        );
        let outside = stream("rtsp://10.9.9.9/x").unwrap_err();
        assert!(
            outside.contains("names 10.9.9.9 as its stream"),
            "{outside}"
        );
        for bad in ["http://10.0.0.2/", "file:///etc/passwd", "main", ""] {
            assert!(stream(bad).unwrap_err().contains("no address"), "{bad}");
        }
    }

    #[test]
    fn a_service_may_be_named_by_its_path_alone() {
        let service = |text| device().service(text).map(|url| url.to_string()).ok();
        assert_eq!(
            service("/onvif/media").as_deref(),
            Some("http://camera/onvif/media")
        );
        assert_eq!(
            service("http://10.0.0.2:81/m").as_deref(),
            Some("http://10.0.0.2:81/m")
        );
        assert_eq!(service("file:///etc/passwd"), None);
    }
}
