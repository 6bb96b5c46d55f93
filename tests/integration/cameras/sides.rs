//! Which side frames are missing at, and that they come back by themselves.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
use xunke_protocol::health::{CameraState, Side};
use xunke_tests::camera::Options;
use xunke_tests::classroom::Behaviour;

use super::watched::Watched;
use crate::shared::run;

fn is(watched: &Watched, state: CameraState, side: Option<Side>) -> bool {
    let signals = watched.signals();
    (signals.state, signals.stalled) == (state, side)
}

fn streams(watched: &Watched) -> bool {
    is(watched, CameraState::Streaming, None)
}

/// A camera that freezes, dies, talks nonsense or forgets its account is told as such, laid to the
/// camera, and taken again when it is well.
#[test]
fn a_camera_that_fails_is_found_to_be_the_side_and_comes_back() -> Result<()> {
    run(async {
        let mut watched = Watched::start("sides", Options::default()).await?;
        watched.until("it streams", streams).await?;
        let camera = Some(Side::Camera);
        for (behaviour, state) in [
            (Behaviour::Freeze, CameraState::Stalled),
            (Behaviour::Die, CameraState::Unreachable),
            (Behaviour::Garbage, CameraState::Garbage),
            (Behaviour::Unauthorized, CameraState::Unauthorized),
        ] {
            watched.camera.suffer(behaviour).await?;
            let what = format!("{behaviour:?}");
            watched
                .until(&what, |watched| is(watched, state, camera))
                .await?;
            watched.camera.suffer(Behaviour::Revive).await?;
            watched
                .until(&format!("after {behaviour:?}"), streams)
                .await?;
        }
        let before = watched.main(|seen| seen.shots.len());
        let more = |watched: &Watched| watched.main(|seen| seen.shots.len()) > before + 25;
        watched.until("pictures again", more).await?;
        watched.main(|seen| seen.is_whole(false).and_then(|()| seen.has_sound_times(0)))?;
        let tally = watched.camera.tally("main");
        ensure!(tally.open_max == 1, "two sessions at a time: {tally:?}");
        Ok(())
    })
}

/// An address that swallows what is sent to it: its queue of connections is full.
struct Hole {
    _listener: OwnedFd,
    _queue: Vec<TcpStream>,
    address: SocketAddr,
}

impl Hole {
    fn dig() -> Result<Self> {
        let listener = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        bind(&listener, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
        listen(&listener, 0)?;
        let address = SocketAddr::try_from(getsockname(&listener)?)?;
        let longest = Duration::from_millis(300);
        let tries = std::iter::repeat_with(|| TcpStream::connect_timeout(&address, longest));
        let queue = tries.take(8).map_while(Result::ok).collect();
        Ok(Self {
            _listener: listener,
            _queue: queue,
            address,
        })
    }
}

/// Nothing comes back: neither the camera's computer nor a router answers.
#[test]
fn an_address_that_swallows_everything_is_laid_to_the_network() -> Result<()> {
    run(async {
        let hole = Hole::dig()?;
        let address = hole.address;
        let change = move |_: &_, settings: &mut xunke_agent::config::Camera| {
            settings.main_url = format!("rtsp://{address}/main");
            settings.sub_url = None;
        };
        let watched = Watched::start_with("hole", Options::default(), &change).await?;
        let network = Some(Side::Network);
        let lost = |watched: &Watched| is(watched, CameraState::Unreachable, network);
        watched.until("the network", lost).await
    })
}
