// What can be done to a box, and what deserves a look.
import type { KnownBox, Step } from './api/desk';

const DAY_MS = 86_400_000;
const SOON_DAYS = 60;

/** In the order in which they are offered; nothing is offered that the hub would refuse. */
export function stepsOf(box: KnownBox): Step[] {
  switch (box.state) {
    case 'enrolled':
      return ['renew', 'quarantine', 'retire'];
    case 'quarantined':
      return ['release', 'retire'];
    case 'pending':
      return ['retire'];
    default:
      return [];
  }
}

/** Whole days until the certificate ends, none below zero; null without one. */
export function daysLeft(box: KnownBox, now: number): number | null {
  if (!box.certificate_until || box.state === 'retired') return null;
  return Math.max(0, Math.floor((box.certificate_until - now) / DAY_MS));
}

/** It should have renewed itself long ago. */
export function endsSoon(box: KnownBox, now: number): boolean {
  const days = daysLeft(box, now);
  return days !== null && days < SOON_DAYS;
}
