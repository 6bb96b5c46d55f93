import { expect, test } from 'vitest';
import { clockTime, dateTime, isoDate, minutesSince, onDay, position } from './time';

test('times are those of Shanghai also across midnight UTC', () => {
  const evening = Date.UTC(2026, 2, 1, 16, 0, 5);
  expect(isoDate(evening)).toBe('2026-03-02');
  expect(clockTime(evening)).toBe('00:00:05');
  expect(dateTime(evening)).toBe('2026-03-02 00:00:05');
});

test('positions show hours only when there are any', () => {
  expect(position(63.9)).toBe('01:03');
  expect(position(3723)).toBe('1:02:03');
  expect(position(-1)).toBe('00:00');
});

test('a clock a little ahead never gives negative minutes', () => {
  expect(minutesSince(1_000_000, 940_000)).toBe(0);
  expect(minutesSince(0, 7 * 60_000 + 59_000)).toBe(7);
});

test('a typed time of day is one of the same day in Shanghai', () => {
  const evening = Date.UTC(2026, 2, 1, 16, 0, 5);
  expect(dateTime(onDay(evening, '8:05') ?? 0)).toBe('2026-03-02 08:05:00');
  expect(dateTime(onDay(evening, '23：59') ?? 0)).toBe('2026-03-02 23:59:00');
  for (const typed of ['', '24:00', '8', '8:60', 'a:bc']) expect(onDay(evening, typed)).toBeNull();
});
