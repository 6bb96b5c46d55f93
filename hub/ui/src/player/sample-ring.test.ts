import { expect, test } from 'vitest';
import { MARGIN_MS, MARGIN_MS_MAX, SampleRing } from './sample-ring';

const RATE = 8000;

/** A second of a camera's sound in pieces, delivered as they are captured; `clock` is how fast its
 * clock runs. Returns what was heard in each step: the capture time, or null for silence. */
function play(ring: SampleRing, seconds: number, pieceMs = 20, clock = 1): (number | null)[] {
  const heard: (number | null)[] = [];
  const out = new Float32Array(RATE / 1000);
  let sentMs = 0;
  for (let ms = 0; ms < seconds * 1000; ms += 1) {
    while ((sentMs + pieceMs) / clock <= ms) {
      ring.push(piece(sentMs, pieceMs));
      sentMs += pieceMs;
    }
    const us = ring.heardUs();
    heard.push(us === null ? null : us / 1000);
    ring.pull(out);
  }
  return heard;
}

function piece(captureMs: number, lengthMs: number, rate = RATE, value = 1) {
  const samples = new Float32Array((lengthMs / 1000) * rate).fill(value);
  return { samples, rate, captureUs: captureMs * 1000 };
}

function pull(ring: SampleRing, count: number): number {
  const out = new Float32Array(count);
  ring.pull(out);
  return out.reduce((sum, sample) => sum + sample, 0);
}

/** How late the sound is at the end of a run of so many seconds. */
const lateMs = (heard: (number | null)[]) => heard.length - 1 - (heard.at(-1) ?? NaN);

test('the first piece waits for 80 ms, then sound', () => {
  const ring = new SampleRing(1000);
  ring.push(piece(0, 50, 1000));
  expect(ring.heardUs()).toBeNull();
  expect(pull(ring, MARGIN_MS)).toBe(0);
  expect(ring.heardUs()).toBe(0);
  expect(pull(ring, 10)).toBe(10);
  expect(ring.heardUs()).toBe(10_000);
});

test('an empty store is silence, and the next piece waits again', () => {
  const ring = new SampleRing(1000);
  ring.push(piece(0, 50, 1000));
  expect(pull(ring, 200)).toBe(50);
  expect(ring.heardUs()).toBeNull();
  ring.push(piece(500, 50, 1000));
  expect(pull(ring, MARGIN_MS)).toBe(0);
  expect(ring.heardUs()).toBe(500_000);
});

test('large pieces, as of G.711, play without a gap', () => {
  const heard = play(new SampleRing(RATE), 20, 128);
  const begun = heard.findIndex((ms) => ms !== null);
  expect(heard.slice(begun)).not.toContain(null);
  expect(lateMs(heard)).toBeGreaterThanOrEqual(128);
  expect(lateMs(heard)).toBeLessThan(128 + MARGIN_MS + 40);
});

test('seconds that come at once when joining are left out but for the newest', () => {
  const ring = new SampleRing(1000);
  for (let at = 0; at < 2000; at += 20) ring.push(piece(at, 20, 1000));
  pull(ring, MARGIN_MS);
  const lateMs = 2000 - (ring.heardUs() ?? 0) / 1000;
  expect(lateMs).toBeGreaterThanOrEqual(MARGIN_MS);
  expect(lateMs).toBeLessThan(400);
});

test('another sample rate keeps its length in time', () => {
  const ring = new SampleRing(1000);
  ring.push(piece(0, 100, 500));
  expect(pull(ring, MARGIN_MS + 200)).toBe(100);
});

/** A crystal is off by 100 ppm at most, a bad one by 300: an hour of it would be a second. */
test.each([1.0003, 0.9997])('a camera’s clock of %f is followed without a gap', (clock) => {
  const heard = play(new SampleRing(RATE), 120, 20, clock);
  const begun = heard.findIndex((ms) => ms !== null);
  expect(heard.slice(begun)).not.toContain(null);
  const sentMs = 120_000 * clock;
  const late = sentMs - (heard.at(-1) ?? NaN);
  expect(late).toBeGreaterThan(MARGIN_MS - 20);
  expect(late).toBeLessThan(MARGIN_MS + 40);
  const steps = heard.slice(begun + 1).map((ms, at) => (ms ?? 0) - (heard[begun + at] ?? 0));
  expect(Math.max(...steps)).toBeLessThan(1.006);
  expect(Math.min(...steps)).toBeGreaterThan(0.994);
});

test('what is wanted in store is reached, in bounds', () => {
  for (const [wanted, expected] of [
    [200, 200],
    [5000, MARGIN_MS_MAX],
    [0, MARGIN_MS],
  ] as const) {
    const ring = new SampleRing(RATE);
    play(ring, 3);
    ring.want(wanted);
    const late = lateMs(play(ring, 30));
    expect(late).toBeGreaterThan(expected - 20);
    expect(late).toBeLessThan(expected + 60);
  }
});

test('a restart forgets what was not played', () => {
  const ring = new SampleRing(1000);
  ring.push(piece(0, 500, 1000));
  ring.restart();
  expect(pull(ring, 500)).toBe(0);
  expect(ring.heardUs()).toBeNull();
});
