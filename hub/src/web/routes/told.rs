//! The rows about what is wrong with rooms, for those who keep them running (R66, R93).

use axum::http::Method;
use utoipa_axum::routes;
use xunke_policy::access::Action;

use super::{Route, route};
use crate::web::guard::Needs;
use crate::web::{alerts, channels, checkup, commands, duty, fleet, history, work_orders};

/// Alerts, who is told of them, and work orders.
pub(super) fn alert_routes() -> Vec<Route> {
    const ALERTS: Needs = Needs::Action("see_alerts", Action::SeeDevices);
    const TAKING: Needs = Needs::Action("acknowledge_alert", Action::SeeDevices);
    const ASSIGNING: Needs = Needs::Action("assign_alert", Action::SeeDevices);
    const COMMENTING: Needs = Needs::Action("comment_alert", Action::SeeDevices);
    const ORDERING: Needs = Needs::Action("open_work_order", Action::SeeDevices);
    const ENDING: Needs = Needs::Action("close_work_order", Action::SeeDevices);
    const SILENCING: Needs = Needs::Action("add_silence", Action::SeeDevices);
    const HEARING: Needs = Needs::Action("end_silence", Action::SeeDevices);
    const STEPS: Needs = Needs::Action("set_duty_steps", Action::SeeDevices);
    const ROSTER: Needs = Needs::Action("add_duty_shift", Action::SeeDevices);
    const RELIEF: Needs = Needs::Action("end_duty_shift", Action::SeeDevices);
    rows! {
        GET    "/api/alerts"                             ALERTS     => alerts::list;
        GET    "/api/alerts/{id}"                        ALERTS     => alerts::one;
        POST   "/api/alerts/{id}/acknowledgement"        TAKING     => alerts::acknowledge;
        POST   "/api/alerts/{id}/assignment"             ASSIGNING  => alerts::assign;
        POST   "/api/alerts/{id}/comments"               COMMENTING => alerts::comment;
        POST   "/api/alerts/{id}/work-orders"            ORDERING   => work_orders::open;
        GET    "/api/inbox"                              ALERTS     => alerts::inbox;
        POST   "/api/inbox/{id}/read"                    ALERTS     => alerts::read;
        GET    "/api/work-orders"                        ALERTS     => work_orders::list;
        GET    "/api/work-orders/{id}"                   ALERTS     => work_orders::one;
        POST   "/api/work-orders/{id}/done"              ENDING     => work_orders::done;
        GET    "/api/silences"                           ALERTS     => duty::silences;
        POST   "/api/silences"                           SILENCING  => duty::silence;
        POST   "/api/silences/matches"                   ALERTS     => duty::matches;
        POST   "/api/silences/{id}/end"                  HEARING    => duty::end_silence;
        GET    "/api/duty"                               ALERTS     => duty::roster;
        POST   "/api/duty/steps"                         STEPS      => duty::set_steps;
        POST   "/api/duty/shifts"                        ROSTER     => duty::add_shift;
        POST   "/api/duty/shifts/{id}/end"               RELIEF     => duty::end_shift;
    }
}

/// Every room by its state, and one room's numbers over time.
pub(super) fn fleet_routes() -> Vec<Route> {
    const FLEET: Needs = Needs::Action("see_fleet", Action::SeeDevices);
    const HISTORY: Needs = Needs::Action("see_health_history", Action::SeeDevices);
    rows! {
        GET    "/api/fleet"                              FLEET      => fleet::list;
        GET    "/api/rooms/{id}/health/history"          HISTORY    => history::history;
    }
}

/// By which messages about faults leave the hub.
pub(super) fn channel_routes() -> Vec<Route> {
    const SEEING: Needs = Needs::Action("see_channels", Action::SeeDevices);
    const ADDING: Needs = Needs::Action("add_channel", Action::SeeDevices);
    const CHANGING: Needs = Needs::Action("change_channel", Action::SeeDevices);
    const REMOVING: Needs = Needs::Action("remove_channel", Action::SeeDevices);
    const TESTING: Needs = Needs::Action("test_channel", Action::SeeDevices);
    rows! {
        GET    "/api/channels"                           SEEING     => channels::list;
        POST   "/api/channels"                           ADDING     => channels::add;
        PUT    "/api/channels/{id}"                      CHANGING   => channels::change;
        DELETE "/api/channels/{id}"                      REMOVING   => channels::remove;
        POST   "/api/channels/{id}/test"                 TESTING    => channels::test;
        GET    "/api/channels/{id}/deliveries"           SEEING     => channels::log;
    }
}

/// What boxes are told to do, and what they find out about themselves before the first lesson.
pub(super) fn command_routes() -> Vec<Route> {
    const SEEING: Needs = Needs::Action("see_commands", Action::SeeDevices);
    const WAITING: Needs = Needs::Action("see_waiting_commands", Action::SeeDevices);
    const GIVING: Needs = Needs::Action("order_box", Action::SeeDevices);
    const JUDGING: Needs = Needs::Action("judge_order", Action::SeeDevices);
    const CHECKED: Needs = Needs::Action("see_checkup", Action::SeeDevices);
    const CHECKING: Needs = Needs::Action("begin_checkup", Action::SeeDevices);
    rows! {
        GET    "/api/devices/{id}/commands"              SEEING     => commands::list;
        POST   "/api/devices/{id}/commands"              GIVING     => commands::give;
        GET    "/api/commands/waiting"                   WAITING    => commands::waiting;
        POST   "/api/commands/{id}/consent"              JUDGING    => commands::judge;
        GET    "/api/checkup"                            CHECKED    => checkup::newest;
        POST   "/api/checkup"                            CHECKING   => checkup::begin;
    }
}
