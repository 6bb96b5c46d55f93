//! Refusals: a decided "no", the article it rests on, and the sentence shown to the person.

/// A decided "no". An answer, not an error: it is audited and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Stable name for programs, such as `agreement_unsigned`.
    pub code: &'static str,
    /// The article, such as `第十一条`.
    pub article: &'static str,
    /// The words of the article, quoted without change.
    pub quote: &'static str,
    /// What the person is told, in Chinese.
    pub zh: &'static str,
    /// What the person is told, in English.
    pub en: &'static str,
}

impl Refusal {
    /// 第十条: no access before the agreement is signed (R19, R34).
    pub const AGREEMENT_UNSIGNED: Self = Self {
        code: "agreement_unsigned",
        article: "第十条",
        quote: "所有参与听课/巡课人员须签订《智慧教室综合平台听课/巡课保密协议》（附件2）",
        zh: "您还没有签订有效的保密协议，签订后方可查看。",
        en: "You have no valid confidentiality agreement on file; sign it first.",
    };
    /// 第十条第3项: the person has left or was transferred (R23).
    pub const LEFT: Self = Self {
        code: "left",
        article: "第十条",
        quote: "离职或调岗时立即移交权限及涉密资料",
        zh: "您已离职或调岗，权限已移交。",
        en: "You have left or been transferred; your permissions were handed back.",
    };
    /// 第十一条第1项: level 2 reaches its own unit only (R7, R21, R57).
    pub const OTHER_UNIT: Self = Self {
        code: "other_unit",
        article: "第十一条",
        quote: "二级权限（二级教学督导）：仅可查看所在教学单位的教室",
        zh: "该教室不属于您所在的教学单位，二级权限不能查看。",
        en: "This room belongs to another teaching unit; level 2 reaches its own unit only.",
    };
    /// 第十一条第1项: technicians never see class content (R8, R58).
    pub const TECHNICIAN_CONTENT: Self = Self {
        code: "technician_content",
        article: "第十一条",
        quote: "三级权限（技术人员）：仅限系统维护，不得查看课堂内容",
        zh: "三级权限仅限系统维护，不能查看课堂内容。",
        en: "Level 3 is for system maintenance only and never sees class content.",
    };
    /// 第十一条第1项: nothing was applied for and opened (R18, R20).
    pub const NO_GRANT: Self = Self {
        code: "no_grant",
        article: "第十一条",
        quote: "智慧教室管理平台权限由教务处递交权限申请，信息中心负责开通权限",
        zh: "您没有已开通的查看权限，请由教务处递交申请、信息中心开通。",
        en: "No viewing permission is open for you; Academic Affairs applies, the IT centre opens.",
    };
    /// 第十一条第1项: the function belongs to another role (R20, X5).
    pub const NOT_YOUR_ROLE: Self = Self {
        code: "not_your_role",
        article: "第十一条",
        quote: "实行分级权限制度",
        zh: "这项功能不在您的权限之内。",
        en: "This function is not part of your permission.",
    };
    /// 第十一条第2项: only from the campus network (R31).
    pub const OFF_CAMPUS: Self = Self {
        code: "off_campus",
        article: "第十一条",
        quote: "仅允许通过校内加密网络访问智慧教室管理平台",
        zh: "您不在校内网络，请在校内或通过学校 VPN 访问。",
        en: "You are outside the campus network; come from the campus or through its VPN.",
    };
    /// 第十一条第2项: the password is older than the school allows (R30).
    pub const PASSWORD_EXPIRED: Self = Self {
        code: "password_expired",
        article: "第十一条",
        quote: "账号密码须专人专用，按学校规定定期更换",
        zh: "您的密码已超过学校规定的更换期限，请先更换密码。",
        en: "Your password is older than the school allows; change it first.",
    };
    /// 第十一条第2项: the session is over or was taken over elsewhere (R27).
    pub const SESSION_ENDED: Self = Self {
        code: "session_ended",
        article: "第十一条",
        quote: "账号密码须专人专用，按学校规定定期更换",
        zh: "您的登录已结束（退出、超时或账号在别处登录），请重新登录。",
        en: "Your session has ended (signed out, timed out or signed in elsewhere); sign in again.",
    };
    /// 第十三条第1项: suspended for a breach (R25).
    pub const SUSPENDED: Self = Self {
        code: "suspended",
        article: "第十三条",
        quote: "督导人员违反保密协议的，视情节给予警告、暂停权限或纪律处分",
        zh: "您的权限已被暂停。",
        en: "Your permission is suspended.",
    };
    /// 附件2 第三条第1项: cancelled for good (R25).
    pub const CANCELLED: Self = Self {
        code: "cancelled",
        article: "附件2 第三条第1项",
        quote: "警告、暂停或永久取消听课/巡课权限",
        zh: "您的权限已被永久取消。",
        en: "Your permission was cancelled for good.",
    };
    /// 附件2 第二条第3项: every view has a purpose (R43).
    pub const PURPOSE_MISSING: Self = Self {
        code: "purpose_missing",
        article: "附件2 第二条第3项",
        quote: "巡课数据仅用于教学督导与质量评估，不得用于个人研究、商业用途或其他非授权目的",
        zh: "请先选择查看事由；选择“其他”时须写明原因（不少于两个字）。",
        en: "Give the purpose of the view; \"other\" needs a reason of two characters or more.",
    };
    /// 第三条第3项: patrol records are secret too (R89).
    pub const RECORD_SECRET: Self = Self {
        code: "record_secret",
        article: "第三条",
        quote: "所有课堂及巡课数据（视频、图片、记录等）须严格保密，防止泄露",
        zh: "巡课记录须保密，您没有阅读权限。",
        en: "Patrol records are secret; you may not read them.",
    };
    /// 第三条第3项: what cannot be decided is refused (fail closed).
    pub const UNDECIDED: Self = Self {
        code: "undecided",
        article: "第三条",
        quote: "所有课堂及巡课数据（视频、图片、记录等）须严格保密，防止泄露",
        zh: "系统此刻无法确认您的权限，按规定不予放行，请稍后再试。",
        en: "Your permission cannot be confirmed right now, so it is refused; try again shortly.",
    };

    /// 第六条第1项: only supervisors file patrol records (R85).
    pub const NOT_A_SUPERVISOR: Self = Self {
        code: "not_a_supervisor",
        article: "第六条",
        quote: "按计划开展听课/巡课，如实记录课堂情况",
        zh: "巡课记录由教学督导填写。",
        en: "Patrol records are filed by supervisors.",
    };

    /// Every refusal there is, in the order of this file.
    pub const ALL: [Self; 15] = [
        Self::AGREEMENT_UNSIGNED,
        Self::LEFT,
        Self::OTHER_UNIT,
        Self::TECHNICIAN_CONTENT,
        Self::NO_GRANT,
        Self::NOT_YOUR_ROLE,
        Self::OFF_CAMPUS,
        Self::PASSWORD_EXPIRED,
        Self::SESSION_ENDED,
        Self::SUSPENDED,
        Self::CANCELLED,
        Self::PURPOSE_MISSING,
        Self::RECORD_SECRET,
        Self::UNDECIDED,
        Self::NOT_A_SUPERVISOR,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_every_sentence_is_there() {
        for (i, refusal) in Refusal::ALL.iter().enumerate() {
            assert!(
                Refusal::ALL[..i]
                    .iter()
                    .all(|other| other.code != refusal.code)
            );
            assert!(refusal.article.contains('第') && refusal.quote.chars().count() >= 6);
            assert!(refusal.zh.ends_with('。') && refusal.en.ends_with('.'));
        }
    }
}
