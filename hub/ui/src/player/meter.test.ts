import { expect, test } from 'vitest';
import { Meter } from './meter';

test('25 frames a second read as 25, and as 0 when they stop', () => {
  const meter = new Meter();
  for (let i = 0; i <= 100; i += 1) meter.painted(i * 40_000, i * 40 + 15);
  expect(meter.framesPerSecond(4015)).toBe(25);
  expect(meter.latencyMs()).toBe(15);
  expect(meter.framesPerSecond(9000)).toBe(0);
});

test('a box whose clock is ahead never shows a negative latency', () => {
  const meter = new Meter();
  meter.painted(5_000_000, 4000);
  expect(meter.latencyMs()).toBe(0);
});
