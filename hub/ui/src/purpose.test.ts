import { expect, test } from 'vitest';
import { isComplete } from './purpose';

test('R60 another purpose needs its reason, the named ones do not', () => {
  expect(isComplete({ kind: 'plan', reason: '' })).toBe(true);
  expect(isComplete({ kind: 'other', reason: '' })).toBe(false);
  expect(isComplete({ kind: 'other', reason: ' 检 ' })).toBe(false);
  expect(isComplete({ kind: 'other', reason: '检查' })).toBe(true);
});
