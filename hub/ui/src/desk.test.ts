import { expect, test } from 'vitest';
import type { KnownBox } from './api/desk';
import { daysLeft, endsSoon, stepsOf } from './desk';

const NOW = 1_795_000_000_000;
const DAY = 86_400_000;

function box(state: string, certificate_until: number | null = null): KnownBox {
  const rest = { room_id: 'r', room: '101', renewing: false, presence: 'online', agent: '0.1.0' };
  return { id: 'box-1', state, certificate_until, ...rest };
}

test('X19 only what the hub would do is offered', () => {
  expect(stepsOf(box('pending'))).toEqual(['retire']);
  expect(stepsOf(box('enrolled'))).toEqual(['renew', 'quarantine', 'retire']);
  expect(stepsOf(box('quarantined'))).toEqual(['release', 'retire']);
  expect(stepsOf(box('retired'))).toEqual([]);
});

test('X20 a certificate that was not renewed in time is shown', () => {
  expect(daysLeft(box('pending'), NOW)).toBeNull();
  expect(daysLeft(box('enrolled', NOW + 200.5 * DAY), NOW)).toBe(200);
  expect(daysLeft(box('enrolled', NOW - DAY), NOW)).toBe(0);
  expect(endsSoon(box('enrolled', NOW + 60 * DAY), NOW)).toBe(false);
  expect(endsSoon(box('enrolled', NOW + 60 * DAY - 1), NOW)).toBe(true);
  expect(endsSoon(box('retired', NOW), NOW)).toBe(false);
});
