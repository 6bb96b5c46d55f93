//! How a camera behaves: what vendors do, and what attackers do.

/// Which media services it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// The old one alone.
    First,
    /// Both, as cameras with H.265 have.
    Both,
}

/// How it wants the password proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Not at all.
    None,
    /// By WS-Security's UsernameToken.
    Token,
    /// By HTTP's digest.
    Http,
}

/// All of it.
#[derive(Debug, Clone)]
pub struct Manners {
    /// Path of the device service.
    pub path: String,
    /// Name and password.
    pub login: (String, String),
    /// How they are proved.
    pub proof: Proof,
    /// Its clock against ours, milliseconds.
    pub skew_ms: i64,
    /// Its media services.
    pub media: Media,
    /// Host and port it names for its services; `None`: its own.
    pub names: Option<String>,
    /// Host and port it names for its subscriptions.
    pub names_subscription: Option<String>,
    /// Addresses of its streams.
    pub main: String,
    /// Addresses of its streams.
    pub sub: String,
    /// It has never heard of `GetServices`.
    pub no_services: bool,
    /// It has no events.
    pub no_events: bool,
    /// It answers `Renew` with a fault.
    pub refuses_renew: bool,
    /// It grants subscriptions for so long, whatever is asked.
    pub grants_s: i64,
    /// It tells all states anew with each subscription.
    pub replays: bool,
    /// It answers every request with this, whatever it was.
    pub says: Option<Nonsense>,
}

/// What no camera should answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nonsense {
    /// A page for people.
    Html,
    /// Megabytes.
    Oversize,
    /// Entities within entities.
    Laughs,
    /// Elements within elements.
    Deep,
    /// A byte now and then.
    Slow,
    /// Nothing, and the connection stays open.
    Silence,
    /// 200 and an end in the middle.
    Torn,
    /// Another address.
    Redirect(String),
    /// 404.
    Missing,
    /// A fault.
    Fault(&'static str),
}

impl Manners {
    /// A good camera with those streams.
    #[must_use]
    pub fn good(main: &str, sub: &str) -> Self {
        Self {
            path: "/onvif/device_service".into(),
            login: ("admin".into(), "p&ss <word>".into()),
            proof: Proof::Token,
            skew_ms: 0,
            media: Media::Both,
            names: None,
            names_subscription: None,
            main: main.into(),
            sub: sub.into(),
            no_services: false,
            no_events: false,
            refuses_renew: false,
            grants_s: 60,
            replays: true,
            says: None,
        }
    }
}
