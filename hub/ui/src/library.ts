// Which recordings are asked for: as it stands in the page's address, so that a link and Back work.
// The names are the hub's.
import type { LocationQuery } from 'vue-router';
import { isoDate } from './time';

const FIELDS = [
  'date',
  'term',
  'week',
  'weekday',
  'period',
  'room',
  'class',
  'teacher',
  'course',
  'text',
] as const;

export type Field = (typeof FIELDS)[number];
/** What is empty asks for nothing; without a day and a term the hub gives today. */
export type Wanted = Record<Field, string>;

const DAY_MS = 86_400_000;
/** What says when; the rest says what. */
const WHEN: readonly Field[] = ['date', 'term', 'week', 'weekday'];

export function wantedOf(query: LocationQuery): Wanted {
  const word = (field: Field) => {
    const value = query[field];
    return typeof value === 'string' ? value.trim() : '';
  };
  return Object.fromEntries(FIELDS.map((field) => [field, word(field)])) as Wanted;
}

/** For the address and for the hub: what is asked, and nothing else. */
export function queryOf(wanted: Wanted): Partial<Wanted> {
  return Object.fromEntries(
    FIELDS.map((field) => [field, wanted[field].trim()]).filter(([, value]) => value !== ''),
  );
}

/** A day and a term say the same thing twice, so that the later one replaces the earlier. */
export function change(wanted: Wanted, changed: Partial<Wanted>): Wanted {
  const next = { ...wanted, ...changed };
  if (changed.date) return { ...next, term: '', week: '', weekday: '' };
  if (changed.term || changed.week || changed.weekday) next.date = '';
  if ('term' in changed && !('week' in changed)) next.week = '';
  if (next.date === '' && next.term === '') return { ...next, week: '', weekday: '' };
  return next;
}

/** One day is asked for: the one named, or today. */
export function dayOf(wanted: Wanted, nowMs: number): string | null {
  return wanted.date || (wanted.term ? null : isoDate(nowMs));
}

/** Whether anything beside the time is asked for. */
export function isNarrowed(wanted: Wanted): boolean {
  return FIELDS.some((field) => !WHEN.includes(field) && wanted[field] !== '');
}

/** The same time, and nothing else asked. */
export function widened(wanted: Wanted): Wanted {
  const kept = Object.fromEntries(WHEN.map((field) => [field, wanted[field]]));
  return { ...wantedOf({}), ...kept };
}

export function dayBefore(date: string): string {
  return isoDate(Date.parse(`${date}T12:00:00+08:00`) - DAY_MS);
}

/** Monday and Sunday of a week, such as 11-23 and 11-29; `weekOne` is the first Monday. */
export function weekDays(weekOne: string, week: number): [string, string] {
  const monday = Date.parse(`${weekOne}T12:00:00+08:00`) + (week - 1) * 7 * DAY_MS;
  return [isoDate(monday).slice(5), isoDate(monday + 6 * DAY_MS).slice(5)];
}

/** 1 for Monday to 7 for Sunday, of a moment, in the school's time. */
export function weekdayOf(ms: number): number {
  const day = new Date(`${isoDate(ms)}T00:00:00Z`).getUTCDay();
  return day === 0 ? 7 : day;
}

/** Minutes since midnight as 08:05. */
export function minuteText(minute: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}
