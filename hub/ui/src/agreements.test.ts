import { expect, test } from 'vitest';
import { agreementClass, agreementState } from './agreements';

const LASTING = { ended_at: null, replaced: false, version: '2' };

test('R39 R40 what was signed lasts, is to be signed again, was, or has ended', () => {
  expect(agreementState(LASTING, '2')).toBe('signed');
  expect(agreementState(LASTING, '3')).toBe('superseded');
  expect(agreementState({ ...LASTING, ended_at: 5 }, '2')).toBe('ended');
  expect(agreementState({ ...LASTING, ended_at: 5, replaced: true }, '2')).toBe('replaced');
});

test('whatever keeps somebody from viewing stands out', () => {
  expect(['signed', 'superseded', 'lapsed', 'unsigned', 'ended'].map(agreementClass)).toEqual([
    'good',
    'busy',
    'bad',
    'bad',
    '',
  ]);
});
