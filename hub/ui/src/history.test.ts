import { expect, test } from 'vitest';
import type { History } from './api/fleet';
import { alone, charts, digits, isEmpty, rows, summary } from './history';

const history: History = {
  device: 'box-1',
  step_ms: 300_000,
  times: [0, 300_000, 600_000],
  series: [
    { name: 'cpu_ratio', mean: [0.25, null, 0.5], worst: [0.5, null, 0.75] },
    { name: 'temperature_c', mean: [null, null, null], worst: [null, null, null] },
    { name: 'newer_number', mean: [1, 1, 1], worst: [1, 1, 1] },
  ],
};

test('each number that is known has a chart in its unit, with gaps as gaps', () => {
  const [temperature, cpu, ...others] = charts(history);
  expect(others).toEqual([]);
  expect(temperature && isEmpty(temperature)).toBe(true);
  expect(cpu).toEqual({
    name: 'cpu_ratio',
    unit: '%',
    data: [
      [0, 300, 600],
      [25, null, 50],
      [50, null, 75],
    ],
  });
});

test('a chart can be read: its newest, mean and worst, and its lines', () => {
  const [temperature, cpu] = charts(history);
  if (!cpu || !temperature) throw new Error('no chart');
  expect(summary(cpu)).toEqual({ newest: 50, mean: 37.5, worst: 75 });
  expect(summary(temperature)).toBeNull();
  expect(rows(cpu).map((row) => row.at)).toEqual([600_000, 0]);
});

test('a point without a neighbour is known as such', () => {
  expect(alone([1, null, 2, 3, null, 4])).toEqual([0, 5]);
  expect(alone([null, 1, 2])).toEqual([]);
  expect(alone([7])).toEqual([0]);
  expect(alone([])).toEqual([]);
});

test('numbers have three digits', () => {
  expect([0, 0.01234, 12.345, 123.4, 98765, null].map((one) => digits(one))).toEqual([
    '0',
    '0.0123',
    '12.3',
    '123',
    '98765',
    '–',
  ]);
});
