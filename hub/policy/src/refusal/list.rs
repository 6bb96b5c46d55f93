//! Every refusal there is, in the order of the decision and then of the papers.

use super::Refusal;

/// One refusal: doc, name, code, article, quote, Chinese, English; `ALL` cannot forget one.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident $code:literal $article:literal $quote:literal
        $zh:literal $en:literal;)+) => {
        impl Refusal {
            $($(#[$doc])* pub const $name: Self = Self {
                code: $code, article: $article, quote: $quote, zh: $zh, en: $en,
            };)+

            /// Every refusal there is, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
        }
    };
}

refusals! {
    /// 第十条: no access before the agreement is signed (R19, R34).
    AGREEMENT_UNSIGNED "agreement_unsigned" "第十条"
        "所有参与听课/巡课人员须签订《智慧教室综合平台听课/巡课保密协议》（附件2）"
        "您还没有签订有效的保密协议，签订后方可查看。"
        "You have no valid confidentiality agreement on file; sign it first.";
    /// 第十条: the text was renewed and the days of grace are over (R40).
    AGREEMENT_SUPERSEDED "agreement_superseded" "第十条"
        "所有参与听课/巡课人员须签订《智慧教室综合平台听课/巡课保密协议》（附件2）"
        "保密协议已有新版，重签宽限期已过，请先签署新版。"
        "The confidentiality agreement has a new version and the days of grace are over; sign it.";
    /// 附件2 第四条第1项: the duty has ended, and the agreement with it (R39).
    AGREEMENT_ENDED "agreement_ended" "附件2 第四条第1项"
        "本协议自签订之日起生效，至乙方不再承担听课/巡课职责时终止"
        "您的保密协议已终止，不能再查看；保密义务继续有效。"
        "Your agreement has ended, so nothing can be viewed; the duty of secrecy continues.";
    /// 第十条第3项: the person has left or was transferred (R23).
    LEFT "left" "第十条"
        "离职或调岗时立即移交权限及涉密资料"
        "您已离职或调岗，权限已移交。"
        "You have left or been transferred; your permissions were handed back.";
    /// 第十一条第1项: level 2 reaches its own unit only (R7, R21, R57).
    OTHER_UNIT "other_unit" "第十一条"
        "二级权限（二级教学督导）：仅可查看所在教学单位的教室"
        "该教室不属于您所在的教学单位，二级权限不能查看。"
        "This room belongs to another teaching unit; level 2 reaches its own unit only.";
    /// 第十一条第1项: technicians never see class content (R8, R58).
    TECHNICIAN_CONTENT "technician_content" "第十一条"
        "三级权限（技术人员）：仅限系统维护，不得查看课堂内容"
        "三级权限仅限系统维护，不能查看课堂内容。"
        "Level 3 is for system maintenance only and never sees class content.";
    /// 第十一条第1项: nothing was applied for and opened (R18, R20).
    NO_GRANT "no_grant" "第十一条"
        "智慧教室管理平台权限由教务处递交权限申请，信息中心负责开通权限"
        "您没有已开通的查看权限，请由教务处递交申请、信息中心开通。"
        "No viewing permission is open for you; Academic Affairs applies, the IT centre opens.";
    /// 第十一条第1项: the school's rules know no such level (R20).
    LEVEL_UNKNOWN "level_unknown" "第十一条"
        "实行分级权限制度"
        "制度中没有这一权限级别，按规定不予放行。"
        "The rules know no such level of permission, so it is refused.";
    /// 第十一条第1项: the function belongs to another role (R20, X5).
    NOT_YOUR_ROLE "not_your_role" "第十一条"
        "实行分级权限制度"
        "这项功能不在您的权限之内。"
        "This function is not part of your permission.";
    /// 第十一条第2项: only from the campus network (R31).
    OFF_CAMPUS "off_campus" "第十一条"
        "仅允许通过校内加密网络访问智慧教室管理平台"
        "您不在校内网络，请在校内或通过学校 VPN 访问。"
        "You are outside the campus network; come from the campus or through its VPN.";
    /// 第十一条第2项: never without encryption, not even on the campus (R31, R62).
    UNENCRYPTED "unencrypted" "第十一条"
        "仅允许通过校内加密网络访问智慧教室管理平台"
        "连接没有加密，请使用以 https 开头的地址访问。"
        "The connection is not encrypted; use the address that begins with https.";
    /// 第十一条第2项: the password is older than the school allows (R30).
    PASSWORD_EXPIRED "password_expired" "第十一条"
        "账号密码须专人专用，按学校规定定期更换"
        "您的密码已超过学校规定的更换期限，请先更换密码。"
        "Your password is older than the school allows; change it first.";
    /// 第十一条第2项: the session is over or was taken over elsewhere (R27).
    SESSION_ENDED "session_ended" "第十一条"
        "账号密码须专人专用，按学校规定定期更换"
        "您的登录已结束（退出、超时或账号在别处登录），请重新登录。"
        "Your session has ended (signed out, timed out or signed in elsewhere); sign in again.";
    /// 第十三条第1项: suspended for a breach (R25).
    SUSPENDED "suspended" "第十三条"
        "督导人员违反保密协议的，视情节给予警告、暂停权限或纪律处分"
        "您的权限已被暂停。"
        "Your permission is suspended.";
    /// 附件2 第三条第1项: cancelled for good; never opened again (R25).
    CANCELLED "cancelled" "附件2 第三条第1项"
        "警告、暂停或永久取消听课/巡课权限"
        "权限已被永久取消，不得再次开通。"
        "The permission was cancelled for good and is never opened again.";
    /// 附件2 第二条第3项: every view has a purpose (R43, X22).
    PURPOSE_MISSING "purpose_missing" "附件2 第二条第3项"
        "巡课数据仅用于教学督导与质量评估，不得用于个人研究、商业用途或其他非授权目的"
        "请先选择查看事由；选择“其他”时须写明原因（2 至 200 字）。"
        "Give the purpose of the view; \"other\" needs a reason of 2 to 200 characters.";
    /// 第三条第2项: nobody judges the own class or that of the own head (R53).
    RECUSED "recused" "第三条"
        "督导人员应公平、公正开展巡课，不得干扰正常教学秩序"
        "涉及本人或本单位负责人的课，按规定须回避。"
        "You stand aside where it concerns your own class or that of the head of your unit.";
    /// 第三条第2项: while an examination goes on nobody watches the room live (R59).
    EXAM_LOCKED "exam_locked" "第三条"
        "督导人员应公平、公正开展巡课，不得干扰正常教学秩序"
        "教务处已将该教室锁定用于考试，锁定期间不能实时查看。"
        "Academic Affairs has locked this room for an examination; it is not watched live.";
    /// 附件2 第二条第3项: the lesson was the purpose of the view, and it is over.
    LESSON_OVER "lesson_over" "附件2 第二条第3项"
        "巡课数据仅用于教学督导与质量评估，不得用于个人研究、商业用途或其他非授权目的"
        "所查看的课次已经结束，按学校规定实时查看随之关闭。"
        "The lesson that was watched is over; the school's rules end the live view with it.";
    /// 学习网第十六条: past its retention nobody watches it (R67, R119).
    RECORDING_EXPIRED "recording_expired" "学习网第十六条"
        "原则上一般课堂教学保存六个月"
        "该录像已超过保存期限，不能再查看。"
        "This recording is past its retention and can no longer be watched.";
    /// 学习网第十六条: a hold without the number of a case that lasts is keeping "just in case" (R122).
    HOLD_WITHOUT_CASE "hold_without_case" "学习网第十六条"
        "在北京教师学习网的保存时间分类确定"
        "保全须写明一件未了结的处理或干扰事项的编号（文号）。"
        "A hold needs the number of a decision or an interference that is not settled.";
    /// 学习网第十六条: the teacher of the lesson says yes in person (R120).
    CONSENT_BY_OTHERS "consent_by_others" "学习网第十六条"
        "被制作为精品课程的教学纳入学院优质数字化课程资源保存"
        "精品课程须由任课教师本人同意，他人不能代为同意。"
        "The teacher of the lesson consents in person, and nobody for them.";
    /// 第五条第2项: one person opens no more recordings than this on one day (K1).
    OPENED_ENOUGH "opened_enough" "第五条"
        "负责智慧教室综合平台系统权限管理、数据存储及安全防护"
        "您今天启封的录像已达每人每日上限，请明天再看；确有需要请与信息中心联系。"
        "You have opened as much recording today as one person may; go on tomorrow.";
    /// 未成年人网络保护条例 第三十六条: minors in class need a separate approval (X29).
    MINORS "minors" "未成年人网络保护条例 第三十六条"
        "工作人员访问未成年人个人信息的，应当经过相关负责人或者其授权的管理人员审批，记录访问情况"
        "该课堂有未成年学生，须另经审批后方可查看。"
        "There are minors in this class; viewing it needs a separate approval.";
    /// 第三条第3项: patrol records are secret too (R89).
    RECORD_SECRET "record_secret" "第三条"
        "所有课堂及巡课数据（视频、图片、记录等）须严格保密，防止泄露"
        "巡课记录须保密，您没有阅读权限。"
        "Patrol records are secret; you may not read them.";
    /// 第三条第3项: what cannot be decided is refused (fail closed).
    UNDECIDED "undecided" "第三条"
        "所有课堂及巡课数据（视频、图片、记录等）须严格保密，防止泄露"
        "系统此刻无法确认您的权限，按规定不予放行，请稍后再试。"
        "Your permission cannot be confirmed right now, so it is refused; try again shortly.";
    /// 第五条第3项: no line of the trail, no picture (X9).
    TRAIL_UNAVAILABLE "trail_unavailable" "第五条"
        "定期检查系统日志，防范数据泄露风险"
        "审计记录暂时无法写入，按规定停止一切查看，请联系信息中心。"
        "The audit trail cannot be written, so nothing may be seen; tell the IT centre.";
    /// 第六条第1项: only supervisors file patrol records (R85).
    NOT_A_SUPERVISOR "not_a_supervisor" "第六条"
        "按计划开展听课/巡课，如实记录课堂情况"
        "巡课记录由教学督导填写。"
        "Patrol records are filed by supervisors.";
    /// 附件2 第二条第2项: length of a password (R29).
    PASSWORD_LENGTH "password_length" "附件2 第二条第2项"
        "密码须定期更换，且符合学校安全要求（如包含大小写字母、数字等）"
        "密码长度不符合学校要求。"
        "The password is shorter or longer than the school asks for.";
    /// 附件2 第二条第2项: kinds of characters in a password (R29).
    PASSWORD_KINDS "password_kinds" "附件2 第二条第2项"
        "密码须定期更换，且符合学校安全要求（如包含大小写字母、数字等）"
        "密码须同时包含大写字母、小写字母、数字和符号。"
        "The password needs upper case, lower case, a digit and a symbol.";
    /// 附件2 第二条第2项: a password that anybody who knows the person would try (R29).
    PASSWORD_PERSONAL "password_personal" "附件2 第二条第2项"
        "密码须定期更换，且符合学校安全要求（如包含大小写字母、数字等）"
        "密码不得包含本人姓名或工号。"
        "The password must not contain your name or staff number.";
    /// 附件2 第二条第2项: a password used before is not a change (R29, R30).
    PASSWORD_REUSED "password_reused" "附件2 第二条第2项"
        "密码须定期更换，且符合学校安全要求（如包含大小写字母、数字等）"
        "不得使用最近用过的密码。"
        "The password was used recently; choose another.";
    /// 第十一条第2项: the own account is not reset by oneself (R27, X3).
    START_CODE_OWN "start_code_own" "第十一条"
        "账号密码须专人专用，按学校规定定期更换"
        "不能为本人签发启用码；更换密码或验证器请到“我的账号”。"
        "Nobody issues a start code to themselves; change what you have in My account.";
    /// 8.1.4.2 d): accounts of the three administrators are not in one hand (X3, X5).
    START_CODE_POST "start_code_post" "GB/T 22239—2019 8.1.4.2 d)"
        "应授予管理用户所需的最小权限，实现管理用户的权限分离"
        "系统管理员和审计管理员的账号须由安全管理员签发启用码。"
        "The security administrator issues start codes for the other two administrators.";
    /// 附件2 第五条第4项: nobody signs what they have not read (R37).
    AGREEMENT_UNREAD "agreement_unread" "附件2 第五条第4项"
        "乙方签订前已充分知悉协议内容，并自愿接受约束"
        "请完整阅读协议全文（滚动到末尾并达到最短阅读时间），勾选同意后再签署。"
        "Read the whole agreement (to its end and for the minimum time) and accept it, then sign.";
    /// 附件2 第五条第4项: the name as typed and the second factor are the signature (R35, R37).
    AGREEMENT_SIGNATURE "agreement_signature" "附件2 第五条第4项"
        "乙方签订前已充分知悉协议内容，并自愿接受约束"
        "签署须输入本人姓名并通过第二因素验证。"
        "Sign with your own name and your second factor.";
    /// 附件2 第五条第3项: two originals, both kept (R38).
    AGREEMENT_NO_COPY "agreement_no_copy" "附件2 第五条第3项"
        "本协议一式两份，甲乙双方各执一份，具有同等法律效力"
        "协议一式两份，两份均存档后方才有效。"
        "The agreement has two originals; both must be on file before it counts.";
    /// 附件2 第四条第2项: secrecy outlives the agreement, so its paper stays (R39).
    AGREEMENT_KEPT "agreement_kept" "附件2 第四条第2项"
        "终止后，乙方仍需履行保密义务，直至涉密信息依法公开或失去保密价值"
        "协议终止后保密义务继续，已签署的协议不得删除。"
        "The duty of secrecy outlives the agreement; a signed agreement is never deleted.";
    /// 第十一条第1项: an application comes from Academic Affairs (R17).
    APPLICATION_BY_OTHERS "application_by_others" "第十一条"
        "智慧教室管理平台权限由教务处递交权限申请，信息中心负责开通权限"
        "权限申请由教务处递交。"
        "Applications for permissions are filed by Academic Affairs.";
    /// 第十一条第1项: an opening comes from the IT centre (R18).
    OPENING_BY_OTHERS "opening_by_others" "第十一条"
        "智慧教室管理平台权限由教务处递交权限申请，信息中心负责开通权限"
        "权限由信息中心的安全管理员开通。"
        "Permissions are opened by the security administrator of the IT centre.";
    /// 第十一条第1项: who applies, who opens and who benefits are three people (R17, R18).
    SAME_PERSON "same_person" "第十一条"
        "智慧教室管理平台权限由教务处递交权限申请，信息中心负责开通权限"
        "申请人、开通人和使用人须为不同的三个人。"
        "Whoever applies, whoever opens and whoever benefits are three different people.";
    /// 第十一条第1项: an application says who, what, where, why and how long (R17).
    APPLICATION_INCOMPLETE "application_incomplete" "第十一条"
        "智慧教室管理平台权限由教务处递交权限申请，信息中心负责开通权限"
        "权限申请须写明级别、单位范围、理由和起止时间。"
        "An application states level, unit, reason and the time from and to.";
    /// 第十一条第1项: only what was applied for is opened (R18).
    WIDER_THAN_APPLIED "wider_than_applied" "第十一条"
        "智慧教室管理平台权限由教务处递交权限申请，信息中心负责开通权限"
        "开通的级别、范围和期限不得超出申请。"
        "An opening never goes beyond the level, scope and time applied for.";
    /// 第十一条第1项: a paper that is decided stays decided; a new right needs a new one (R18, R23).
    APPLICATION_STATE "application_state" "第十一条"
        "智慧教室管理平台权限由教务处递交权限申请，信息中心负责开通权限"
        "该申请当前的状态不允许这样处理；重新开通须另行申请。"
        "The application is not in a state for this; a new right needs a new application.";
    /// 第五条第2项: nobody says of the own permission that it stays (R26).
    REVIEW_OWN "review_own" "第五条"
        "负责智慧教室综合平台系统权限管理、数据存储及安全防护"
        "本人的权限须由另一位复核。"
        "Your own permission is reviewed by somebody else.";
    /// 第五条第2项: a review is signed when every permission has its decision (R26).
    REVIEW_OPEN "review_open" "第五条"
        "负责智慧教室综合平台系统权限管理、数据存储及安全防护"
        "还有权限未复核，请逐条保留或收回后再签署。"
        "Some permissions are not reviewed; keep or revoke each of them, then sign.";
    /// 附件2 第二条第4项: a post is closed when its secret papers are handed over (R24, R44).
    HANDOVER_OPEN "handover_open" "附件2 第二条第4项"
        "申请关闭权限、同时移交本地存储的涉密资料"
        "移交清单还有未完成的项目，不能办结。"
        "The hand-over list still has open items, so the post cannot be closed.";
    /// 第十一条第1项: none of the three administrators may hold a viewing level (X5).
    ADMINISTRATOR_VIEWING "administrator_viewing" "第十一条"
        "三级权限（技术人员）：仅限系统维护，不得查看课堂内容"
        "系统、安全、审计管理员不得持有查看课堂的权限或兼任督导。"
        "The system, security and audit administrators never hold a viewing level.";
    /// 8.1.4.2 d): system, security and audit administrator are three people (X5).
    ADMINISTRATORS_THREE "administrators_three" "GB/T 22239—2019 8.1.4.2 d)"
        "应授予管理用户所需的最小权限，实现管理用户的权限分离"
        "系统管理员、安全管理员、审计管理员须由三个人分别担任。"
        "The system, security and audit administrators are three different people.";
    /// 8.1.7.2 b): the security administrator holds no other post (X5).
    SECURITY_FULL_TIME "security_full_time" "GB/T 22239—2019 8.1.7.2 b)"
        "应配备专职安全管理员，不可兼任"
        "安全管理员须专职，不得兼任其他角色。"
        "The security administrator holds no other role.";
    /// 8.1.4.2 d): roles that decide are given by the security administrator alone (R16, X5).
    APPOINTMENT_BY_OTHERS "appointment_by_others" "GB/T 22239—2019 8.1.4.2 d)"
        "应授予管理用户所需的最小权限，实现管理用户的权限分离"
        "教务处、单位负责人和三类管理员只能由安全管理员任免。"
        "Academic Affairs, unit heads and administrators: appointed by the security administrator.";
    /// 8.1.4.2 d): nobody changes what they are themselves (X5).
    APPOINTMENT_OWN "appointment_own" "GB/T 22239—2019 8.1.4.2 d)"
        "应授予管理用户所需的最小权限，实现管理用户的权限分离"
        "不能更改自己的角色和单位，请由另一位管理员办理。"
        "Nobody changes their own role or unit; ask another administrator.";
    /// 附件2 第三条: a measure names its number, basis, evidence and who decided it (R45, R104).
    SANCTION_INCOMPLETE "sanction_incomplete" "附件2 第三条"
        "乙方违反本协议，甲方有权视情节采取以下措施"
        "处理决定须写明文号、依据、证据、决定人和起止时间。"
        "A decision names its number, basis, evidence, who decided it and its time.";
    /// 第三条第2项: no sanction while the facts are contested (R103).
    SANCTION_CONTESTED "sanction_contested" "第三条"
        "督导人员应公平、公正开展巡课，不得干扰正常教学秩序"
        "当事人的异议尚未处理完，不得作出处理。"
        "The facts are contested; decide on the objection first.";
    /// 第十三条第2项: interference is confirmed by two people, never by a machine (R105, R114).
    INTERFERENCE_UNCONFIRMED "interference_unconfirmed" "第十三条"
        "教师故意干扰听课/巡课的，纳入教学考核负面清单"
        "“故意干扰”须由两人分别确认，系统提示不能代替认定。"
        "Deliberate interference is confirmed by two people; a hint of the system is no verdict.";
    /// 第五条第3项: nobody inspects their own trail (R115).
    INSPECTION_OWN "inspection_own" "第五条"
        "定期检查系统日志，防范数据泄露风险"
        "系统日志须由信息中心审计管理员检查，且不得检查本人的操作。"
        "The trail is inspected by the audit administrator, and never by those who made it.";
}
