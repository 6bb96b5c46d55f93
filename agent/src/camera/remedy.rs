//! What to do about a camera that does not stream: for the log, and for a technician. Pure.

use super::onvif::advice::Advice;
use xunke_protocol::health::{CameraState, Side};

/// By how it stands, and which side frames are missing at.
pub fn remedy(state: CameraState, side: Option<Side>) -> Advice {
    let (zh, en) = words(state, side);
    Advice {
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}

/// The same of a camera on USB: it has neither address nor password.
pub fn remedy_plugged(state: CameraState, side: Option<Side>) -> Advice {
    let (zh, en) = match (state, side) {
        (CameraState::Unreachable, Some(Side::Box)) => (
            "摄像头正被其他程序占用：请关闭该程序",
            "another program uses the camera: close it",
        ),
        (CameraState::Unreachable, _) => (
            "找不到摄像头：请检查 USB 线与接口，或用 `xunke-agent camera discover` 查看",
            "camera is not plugged in: check its cable and socket, or see `camera discover`",
        ),
        (CameraState::Unauthorized, _) => (
            "无权打开摄像头：运行代理的用户应属于 video 组",
            "camera may not be opened: the agent's user must be in the group video",
        ),
        (CameraState::Garbage, Some(Side::Box)) => (
            "本机无法编码画面：请安装 gstreamer1.0-plugins-good 与 -ugly",
            "this box cannot encode: install gstreamer1.0-plugins-good and -ugly",
        ),
        (CameraState::Garbage, _) => (
            "摄像头没有可录制的画面：请换一只，或查看 `xunke-agent camera discover`",
            "camera offers no picture that can be recorded: see `camera discover`",
        ),
        (CameraState::Stalled, Some(Side::Camera)) => (
            "摄像头停止发送：正在重新打开；反复出现请换线、换接口",
            "camera has stopped sending: it is opened again; try another cable or socket",
        ),
        _ => return remedy(state, side),
    };
    Advice {
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}

fn words(state: CameraState, side: Option<Side>) -> (&'static str, &'static str) {
    match (state, side) {
        (CameraState::Unreachable, Some(Side::Camera)) => (
            "摄像机拒绝连接：请重启摄像机，或检查电源、网线与地址",
            "camera refuses connections: restart it, or check its power, cable and address",
        ),
        (CameraState::Unreachable, _) => (
            "摄像机没有应答：请检查电源、网线与地址",
            "camera does not answer: check its power, cable and address",
        ),
        (CameraState::Unauthorized, _) => (
            "摄像机不接受用户名或密码：请检查 credentials_file",
            "camera refuses name and password: check credentials_file",
        ),
        (CameraState::Garbage, _) => (
            "摄像机没有可录制的码流：请检查地址，以及它的应答",
            "camera offers no stream that can be recorded: check its address and what it said",
        ),
        (CameraState::Stalled, Some(Side::Network)) => (
            "摄像机停止发送，网络中断：请检查网线与交换机",
            "camera has stopped sending because the network lost it: check cable and switch",
        ),
        (CameraState::Stalled, Some(Side::Box)) => (
            "摄像机的工作进程出错：正在重新启动",
            "camera's worker has failed: it is started again",
        ),
        (CameraState::Stalled, _) => (
            "摄像机有应答但停止发送：正在重新打开",
            "camera has stopped sending although it answers: it is opened again",
        ),
        _ => ("正在打开摄像机", "camera is being opened"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Issue: "the health state says which side stalled": each side has its own word.
    #[test]
    fn each_side_is_told_what_to_do() {
        let en = |state, side| remedy(state, side).en;
        let stalled = |side| en(CameraState::Stalled, side);
        assert!(stalled(Some(Side::Network)).contains("check cable and switch"));
        assert!(stalled(Some(Side::Box)).contains("started again"));
        assert!(stalled(Some(Side::Camera)).contains("opened again"));
        let unreachable = |side| en(CameraState::Unreachable, side);
        assert!(unreachable(Some(Side::Camera)).contains("restart it"));
        assert_eq!(unreachable(None), unreachable(Some(Side::Network)));
        let zh = remedy(CameraState::Unauthorized, Some(Side::Camera)).zh;
        assert!(zh.contains("credentials_file"), "{zh}");
    }

    #[test]
    fn a_camera_on_usb_has_no_address_and_no_password() {
        use CameraState::{Connecting, Garbage, Stalled, Unauthorized, Unreachable};
        for state in [Connecting, Garbage, Stalled, Unauthorized, Unreachable] {
            for side in [None, Some(Side::Camera), Some(Side::Box)] {
                let told = remedy_plugged(state, side).en;
                assert!(
                    !told.contains("address") && !told.contains("password"),
                    "{state:?} {side:?}: {told}"
                );
            }
        }
        let away = remedy_plugged(Unreachable, Some(Side::Camera)).en;
        assert!(away.contains("not plugged in"), "{away}");
    }
}
