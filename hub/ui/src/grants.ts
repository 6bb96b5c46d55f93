// Permissions in the reader's words: days from and to, and what a state looks like.
import { t, tWord } from './i18n';
import { isoDate } from './time';

const DAY_MS = 86_400_000;

/** The first moment of a day such as 2026-03-02; null when it is no day. */
export function dayStart(date: string): number | null {
  const ms = Date.parse(`${date}T00:00:00+08:00`);
  return Number.isNaN(ms) ? null : ms;
}

/** A local time such as 2026-03-02T08:30, as people at the school write it; null when it is none. */
export function moment(local: string): number | null {
  const ms = Date.parse(`${local}${local.length === 16 ? ':00' : ''}+08:00`);
  return Number.isNaN(ms) ? null : ms;
}

/** The hub counts to the first moment after; people write the last day. */
export function lastDayEnd(date: string): number | null {
  const start = dayStart(date);
  return start === null ? null : start + DAY_MS;
}

/** 2026-03-02 – 2026-07-19, the last day included. */
export function span(from: number, until: number | null | undefined): string {
  const end = until === null || until === undefined ? t('grant.open') : isoDate(until - 1);
  return `${isoDate(from)} – ${end}`;
}

/** 二级 · 信息工程学院 */
export function scope(level: number, unit: string | null | undefined): string {
  return [tWord('level', String(level)), unit].filter(Boolean).join(' · ');
}

export function stateClass(state: string): string {
  if (state === 'opened' || state === 'in_force') return 'good';
  if (state === 'filed' || state === 'future') return 'busy';
  return '';
}
