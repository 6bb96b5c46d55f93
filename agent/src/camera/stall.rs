//! Which side frames get lost at: the camera, the network before it, or this box. Worker process
//! only.
//!
//! A camera whose computer still answers has stopped by itself. One that lets go what is sent to
//! it unacknowledged is cut off. Both are looked at only when frames are missing.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use xunke_protocol::health::Side;

/// Longest wait for an answer.
const PROBE: Duration = Duration::from_secs(2);
/// The kernel's tables of connections.
const TABLES: [&str; 2] = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
/// State of a connection that stands, in those tables.
const ESTABLISHED: &str = "01";

/// What became of a new connection to the camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It was taken, at this address.
    Taken(SocketAddr),
    /// The camera's computer answered that nobody listens.
    Refused,
    /// Nothing came back, or a router said that the camera cannot be reached.
    Nothing,
}

impl Answer {
    /// Asks for a connection and closes it at once.
    pub async fn of(host: &str, port: u16) -> Self {
        match timeout(PROBE, TcpStream::connect((host, port))).await {
            Ok(Ok(socket)) => socket.peer_addr().map_or(Self::Nothing, Self::Taken),
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => Self::Refused,
            _ => Self::Nothing,
        }
    }

    /// Which side keeps the frames back, and whether the session's own connection still stood
    /// unacknowledged.
    pub fn side(self, unacknowledged: bool) -> Side {
        match self {
            Self::Nothing => Side::Network,
            // The camera is there, but the way of this session is not.
            Self::Taken(_) if unacknowledged => Side::Network,
            Self::Taken(_) | Self::Refused => Side::Camera,
        }
    }

    /// As [`Self::side`], with what the kernel knows of connections to that address.
    pub fn judged(self) -> Side {
        let Self::Taken(peer) = self else {
            return self.side(false);
        };
        let tables = TABLES.into_iter().map(std::fs::read_to_string);
        let unacknowledged = tables.flatten().any(|table| waits_for(&table, peer));
        self.side(unacknowledged)
    }
}

/// Whether a connection to `peer` has sent something again that was not acknowledged the first
/// time (columns: `man 5 proc_net_tcp`).
fn waits_for(table: &str, peer: SocketAddr) -> bool {
    table.lines().skip(1).any(|line| {
        let mut columns = line.split_ascii_whitespace();
        let (Some(remote), Some(state), Some(queues)) =
            (columns.nth(2), columns.next(), columns.next())
        else {
            return false;
        };
        let again = columns.nth(1).and_then(hex).unwrap_or(0);
        let unacknowledged = queues.split(':').next().and_then(hex).unwrap_or(0);
        state == ESTABLISHED && address(remote) == Some(peer) && unacknowledged > 0 && again > 0
    })
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 16).ok()
}

/// An address as the kernel writes it: each 32 bits as this machine keeps them.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let words = host.as_bytes().chunks(8);
    let words = words.map(|word| hex(std::str::from_utf8(word).ok()?));
    let words: Vec<[u8; 4]> = words
        .map(|word| Some(word?.to_ne_bytes()))
        .collect::<Option<_>>()?;
    let ip = match words.as_slice() {
        [word] => IpAddr::from(Ipv4Addr::from(*word)),
        [_, _, _, _] => {
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Ipv6Addr::from(bytes).to_canonical()
        }
        _ => return None,
    };
    Some((ip, u16::from_str_radix(port, 16).ok()?).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n";

    fn camera() -> SocketAddr {
        "192.168.10.20:554".parse().unwrap()
    }

    /// Issue: "the health state says which side stalled".
    #[test]
    fn silence_is_laid_to_the_side_that_answers_last() {
        let taken = Answer::Taken(camera());
        for (answer, unacknowledged, side) in [
            (taken, false, Side::Camera),
            (taken, true, Side::Network),
            (Answer::Refused, false, Side::Camera),
            (Answer::Nothing, false, Side::Network),
            (Answer::Nothing, true, Side::Network),
        ] {
            assert_eq!(answer.side(unacknowledged), side, "{answer:?}");
        }
    }

    #[test]
    fn the_kernel_is_asked_about_this_camera_alone() {
        let line = |remote: &str, state: &str, queue: &str, again: &str| {
            format!(
                "{HEAD}   0: 0A0AA8C0:A1B2 {remote} {state} {queue}:00000000 01:000003E8 \
                 {again}     0        0 1 2"
            )
        };
        let peer = "140AA8C0:022A";
        let waits = |text: &str| waits_for(text, camera());
        assert!(waits(&line(peer, "01", "00000040", "00000003")));
        assert!(
            !waits(&line(peer, "01", "00000040", "00000000")),
            "just sent"
        );
        assert!(
            !waits(&line(peer, "01", "00000000", "00000000")),
            "all taken"
        );
        assert!(
            !waits(&line("150AA8C0:022A", "01", "00000040", "00000003")),
            "another"
        );
        assert!(
            !waits(&line(peer, "02", "00000040", "00000003")),
            "never stood"
        );
        for nonsense in ["", HEAD, "a\nb c d e f g", "x\n0: 1 zz:1 01 1:1 1:1 1"] {
            assert!(!waits(nonsense));
        }
        let mapped = "0000000000000000FFFF0000140AA8C0:022A";
        assert_eq!(address(mapped), Some(camera()));
    }

    #[tokio::test]
    async fn a_port_where_nobody_listens_is_the_cameras_doing() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Answer::of("127.0.0.1", port).await;
        assert!(matches!(taken, Answer::Taken(_)) && taken.judged() == Side::Camera);
        drop(listener);
        assert_eq!(Answer::of("127.0.0.1", port).await, Answer::Refused);
    }
}
