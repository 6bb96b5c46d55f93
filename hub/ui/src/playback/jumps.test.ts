import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { JumpReport, type Jump } from './jumps';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function reported(act: (report: JumpReport) => void): Jump[] {
  const seen: Jump[] = [];
  act(new JumpReport((jump) => seen.push(jump)));
  return seen;
}

test('R69 a hand that moves along the timeline is one jump', () => {
  const seen = reported((report) => {
    report.jumped(1_000, 20_000);
    vi.advanceTimersByTime(300);
    report.jumped(20_000, 90_000.4);
    vi.advanceTimersByTime(2_000);
    report.jumped(95_000, 5_000);
    vi.advanceTimersByTime(2_000);
  });
  expect(seen).toEqual([
    { from: 1_000, to: 90_000 },
    { from: 95_000, to: 5_000 },
  ]);
});

test('where one comes back to is no jump, and leaving tells the last at once', () => {
  const seen = reported((report) => {
    report.jumped(1_000, 20_000);
    report.jumped(20_000, 1_500);
    vi.advanceTimersByTime(2_000);
    report.jumped(1_500, 60_000);
    report.settle();
    report.settle();
  });
  expect(seen).toEqual([{ from: 1_500, to: 60_000 }]);
});
