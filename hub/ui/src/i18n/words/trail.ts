// Words of the trail: what was done, inspections, risks, the consoles of the three administrators.
export const zh = {
  'home.toOpenings': '去处理',
  'card.applications_waiting': '待开通的申请',
  'card.grants_in_force': '有效权限',

  'action.confirm_identity': '签署前验证身份',
  'action.apply_preset': '启用制度预置',
  'action.configuration_noted': '记下配置',
  'action.configuration_changed': '配置变更',
  'action.hub_started': '平台启动',
  'action.hub_stopped': '平台停止',
  'trail.unexpected_end': '上次意外中断',
} as const;

export const en: Record<keyof typeof zh, string> = {
  'home.toOpenings': 'Decide',
  'card.applications_waiting': 'Applications waiting',
  'card.grants_in_force': 'Permissions in force',

  'action.confirm_identity': 'identity check before signing',
  'action.apply_preset': 'apply a preset',
  'action.configuration_noted': 'note the configuration',
  'action.configuration_changed': 'configuration changed',
  'action.hub_started': 'platform started',
  'action.hub_stopped': 'platform stopped',
  'trail.unexpected_end': 'ended unexpectedly before',
};
