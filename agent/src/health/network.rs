//! The ways to the hub and to the next router: time there and back, jitter, loss.
//!
//! ICMP echo where the system lets the agent send it. The hub is asked by the time that a TCP
//! connection to its door takes where it does not, or where something on the way swallows ICMP;
//! a router is asked nothing else, for no port of it is ours.

use super::echo;
use crate::config::HubAddress;
use std::collections::VecDeque;
use std::fs::read_to_string;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use xunke_protocol::health::{PathEnd, PathMethod, PathSignals};

const EVERY: Duration = Duration::from_secs(10);
/// Later is lost.
const ANSWER: Duration = Duration::from_secs(2);
/// Five minutes: one lost attempt is three per cent.
const ATTEMPTS_MAX: usize = 30;
/// ICMP that was never answered so often is swallowed on the way.
const SWALLOWED: usize = 3;
const ROUTES: &str = "/proc/net/route";
/// `RTF_UP | RTF_GATEWAY`
const BY_GATEWAY: u32 = 3;

/// What became of the last attempts.
#[derive(Debug, Default)]
struct Window(VecDeque<Option<f32>>);

impl Window {
    /// Milliseconds, or `None` for one without an answer.
    fn push(&mut self, rtt_ms: Option<f32>) {
        self.0.push_back(rtt_ms);
        if self.0.len() > ATTEMPTS_MAX {
            self.0.pop_front();
        }
    }

    fn answered(&self) -> Vec<f32> {
        self.0.iter().copied().flatten().collect()
    }

    fn signals(&self, to: PathEnd, method: PathMethod) -> PathSignals {
        let answered = self.answered();
        let (count, lost) = (self.0.len(), self.0.len() - answered.len());
        let steps = answered.windows(2).map(|two| (two[1] - two[0]).abs());
        let jitter_ms = steps.clone().sum::<f32>() / steps.len() as f32;
        let mut sorted = answered;
        sorted.sort_by(f32::total_cmp);
        PathSignals {
            to,
            method,
            rtt_ms: sorted.get(sorted.len() / 2).copied().map(thousandths),
            jitter_ms: (sorted.len() > 1).then(|| thousandths(jitter_ms)),
            loss_ratio: (count > 0).then(|| thousandths(lost as f32 / count as f32)),
            attempts: u32::try_from(count).unwrap_or(u32::MAX),
        }
    }
}

/// More digits are noise, and cost room in the document.
fn thousandths(value: f32) -> f32 {
    (value * 1000.0).round() / 1000.0
}

/// One way that is measured.
#[derive(Debug)]
struct Way {
    to: PathEnd,
    method: PathMethod,
    window: Window,
}

impl Way {
    fn new(to: PathEnd, may_echo: bool) -> Self {
        let method = match (to, may_echo) {
            (_, true) => PathMethod::Icmp,
            (PathEnd::Hub, false) => PathMethod::Tcp,
            (_, false) => PathMethod::None,
        };
        Self {
            to,
            method,
            window: Window::default(),
        }
    }

    fn attempted(&mut self, rtt_ms: Option<f32>) {
        self.window.push(rtt_ms);
        let silent = self.window.answered().is_empty() && self.window.0.len() >= SWALLOWED;
        if silent && self.method == PathMethod::Icmp && self.to == PathEnd::Hub {
            self.method = PathMethod::Tcp;
            self.window = Window::default();
        }
    }

    fn signals(&self) -> PathSignals {
        self.window.signals(self.to, self.method)
    }
}

