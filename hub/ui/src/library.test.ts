import { expect, test } from 'vitest';
import {
  change,
  dayBefore,
  dayOf,
  isNarrowed,
  minuteText,
  queryOf,
  wantedOf,
  weekDays,
  weekdayOf,
  widened,
} from './library';

const NOON = Date.parse('2026-11-23T04:00:00Z');
const nothing = wantedOf({});

test('R67 what is asked stands in the address and comes back from it', () => {
  const query = { term: 't1', week: '12', period: '3', room: 'r1', text: '网络' };
  expect(queryOf(wantedOf(query))).toEqual(query);
  expect(queryOf(wantedOf({ text: '  ', other: 'x', room: ['a', 'b'] }))).toEqual({});
});

test('a day replaces term and week, and a term the day', () => {
  const week = wantedOf({ term: 't1', week: '12', weekday: '2', teacher: '李明' });
  expect(queryOf(change(week, { date: '2026-11-23' }))).toEqual({
    date: '2026-11-23',
    teacher: '李明',
  });
  const day = wantedOf({ date: '2026-11-23', period: '3' });
  expect(queryOf(change(day, { term: 't1' }))).toEqual({ term: 't1', period: '3' });
  expect(queryOf(change(week, { term: '' }))).toEqual({ teacher: '李明' });
  expect(queryOf(change(week, { term: 't2' }))).toEqual({
    term: 't2',
    weekday: '2',
    teacher: '李明',
  });
  expect(queryOf(change(nothing, { term: 't1', week: '3' }))).toEqual({ term: 't1', week: '3' });
});

test('without a day and a term it is today', () => {
  expect(dayOf(nothing, NOON)).toBe('2026-11-23');
  expect(dayOf(wantedOf({ date: '2026-11-20' }), NOON)).toBe('2026-11-20');
  expect(dayOf(wantedOf({ term: 't1' }), NOON)).toBeNull();
});

test('what narrows can be taken away, the time stays', () => {
  const asked = wantedOf({ term: 't1', week: '2', period: '3', text: 'x' });
  expect(isNarrowed(asked)).toBe(true);
  expect(queryOf(widened(asked))).toEqual({ term: 't1', week: '2' });
  expect(isNarrowed(widened(asked))).toBe(false);
});

test('days and weeks are the school’s', () => {
  expect(dayBefore('2026-03-01')).toBe('2026-02-28');
  expect(weekDays('2026-09-07', 12)).toEqual(['11-23', '11-29']);
  expect(weekdayOf(NOON)).toBe(1);
  expect(weekdayOf(Date.parse('2026-11-22T15:59:00Z'))).toBe(7);
  expect(weekdayOf(Date.parse('2026-11-22T16:00:00Z'))).toBe(1);
  expect(minuteText(485)).toBe('08:05');
});
