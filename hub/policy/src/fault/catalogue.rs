//! The catalogue: every fault code with its words and its times. Text is rendered from here, so
//! wording changes without touching a box.

/// How bad a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Warning,
    /// To be repaired when convenient.
    Minor,
    /// To be repaired today.
    Major,
    /// A lesson is not recorded or not to be seen.
    Critical,
}

impl Severity {
    /// The word on the wire and in the store.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }
}

/// What is known about a fault code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Stable; stands in the store, in alerts and in the guide.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// What it is called.
    pub title: Words,
    /// What most often causes it.
    pub cause: Words,
    /// What to do first.
    pub first_action: Words,
    /// It must be found for so long before it is a fault, milliseconds.
    pub hold_ms: i64,
    /// The same while no lesson is being recorded in the room, milliseconds; [`LESSON_ONLY`] when
    /// it is none then.
    pub idle_hold_ms: i64,
    /// It must be gone for so long before the fault ends, milliseconds.
    pub clear_ms: i64,
}

/// The same sentence in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

/// [`Kind::idle_hold_ms`] of what is no fault without a lesson: a dark, quiet room at night.
pub const LESSON_ONLY: i64 = i64::MAX;

impl Kind {
    /// Whether it matters now.
    #[must_use]
    pub fn matters(&self, in_lesson: bool) -> bool {
        in_lesson || self.idle_hold_ms != LESSON_ONLY
    }
}

/// The fault of that code.
#[must_use]
pub fn kind(code: &str) -> Option<&'static Kind> {
    CATALOGUE.iter().find(|kind| kind.code == code)
}

const fn words(zh: &'static str, en: &'static str) -> Words {
    Words { zh, en }
}

const fn camera(
    code: &'static str,
    severity: Severity,
    title: Words,
    cause: Words,
    act: Words,
) -> Kind {
    Kind {
        code,
        severity,
        title,
        cause,
        first_action: act,
        hold_ms: 10_000,
        idle_hold_ms: 10_000,
        clear_ms: 5_000,
    }
}

/// Without a lesson nobody misses the picture; the repair can wait until it is sure.
const IDLE_PICTURE_MS: i64 = 600_000;

