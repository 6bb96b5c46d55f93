//! What is told of rooms and boxes, and what boxes are told: alerts, channels, commands.

use xunke_policy::access::Action::SeeDevices;

use super::canary::{ROOM, ROOMS};
use super::rows::Ask::Once;
use super::rows::{Row, may, may_see, row};

/// The rows.
pub fn all() -> Vec<Row> {
    let mut all = alerts();
    all.extend(channels());
    all.extend(commands());
    all
}

/// What is wrong with rooms: numbers, rooms and times, for those who keep them running.
fn alerts() -> Vec<Row> {
    let rooms = || may_see(SeeDevices, [ROOM; ROOMS]);
    vec![
        row("GET /api/alerts", Once, rooms()),
        row("GET /api/alerts/{id}", Once, may(SeeDevices)),
        row(
            "POST /api/alerts/{id}/acknowledgement",
            Once,
            may(SeeDevices),
        ),
        row("POST /api/alerts/{id}/assignment", Once, may(SeeDevices)),
        row("POST /api/alerts/{id}/comments", Once, may(SeeDevices)),
        row("POST /api/alerts/{id}/work-orders", Once, may(SeeDevices)),
        row("GET /api/inbox", Once, rooms()),
        row("POST /api/inbox/{id}/read", Once, may(SeeDevices)),
        row("GET /api/work-orders", Once, rooms()),
        row("GET /api/work-orders/{id}", Once, may(SeeDevices)),
        row("POST /api/work-orders/{id}/done", Once, may(SeeDevices)),
        row("GET /api/silences", Once, rooms()),
        row("POST /api/silences", Once, may(SeeDevices)),
        row("POST /api/silences/matches", Once, rooms()),
        row("POST /api/silences/{id}/end", Once, may(SeeDevices)),
        row("GET /api/duty", Once, may(SeeDevices)),
        row("POST /api/duty/steps", Once, may(SeeDevices)),
        row("POST /api/duty/shifts", Once, may(SeeDevices)),
        row("POST /api/duty/shifts/{id}/end", Once, may(SeeDevices)),
    ]
}

/// By which messages about faults leave the hub.
fn channels() -> Vec<Row> {
    vec![
        row("GET /api/channels", Once, may(SeeDevices)),
        row("POST /api/channels", Once, may(SeeDevices)),
        row("PUT /api/channels/{id}", Once, may(SeeDevices)),
        row("DELETE /api/channels/{id}", Once, may(SeeDevices)),
        row("POST /api/channels/{id}/test", Once, may(SeeDevices)),
        row("GET /api/channels/{id}/deliveries", Once, may(SeeDevices)),
    ]
}

/// What boxes are told to do, and what they find out about themselves.
fn commands() -> Vec<Row> {
    vec![
        row("GET /api/devices/{id}/commands", Once, may(SeeDevices)),
        row("POST /api/devices/{id}/commands", Once, may(SeeDevices)),
        row(
            "GET /api/commands/waiting",
            Once,
            may_see(SeeDevices, [ROOM; ROOMS]),
        ),
        row("POST /api/commands/{id}/consent", Once, may(SeeDevices)),
        row("GET /api/checkup", Once, may_see(SeeDevices, [ROOM; ROOMS])),
        row("POST /api/checkup", Once, may(SeeDevices)),
    ]
}
