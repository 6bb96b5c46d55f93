import { expect, test } from 'vitest';
import { move } from './live-edge';

test('near the newest it goes on as it is', () => {
  expect(move(9.9, 0, 10)).toEqual({ to: null, rate: 1 });
});

test('a little behind it hurries, far behind it leaps', () => {
  expect(move(9.6, 0, 10)).toEqual({ to: null, rate: 1.1 });
  expect(move(8, 0, 10)).toEqual({ to: 9.85, rate: 1 });
});

test('joining, it leaps over what was captured before', () => {
  expect(move(0, 0, 2)).toEqual({ to: 1.85, rate: 1 });
});

test('what was thrown away is not waited for', () => {
  expect(move(5, 9.95, 10)).toEqual({ to: 9.95, rate: 1 });
});
