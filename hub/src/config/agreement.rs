//! `[agreement]`: signing 附件2.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[agreement]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Agreement {
    /// A font with Chinese glyphs, for the two originals; the Debian package is fonts-noto-cjk.
    pub font_file: PathBuf,
    /// Shortest time of reading before somebody may sign (附件2 第五条第4项, R37).
    pub reading_seconds_min: u32,
    /// 负责人 of 甲方, as printed on originals of the first text; empty: left blank for a pen.
    pub representative: String,
}

impl Default for Agreement {
    fn default() -> Self {
        Self {
            font_file: "/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc".into(),
            reading_seconds_min: 60,
            representative: String::new(),
        }
    }
}
