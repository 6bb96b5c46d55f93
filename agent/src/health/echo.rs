//! ICMP echo without privileges: the kernel lets groups in `net.ipv4.ping_group_range` send it
//! from a datagram socket, and writes identifier and checksum itself.

use rustix::net::{AddressFamily, Protocol, SocketFlags, SocketType, ipproto, socket_with};
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::UdpSocket;

/// Type, code, checksum, identifier, sequence, and nothing more.
const ECHO_BYTES: usize = 8;
/// Type of the request and of its reply: RFC 792, and RFC 4443 for IPv6.
const TYPES_V4: (u8, u8) = (8, 0);
const TYPES_V6: (u8, u8) = (128, 129);

/// Whether this process may send it at all.
pub(super) fn allowed() -> bool {
    open(AddressFamily::INET, ipproto::ICMP).is_ok()
}

fn open(family: AddressFamily, protocol: Protocol) -> io::Result<UdpSocket> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::DGRAM, flags, Some(protocol))?;
    UdpSocket::from_std(socket.into())
}

/// Sends one echo and returns when its reply is there. It waits for ever: the caller has the limit.
///
/// # Errors
/// The system lets nobody send it, or knows no way there.
pub(super) async fn echo(to: IpAddr, sequence: u16) -> io::Result<()> {
    let (socket, (request, reply)) = match to {
        IpAddr::V4(_) => (open(AddressFamily::INET, ipproto::ICMP)?, TYPES_V4),
        IpAddr::V6(_) => (open(AddressFamily::INET6, ipproto::ICMPV6)?, TYPES_V6),
    };
    socket.connect(SocketAddr::new(to, 0)).await?;
    let [high, low] = sequence.to_be_bytes();
    socket.send(&[request, 0, 0, 0, 0, 0, high, low]).await?;
    let mut answer = [0; ECHO_BYTES];
    loop {
        let bytes = socket.recv(&mut answer).await?;
        if bytes == ECHO_BYTES && answer[0] == reply && answer[6..] == [high, low] {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    /// Where the system allows it, this machine answers itself; where not, that is said.
    #[tokio::test]
    async fn this_machine_answers_itself_or_says_that_it_may_not() {
        let sent = echo(IpAddr::V4(Ipv4Addr::LOCALHOST), 7);
        let sent = tokio::time::timeout(Duration::from_secs(5), sent).await;
        let sent = sent.expect("an answer");
        assert_eq!(sent.is_ok(), allowed(), "{sent:?}");
        if let Err(error) = sent {
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        }
    }
}
