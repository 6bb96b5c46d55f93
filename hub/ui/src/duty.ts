// The duty roster by weeks of the school: who has which duty on which day, and where nobody has.
import type { DutyShift } from './api/alerts';
import { hourMinute, isoDate } from './time';

const DAY_MS = 86_400_000;

/** The first moment of the day of `ms` at the school. */
export function dayStart(ms: number): number {
  return Date.parse(`${isoDate(ms)}T00:00:00+08:00`);
}

/** The seven days, Monday first, of the week that is `weeks` after that of `now`. */
export function weekOf(now: number, weeks: number): number[] {
  const today = dayStart(now);
  // The school's wall clock, read as if it were UTC.
  const weekday = (new Date(today + 8 * 3_600_000).getUTCDay() + 6) % 7;
  const monday = today + (weeks * 7 - weekday) * DAY_MS;
  return [0, 1, 2, 3, 4, 5, 6].map((day) => monday + day * DAY_MS);
}

/** The duties of a step that touch a day, in their order. */
export function onDay(shifts: readonly DutyShift[], step: number, day: number): DutyShift[] {
  const touches = (shift: DutyShift) => shift.from < day + DAY_MS && shift.until > day;
  return shifts.filter((shift) => shift.step === step && touches(shift));
}

/** Whether there is a moment of a day, from `now` on, at which nobody has the duty of a step. */
export function hasHole(
  shifts: readonly DutyShift[],
  step: number,
  day: number,
  now: number,
): boolean {
  let reached = Math.max(day, now);
  const end = day + DAY_MS;
  const held = onDay(shifts, step, day).sort((a, b) => a.from - b.from);
  for (const shift of held) if (shift.from <= reached) reached = Math.max(reached, shift.until);
  return reached < end;
}

/** The part of a duty on one day: `08:00–18:00`, `全天` as null. */
export function hoursOn(shift: DutyShift, day: number): string | null {
  const from = shift.from <= day ? null : hourMinute(shift.from);
  const until = shift.until >= day + DAY_MS ? null : hourMinute(shift.until);
  return from || until ? `${from ?? '00:00'}–${until ?? '24:00'}` : null;
}

/** A moment as a field of date and time takes it, by the school's clock. */
export function asField(ms: number): string {
  return `${isoDate(ms)}T${hourMinute(ms)}`;
}

/** The moment of such a field; null when it is empty. */
export function fromField(typed: string): number | null {
  const ms = Date.parse(`${typed.slice(0, 16)}:00+08:00`);
  return Number.isNaN(ms) ? null : ms;
}
