import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { calmly } from './calmly';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('many changes in a row are one look, and none after the end', () => {
  const look = vi.fn();
  const { soon, stop } = calmly(look);
  for (let change = 0; change < 50; change += 1) soon();
  expect(look).not.toHaveBeenCalled();
  vi.advanceTimersByTime(3_000);
  expect(look).toHaveBeenCalledTimes(1);
  soon();
  vi.advanceTimersByTime(3_000);
  expect(look).toHaveBeenCalledTimes(2);
  soon();
  stop();
  vi.advanceTimersByTime(10_000);
  expect(look).toHaveBeenCalledTimes(2);
});
