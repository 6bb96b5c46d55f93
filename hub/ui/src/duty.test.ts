import { expect, test } from 'vitest';
import type { DutyShift } from './api/alerts';
import { asField, dayStart, fromField, hasHole, hoursOn, onDay, weekOf } from './duty';
import { isoDate } from './time';

const at = (text: string) => Date.parse(`${text}:00+08:00`);
const shift = (step: number, from: string, until: string): DutyShift => ({
  id: from,
  step,
  person: '王工',
  from: at(from),
  until: at(until),
});

test('a week of the school begins on Monday, whatever the computer is set to', () => {
  const sunday = at('2026-11-22T23:59');
  const days = weekOf(sunday, 0).map(isoDate);
  expect(days[0]).toBe('2026-11-16');
  expect(days[6]).toBe('2026-11-22');
  expect(weekOf(sunday, 1).map(isoDate)[0]).toBe('2026-11-23');
  expect(weekOf(at('2026-11-23T00:00'), 0).map(isoDate)[0]).toBe('2026-11-23');
});

test('a duty over midnight stands on both days, with its hours on each', () => {
  const night = shift(0, '2026-11-23T18:00', '2026-11-24T08:00');
  const [monday, tuesday] = [dayStart(at('2026-11-23T12:00')), dayStart(at('2026-11-24T12:00'))];
  expect(onDay([night], 0, monday)).toEqual([night]);
  expect(onDay([night], 0, tuesday)).toEqual([night]);
  expect(onDay([night], 1, monday)).toEqual([]);
  expect(hoursOn(night, monday)).toBe('18:00–24:00');
  expect(hoursOn(night, tuesday)).toBe('00:00–08:00');
  expect(hoursOn(shift(0, '2026-11-22T08:00', '2026-11-25T08:00'), monday)).toBeNull();
});

test('a hole is a moment still to come at which nobody has the duty', () => {
  const monday = dayStart(at('2026-11-23T12:00'));
  const day = shift(0, '2026-11-23T08:00', '2026-11-23T18:00');
  const night = shift(0, '2026-11-23T18:00', '2026-11-24T08:00');
  expect(hasHole([day, night], 0, monday, 0)).toBe(true);
  expect(hasHole([night, day], 0, monday, at('2026-11-23T08:00'))).toBe(false);
  expect(hasHole([night], 0, monday, at('2026-11-23T17:00'))).toBe(true);
  expect(hasHole([], 0, monday, 0)).toBe(true);
});

test('fields of date and time are the school’s', () => {
  const moment = at('2026-11-23T08:05');
  expect(asField(moment)).toBe('2026-11-23T08:05');
  expect(fromField('2026-11-23T08:05')).toBe(moment);
  expect(fromField('2026-11-23T08:05:30')).toBe(moment);
  expect(fromField('')).toBeNull();
});