/// Every fault there is; worst first within a component. "疑似": what pictures and sound point to is
/// possible until a person has looked (R65, R105).
pub const CATALOGUE: [Kind; 20] = [
    Kind {
        hold_ms: 20_000,
        idle_hold_ms: 90_000,
        clear_ms: 0,
        ..camera(
            "DEVICE_LOST",
            Severity::Critical,
            words("设备失联", "Box lost"),
            words(
                "断电、断网或设备死机",
                "No power, no network, or the box hangs",
            ),
            words(
                "检查教室设备的电源和网线指示灯",
                "Check the power and network lights of the box in the room",
            ),
        )
    },
    Kind {
        hold_ms: 0,
        idle_hold_ms: 0,
        ..camera(
            "DEVICE_SILENT",
            Severity::Major,
            words("设备在线但不上报状态", "Box connected but silent"),
            words("设备程序卡住", "The agent hangs"),
            words(
                "在设备上重启巡课服务",
                "Restart the agent's service on the box",
            ),
        )
    },
    camera(
        "CAM_NO_SIGNAL",
        Severity::Critical,
        words("摄像头无信号", "Camera does not answer"),
        words(
            "摄像头断电、网线松动或地址变更",
            "No power, loose cable, or a new address",
        ),
        words(
            "检查摄像头电源与网线，再核对其地址",
            "Check its power and cable, then its address",
        ),
    ),
    camera(
        "CAM_UNAUTHORIZED",
        Severity::Critical,
        words("摄像头拒绝登录", "Camera refuses the password"),
        words("摄像头密码被修改", "The camera's password was changed"),
        words(
            "在设备上重新设置摄像头账号密码",
            "Set the camera's account again on the box",
        ),
    ),
    camera(
        "CAM_GARBAGE",
        Severity::Critical,
        words("摄像头数据无法识别", "Camera sends what cannot be read"),
        words(
            "编码设置错误，或该地址不是摄像头",
            "Wrong encoding, or not a camera at all",
        ),
        words(
            "把摄像头编码设为 H.264/H.265 并核对地址",
            "Set the camera to H.264 or H.265 and check its address",
        ),
    ),
    camera(
        "CAM_STALLED",
        Severity::Critical,
        words("摄像头画面停止", "Camera stopped sending"),
        words(
            "摄像头死机或网络严重丢包",
            "The camera hangs, or the network loses packets",
        ),
        words(
            "重启摄像头，检查交换机端口",
            "Restart the camera; check its switch port",
        ),
    ),
    Kind {
        hold_ms: 5_000,
        idle_hold_ms: LESSON_ONLY,
        ..camera(
            "CAM_COVERED",
            Severity::Major,
            words("摄像头疑似被遮挡", "Camera possibly covered"),
            words(
                "镜头被遮挡，或教室全黑",
                "The lens is covered, or the room is wholly dark",
            ),
            words(
                "到现场查看镜头（不得遮挡）",
                "Look at the lens on site; it must not be covered",
            ),
        )
    },
    Kind {
        hold_ms: 5_000,
        idle_hold_ms: IDLE_PICTURE_MS,
        ..camera(
            "CAM_FROZEN",
            Severity::Critical,
            words("摄像头画面疑似定格", "Picture possibly frozen"),
            words(
                "摄像头内部死机，反复发送同一画面",
                "The camera hangs and repeats one picture",
            ),
            words(
                "重启摄像头；仍定格则更换",
                "Restart the camera; replace it if it freezes again",
            ),
        )
    },
    Kind {
        hold_ms: 5_000,
        idle_hold_ms: IDLE_PICTURE_MS,
        ..camera(
            "CAM_MOVED",
            Severity::Major,
            words("摄像头疑似被移动", "Camera possibly turned away"),
            words(
                "摄像头被转动，或支架松动",
                "The camera was turned, or its mount is loose",
            ),
            words(
                "到现场对照安装位置，拧紧支架",
                "Compare with where it should point; fasten the mount",
            ),
        )
    },
    Kind {
        hold_ms: 5_000,
        idle_hold_ms: IDLE_PICTURE_MS,
        ..camera(
            "CAM_BLURRED",
            Severity::Minor,
            words("摄像头画面疑似模糊", "Picture possibly out of focus"),
            words(
                "镜头有污渍、起雾或对焦变动",
                "A dirty or fogged lens, or its focus was changed",
            ),
            words(
                "擦拭镜头，再用调试命令对焦",
                "Clean the lens, then focus it with the aiming aid",
            ),
        )
    },
    Kind {
        hold_ms: 10_000,
        idle_hold_ms: LESSON_ONLY,
        ..camera(
            "CAM_DARK",
            Severity::Minor,
            words("上课时画面疑似过暗", "Picture possibly too dark"),
            words(
                "教室未开灯，或摄像头曝光设置错误",
                "The lamps are off, or the exposure is set wrong",
            ),
            words(
                "确认教室照明，再检查曝光设置",
                "See to the lamps, then check the camera's exposure",
            ),
        )
    },
    Kind {
        hold_ms: 30_000,
        idle_hold_ms: 30_000,
        ..camera(
            "MIC_ABSENT",
            Severity::Minor,
            words("没有声音信号", "No sound"),
            words(
                "麦克风未接或摄像头音频关闭",
                "No microphone, or the camera's audio is off",
            ),
            words(
                "打开摄像头音频并检查麦克风接线",
                "Turn on its audio and check the microphone",
            ),
        )
    },
    Kind {
        hold_ms: 10_000,
        idle_hold_ms: LESSON_ONLY,
        ..camera(
            "MIC_SILENT",
            Severity::Minor,
            words("麦克风疑似无声", "Microphone possibly silent"),
            words(
                "麦克风被静音、断线，或音量为零",
                "It is muted, its cable is broken, or its level is zero",
            ),
            words(
                "检查静音开关、接线和输入音量",
                "Check its mute switch, its cable and its level",
            ),
        )
    },
    Kind {
        hold_ms: 10_000,
        idle_hold_ms: LESSON_ONLY,
        ..camera(
            "MIC_CLIPPING",
            Severity::Minor,
            words("麦克风音量疑似过载", "Microphone possibly too loud"),
            words(
                "输入音量过大，声音失真",
                "Its level is too high; sound is distorted",
            ),
            words(
                "调低摄像头或调音台的输入音量",
                "Turn the level down at the camera or the mixer",
            ),
        )
    },
    Kind {
        hold_ms: 5_000,
        idle_hold_ms: 5_000,
        ..camera(
            "REC_FAILING",
            Severity::Critical,
            words("录像写入失败", "Recording fails"),
            words("设备磁盘故障或已满", "The box's disk is broken or full"),
            words("检查设备磁盘", "Check the disk of the box"),
        )
    },
    Kind {
        hold_ms: 0,
        idle_hold_ms: 0,
        ..camera(
            "REC_EVICTED",
            Severity::Critical,
            words("未上传的录像被删除", "Recordings given up unsent"),
            words(
                "设备磁盘已满且长时间不能上传",
                "The disk was full and nothing could be sent",
            ),
            words(
                "恢复网络，核对缺失时段后重启设备程序",
                "Restore the network, note the gaps, restart",
            ),
        )
    },
    Kind {
        hold_ms: 60_000,
        idle_hold_ms: 60_000,
        clear_ms: 60_000,
        ..camera(
            "SPOOL_FILLING",
            Severity::Major,
            words("待上传录像积压", "Recordings pile up"),
            words(
                "网络太慢，或中心存储已满",
                "Slow network, or the hub's storage is full",
            ),
            words(
                "检查网络与中心存储空间",
                "Check the network and the hub's storage",
            ),
        )
    },
    Kind {
        hold_ms: 60_000,
        idle_hold_ms: 60_000,
        clear_ms: 60_000,
        ..camera(
            "CLOCK_SKEW",
            Severity::Warning,
            words("设备时钟偏差", "Clock is off"),
            words("校时服务不可用", "No time server"),
            words(
                "检查设备的校时服务器设置",
                "Check the time server setting of the box",
            ),
        )
    },
    Kind {
        hold_ms: 60_000,
        idle_hold_ms: 60_000,
        clear_ms: 60_000,
        ..camera(
            "CLOCK_WRONG",
            Severity::Major,
            words("设备时钟错误", "Clock is wrong"),
            words(
                "设备电池失效或从未校时",
                "Empty clock battery, or never set",
            ),
            words(
                "校准设备时间，录像时间以中心估算为准",
                "Set the clock; times were estimated",
            ),
        )
    },
    Kind {
        hold_ms: 60_000,
        idle_hold_ms: 60_000,
        clear_ms: 60_000,
        ..camera(
            "MEMORY_LOW",
            Severity::Minor,
            words("设备内存不足", "Memory is short"),
            words("设备上运行了其他程序", "Other programs run on the box"),
            words("查看设备上的进程", "Look at the processes on the box"),
        )
    },
];
