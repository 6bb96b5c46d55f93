//! Notices: what has just changed, told to the pages that are open.

use tokio::sync::broadcast;

/// How many notices a slow page may be behind before it is told to reload what it shows.
const BACKLOG_MAX: usize = 256;

/// Something changed; the page asks for the rest. Never names, pictures or class text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A fault was opened or cleared.
    Fault {
        /// The fault.
        id: String,
        /// Whether it is open now.
        open: bool,
    },
    /// A box changed its state.
    Device {
        /// The box.
        id: String,
        /// `online`, `lost`, `offline` or `unknown`.
        state: &'static str,
    },
    /// The trail has grown.
    Trail {
        /// Its last number.
        seq: i64,
    },
    /// Something that several people work on has changed.
    Changed {
        /// Of [`TOPICS`].
        topic: &'static str,
    },
}

/// What pages are told of besides faults, devices and the trail.
pub const TOPICS: [&str; 11] = [
    "grants",
    "agreements",
    "people",
    "departures",
    "sanctions",
    "inspections",
    "risks",
    "retention",
    "alerts",
    "channels",
    "commands",
];

/// What changes when the trail has such a line.
#[must_use]
pub fn topic(action: &str) -> Option<&'static str> {
    match action {
        "file_application" | "open_grant" | "refuse_application" | "revoke_grant"
        | "keep_grant" | "sign_review" | "mark_minors" | "add_paper" => Some("grants"),
        "sign_agreement" | "enter_agreement" | "end_agreement" | "publish_agreement" => {
            Some("agreements")
        }
        "appoint" | "import_people" | "disable_account" | "issue_start_code" | "ask_start_code"
        | "use_start_code" => Some("people"),
        "open_departure" | "add_handover" | "settle_handover" | "close_departure" => {
            Some("departures")
        }
        "file_sanction"
        | "object_sanction"
        | "answer_sanction"
        | "withdraw_sanction"
        | "decide_sanction"
        | "lift_sanction"
        | "file_interference"
        | "confirm_interference"
        | "withdraw_interference" => Some("sanctions"),
        "add_channel" | "change_channel" | "remove_channel" | "test_channel" => Some("channels"),
        "order_box" | "ask_order" | "agree_order" | "decline_order" | "end_order"
        | "begin_checkup" | "end_checkup" => Some("commands"),
        "sign_inspection" => Some("inspections"),
        "judge_risk" => Some("risks"),
        "nominate_premium"
        | "approve_premium"
        | "remove_premium"
        | "consent_premium"
        | "withdraw_premium"
        | "begin_hold"
        | "end_hold"
        | "certify_destruction" => Some("retention"),
        "acknowledge_alert" | "assign_alert" | "comment_alert" | "open_work_order"
        | "close_work_order" | "add_silence" | "end_silence" | "set_duty_steps"
        | "add_duty_shift" | "end_duty_shift" => Some("alerts"),
        _ => None,
    }
}

/// Where rooms publish notices and pages listen.
#[derive(Debug, Clone)]
pub struct Notices(broadcast::Sender<Notice>);

impl Default for Notices {
    fn default() -> Self {
        Self(broadcast::channel(BACKLOG_MAX).0)
    }
}

impl Notices {
    /// Tells whoever listens; nobody listening is no error.
    pub fn publish(&self, notice: Notice) {
        drop(self.0.send(notice));
    }

    /// Hears everything published from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Notice> {
        self.0.subscribe()
    }
}
