import { expect, test } from 'vitest';
import { kept } from './retention';

test('R119 R120 R122 a recording says until when it is kept, and why', () => {
  const midnight = Date.parse('2027-05-23T00:00:00+08:00');
  expect(kept({ class: 'ordinary', kept_until: midnight })).toBe('保存至 2027-05-22');
  expect(kept({ class: 'premium', kept_until: null })).toBe('精品课程，长期保存');
  expect(kept({ class: 'held', kept_until: null })).toBe('保全中');
});
