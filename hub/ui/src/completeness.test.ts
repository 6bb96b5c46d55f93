import { expect, test } from 'vitest';
import type { Amount } from './api/completeness';
import { blocks, busyHours, duration, lacking, percent, shares } from './completeness';

const amount: Amount = {
  completeness: 9876,
  due_seconds: 1000,
  stored_seconds: 900,
  waiting_seconds: 50,
  destroyed_seconds: 0,
  missing_seconds: { power: 10, network: 30 },
  unexplained_seconds: 10,
};

test('K14 100 % is said of every second and of nothing less', () => {
  expect(percent(10000)).toBe('100 %');
  expect(percent(9999)).toBe('99.99 %');
  expect(percent(9905)).toBe('99.05 %');
  expect(percent(9800)).toBe('98.00 %');
  expect(percent(null)).toBe('—');
});

test('K14 what an amount is made of adds up, and what is lacking comes with the most first', () => {
  const all = shares(amount);
  expect(all.map((one) => one.state)).toEqual([
    'stored',
    'waiting',
    'power',
    'network',
    'unexplained',
  ]);
  expect(all.reduce((sum, one) => sum + one.width, 0)).toBe(100);
  expect(lacking(amount).map((one) => one.state)).toEqual(['network', 'power', 'unexplained']);
});

test('durations are read in the units that people use', () => {
  const all = [45, 60, 3599, 3600, 12_000].map(duration);
  expect(all).toEqual(['45 秒', '1 分', '59 分', '1 小时', '3 小时 20 分']);
});

test('spans lie where they were, and what reaches beyond is cut', () => {
  const span = (start: number, end: number) => ({ start, end, state: 'stored' });
  const placed = blocks([span(-50, 25), span(50, 100), span(200, 300)], 0, 100);
  expect(placed.map(({ left, width }) => [left, width])).toEqual([
    [0, 25],
    [50, 50],
  ]);
});

test('a day is shown from its first to its last busy hour', () => {
  const hour = 3_600_000;
  const span = { start: 8.5 * hour, end: 16.2 * hour, state: 'stored' };
  expect(busyHours([span], 0, 24 * hour)).toEqual([8 * hour, 17 * hour]);
  expect(busyHours([], 0, 24 * hour)).toEqual([0, 24 * hour]);
});
