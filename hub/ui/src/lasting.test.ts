import { expect, it } from 'vitest';
import { lasting } from './lasting';

it('counts in minutes, hours or days', () => {
  const minute = 60_000;
  expect(lasting(0, 59 * minute + 59_999)).toBe('59 分钟');
  expect(lasting(0, 60 * minute)).toBe('1 小时');
  expect(lasting(0, 47 * 60 * minute + 59 * minute)).toBe('47 小时');
  expect(lasting(0, 48 * 60 * minute)).toBe('2 天');
});
