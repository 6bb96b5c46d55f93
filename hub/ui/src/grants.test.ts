import { expect, test } from 'vitest';
import { dayStart, lastDayEnd, scope, span } from './grants';

test('R17 a permission is written with its last day and kept to the moment after', () => {
  expect(dayStart('2026-03-02')).toBe(Date.parse('2026-03-01T16:00:00Z'));
  expect(lastDayEnd('2026-07-19')).toBe(Date.parse('2026-07-19T16:00:00Z'));
  expect(span(dayStart('2026-03-02') ?? 0, lastDayEnd('2026-07-19'))).toBe(
    '2026-03-02 – 2026-07-19',
  );
  expect(dayStart('')).toBeNull();
  expect(lastDayEnd('2026-13-01')).toBeNull();
});

test('R26 the ledger names level and unit', () => {
  expect(scope(2, '信息工程学院')).toBe('二级权限 · 信息工程学院');
  expect(scope(1, null)).toBe('一级权限');
});
