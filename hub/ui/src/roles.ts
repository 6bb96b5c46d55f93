// The roles of the hub, and which of them decide about others.
export const ROLES = [
  'teacher',
  'unit_supervisor',
  'school_supervisor',
  'unit_leader',
  'academic_affairs',
  'technician',
  'security_administrator',
  'audit_administrator',
];

/** Given and taken by the security administrator alone; the hub asks again. */
const DECIDING = ROLES.slice(3);
/** A post: whoever loses it hands the permission back. */
const POSTS = ['unit_supervisor', 'school_supervisor', ...ROLES.slice(5)];

export function mayGive(role: string, ownRoles: readonly string[]): boolean {
  return ownRoles.includes('security_administrator') || !DECIDING.includes(role);
}

export function losesPost(before: readonly string[], after: readonly string[]): boolean {
  return POSTS.some((role) => before.includes(role) && !after.includes(role));
}
