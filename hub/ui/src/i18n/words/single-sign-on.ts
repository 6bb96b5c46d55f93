// Words of single sign-on.
export const zh = {
  'singleSignOn.or': '或',
  'singleSignOn.busy': '正在核对统一身份认证的结果…',
  'singleSignOn.passed': '统一身份认证已通过。请再输入本平台的动态验证码。',
  'singleSignOn.back': '返回登录页',

  'trail.single_sign_on': '统一身份认证',
  'trail.single_sign_on_recovery_code': '统一身份认证与恢复码',
  'trail.single_sign_on_state': '统一身份认证：过期、重放或非本浏览器发起',
  'trail.single_sign_on_declined': '统一身份认证：未通过或已取消',
  'trail.single_sign_on_unknown_person': '统一身份认证：工号无已启用账号',
  'trail.single_sign_on_token': '统一身份认证：凭据不可采信',
  'trail.single_sign_on_issuer': '统一身份认证：认证服务异常',
} as const;

export const en: Record<keyof typeof zh, string> = {
  'singleSignOn.or': 'or',
  'singleSignOn.busy': "Checking what the school's sign-in says…",
  'singleSignOn.passed': "The school's sign-in has passed. Now give this platform's one-time code.",
  'singleSignOn.back': 'Back to sign-in',

  'trail.single_sign_on': 'single sign-on',
  'trail.single_sign_on_recovery_code': 'single sign-on and recovery code',
  'trail.single_sign_on_state': 'single sign-on: expired, replayed or of another browser',
  'trail.single_sign_on_declined': 'single sign-on: refused or cancelled',
  'trail.single_sign_on_unknown_person': 'single sign-on: no account for the staff number',
  'trail.single_sign_on_token': 'single sign-on: not to be trusted',
  'trail.single_sign_on_issuer': 'single sign-on: the issuer failed',
};
