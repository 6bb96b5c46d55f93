// Words of the trail: what was done, inspections, risks, the consoles of the three administrators.
export const zh = {
  'action.confirm_identity': '签署前验证身份',
} as const;

export const en: Record<keyof typeof zh, string> = {
  'action.confirm_identity': 'identity check before signing',
};
