// Which pages a person is offered, by role. The hub decides what they may see; this only saves
// them from doors that would be refused.
import type { MessageKey } from './i18n';

export interface MenuItem {
  path: string;
  title: MessageKey;
}

const SUPERVISORS = ['school_supervisor', 'unit_supervisor'];

/** Those who take part, and so sign (第十条); whoever was given a permission comes to them. */
const SIGNERS = [
  ...SUPERVISORS,
  'unit_leader',
  'technician',
  'security_administrator',
  'audit_administrator',
];

const ITEMS: { item: MenuItem; roles: string[] | null }[] = [
  { item: { path: '/', title: 'menu.home' }, roles: null },
  { item: { path: '/live', title: 'menu.live' }, roles: SUPERVISORS },
  { item: { path: '/wall', title: 'menu.wall' }, roles: SUPERVISORS },
  { item: { path: '/recordings', title: 'menu.recordings' }, roles: SUPERVISORS },
  { item: { path: '/marks', title: 'menu.marks' }, roles: SUPERVISORS },
  {
    item: { path: '/records', title: 'menu.records' },
    roles: [...SUPERVISORS, 'academic_affairs', 'unit_leader', 'teacher'],
  },
  {
    item: { path: '/applications', title: 'menu.applications' },
    roles: ['academic_affairs'],
  },
  { item: { path: '/openings', title: 'menu.openings' }, roles: ['security_administrator'] },
  {
    item: { path: '/ledger', title: 'menu.ledger' },
    roles: ['academic_affairs', 'security_administrator'],
  },
  { item: { path: '/timetable', title: 'menu.timetable' }, roles: ['academic_affairs'] },
  { item: { path: '/agreements', title: 'menu.agreements' }, roles: ['academic_affairs'] },
  {
    item: { path: '/people', title: 'menu.people' },
    roles: ['academic_affairs', 'technician', 'security_administrator'],
  },
  {
    item: { path: '/departures', title: 'menu.departures' },
    roles: ['academic_affairs', 'security_administrator'],
  },
  {
    item: { path: '/sanctions', title: 'menu.sanctions' },
    roles: ['academic_affairs', 'security_administrator'],
  },
  {
    item: { path: '/premium', title: 'menu.premium' },
    roles: [...SUPERVISORS, 'academic_affairs', 'unit_leader', 'teacher'],
  },
  { item: { path: '/holds', title: 'menu.holds' }, roles: ['academic_affairs'] },
  { item: { path: '/exam-locks', title: 'menu.examLocks' }, roles: ['academic_affairs'] },
  {
    item: { path: '/completeness', title: 'menu.completeness' },
    roles: ['academic_affairs', 'technician'],
  },
  { item: { path: '/watchers', title: 'menu.watchers' }, roles: ['teacher'] },
  { item: { path: '/alerts', title: 'menu.alerts' }, roles: ['technician'] },
  { item: { path: '/fleet', title: 'menu.fleet' }, roles: ['technician'] },
  { item: { path: '/it', title: 'menu.it' }, roles: ['technician'] },
  { item: { path: '/checkup', title: 'menu.checkup' }, roles: ['technician'] },
  { item: { path: '/desk', title: 'menu.desk' }, roles: ['technician'] },
  { item: { path: '/channels', title: 'menu.channels' }, roles: ['technician'] },
  { item: { path: '/sign-in-guard', title: 'menu.lockouts' }, roles: ['technician'] },
  { item: { path: '/audit', title: 'menu.audit' }, roles: ['audit_administrator'] },
  { item: { path: '/risks', title: 'menu.risks' }, roles: ['audit_administrator'] },
  { item: { path: '/inspections', title: 'menu.inspections' }, roles: ['audit_administrator'] },
  { item: { path: '/papers', title: 'menu.papers' }, roles: ['audit_administrator'] },
  {
    item: { path: '/destructions', title: 'menu.destructions' },
    roles: ['audit_administrator'],
  },
  { item: { path: '/agreement', title: 'menu.agreement' }, roles: SIGNERS },
];

/** `watches`: a permission to watch was opened for somebody who is no supervisor by role. */
export function menuFor(roles: readonly string[], watches = false): MenuItem[] {
  const has = (wanted: string[]) => wanted.some((role) => roles.includes(role));
  const watching = [SUPERVISORS, SIGNERS];
  const offered = ITEMS.filter(
    ({ roles: wanted }) => !wanted || has(wanted) || (watches && watching.includes(wanted)),
  );
  return offered.map(({ item }) => item);
}

export function isSupervisor(roles: readonly string[]): boolean {
  return roles.some((role) => SUPERVISORS.includes(role));
}

/** Whether a page, or one below it, is the one on show. */
export function isHere(path: string, shown: string): boolean {
  return path === '/' ? shown === '/' : shown.startsWith(path);
}

/**
 * How many entries stand beside each other in `room` pixels: all, or as many as leave space for
 * the button behind which the others are. `widths` and `more` are in pixels too.
 */
export function fitting(widths: readonly number[], room: number, more: number): number {
  const upTo = (space: number) => {
    let used = 0;
    const past = widths.findIndex((width) => (used += width) > space);
    return past < 0 ? widths.length : past;
  };
  return upTo(room) === widths.length ? widths.length : upTo(room - more);
}