/// Measures both ways until it is dropped.
pub(super) async fn measure(hub: HubAddress, publish: watch::Sender<Vec<PathSignals>>) {
    let may_echo = echo::allowed();
    if !may_echo {
        let what = "no ICMP for this process (net.ipv4.ping_group_range): the way to the hub is \
                    measured by TCP, the way to the next router not at all";
        tracing::info!("{what}");
    }
    let mut ways = [PathEnd::Hub, PathEnd::Gateway].map(|to| Way::new(to, may_echo));
    let mut look = interval(EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for sequence in (0..=u16::MAX).cycle() {
        look.tick().await;
        let gateway = gateway(&read_to_string(ROUTES).unwrap_or_default());
        let [to_hub, to_gateway] = &mut ways;
        let hub = attempt(to_hub.method, door(&hub).await, sequence);
        let router = gateway.map(|address| SocketAddr::new(address, 0));
        let router = attempt(to_gateway.method, router, sequence);
        let (hub, router) = tokio::join!(hub, router);
        to_hub.attempted(hub);
        let mut told = vec![to_hub.signals()];
        // Without a router, as on a network of its own, there is no way to measure.
        if gateway.is_some() {
            if to_gateway.method != PathMethod::None {
                to_gateway.attempted(router);
            }
            told.push(to_gateway.signals());
        }
        publish.send_replace(told);
    }
}

/// The hub's address now; a name that nobody knows is an attempt without an answer.
async fn door(hub: &HubAddress) -> Option<SocketAddr> {
    let found = timeout(ANSWER, lookup_host((hub.host.as_str(), hub.port))).await;
    found.ok()?.ok()?.next()
}

async fn attempt(method: PathMethod, to: Option<SocketAddr>, sequence: u16) -> Option<f32> {
    let (to, begun) = (to?, Instant::now());
    let answered = match method {
        PathMethod::Icmp => timeout(ANSWER, echo::echo(to.ip(), sequence))
            .await
            .ok()?
            .is_ok(),
        PathMethod::Tcp => match timeout(ANSWER, TcpStream::connect(to)).await.ok()? {
            Ok(_) => true,
            // Who refuses has answered: the way is good.
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        },
        PathMethod::None | PathMethod::Unknown => false,
    };
    answered.then(|| begun.elapsed().as_secs_f32() * 1000.0)
}

/// The router of the default route with the lowest metric, out of the kernel's table.
fn gateway(table: &str) -> Option<IpAddr> {
    let rows = table.lines().filter_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let &[_, "00000000", router, flags, _, _, metric, ..] = columns.as_slice() else {
            return None;
        };
        let flags = u32::from_str_radix(flags, 16).ok()?;
        // The number of an address in memory, as the processor reads it.
        let router = u32::from_str_radix(router, 16).ok()?.to_ne_bytes();
        let metric: u32 = metric.parse().ok()?;
        (flags & BY_GATEWAY == BY_GATEWAY).then_some((metric, Ipv4Addr::from(router)))
    });
    rows.min().map(|(_, router)| router.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[test]
    fn a_window_counts_what_was_answered() {
        let mut way = Way::new(PathEnd::Hub, false);
        assert_eq!(way.signals().loss_ratio, None, "nothing was tried");
        for rtt_ms in [Some(2.0), Some(4.0), None, Some(3.0)] {
            way.attempted(rtt_ms);
        }
        let signals = way.signals();
        assert_eq!(signals.method, PathMethod::Tcp);
        assert_eq!((signals.rtt_ms, signals.jitter_ms), (Some(3.0), Some(1.5)));
        assert_eq!((signals.loss_ratio, signals.attempts), (Some(0.25), 4));
        for _ in 0..ATTEMPTS_MAX {
            way.attempted(None);
        }
        let signals = way.signals();
        assert_eq!((signals.rtt_ms, signals.jitter_ms), (None, None));
        assert_eq!((signals.loss_ratio, signals.attempts), (Some(1.0), 30));
    }

    #[test]
    fn what_swallows_icmp_is_gone_around_for_the_hub_alone() {
        let mut hub = Way::new(PathEnd::Hub, true);
        let mut gateway = Way::new(PathEnd::Gateway, true);
        for _ in 0..2 {
            hub.attempted(None);
        }
        assert_eq!(hub.method, PathMethod::Icmp);
        hub.attempted(None);
        gateway.attempted(None);
        gateway.attempted(None);
        gateway.attempted(None);
        assert_eq!(
            (hub.method, gateway.method),
            (PathMethod::Tcp, PathMethod::Icmp)
        );
        assert_eq!(hub.signals().attempts, 0, "the silence was ICMP's");
        let mut heard = Way::new(PathEnd::Hub, true);
        heard.attempted(Some(1.0));
        for _ in 0..ATTEMPTS_MAX - 1 {
            heard.attempted(None);
        }
        assert_eq!(
            heard.method,
            PathMethod::Icmp,
            "it was answered once: this is loss"
        );
    }

    #[test]
    fn the_next_router_is_found_in_the_kernels_table() {
        let head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n";
        let row = |destination: &str, [a, b, c, d]: [u8; 4], flags, metric| {
            let router = u32::from_ne_bytes([a, b, c, d]);
            format!("eth0\t{destination}\t{router:08X}\t{flags}\t0\t0\t{metric}\t00000000\n")
        };
        let table = [
            head.to_owned(),
            row("0002A8C0", [0, 0, 0, 0], "0001", 0),
            row("00000000", [10, 0, 0, 1], "0003", 100),
            row("00000000", [10, 0, 0, 2], "0003", 50),
            row("00000000", [10, 0, 0, 3], "0002", 1),
        ];
        assert_eq!(gateway(&table.concat()), Some([10, 0, 0, 2].into()));
        assert_eq!(gateway(head), None);
        assert_eq!(gateway("nonsense 00000000 x\n"), None);
    }

    #[tokio::test]
    async fn a_door_that_is_open_or_refuses_has_answered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        assert!(attempt(PathMethod::Tcp, Some(open), 0).await.is_some());
        drop(listener);
        assert!(attempt(PathMethod::Tcp, Some(open), 0).await.is_some());
        assert_eq!(attempt(PathMethod::Tcp, None, 0).await, None);
        assert_eq!(attempt(PathMethod::None, Some(open), 0).await, None);
        let hub = HubAddress {
            host: "127.0.0.1".into(),
            port: 9,
        };
        assert_eq!(door(&hub).await, Some("127.0.0.1:9".parse().unwrap()));
    }
}
