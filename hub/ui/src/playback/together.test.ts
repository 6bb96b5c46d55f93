import { expect, test } from 'vitest';
import { clockAt, follow, hasSound, inOrder, resumeTogether, waits } from './together';

const span = (from: number, to: number) => ({ from, to });
const screen = { name: 'cam0', there: [span(0, 50), span(60, 100)], sounds: false };
const teacher = { name: 'cam1', there: [span(0, 20), span(40, 90)], sounds: true };
const board = { name: 'cam2', there: [span(0, 100)], sounds: false };

test('the source with sound is the clock, else the first by name', () => {
  const names = (all: typeof screen[]) => inOrder(all).map((one) => one.name);
  expect(names([screen, teacher, board])).toEqual(['cam1', 'cam0', 'cam2']);
  expect(names([board, screen])).toEqual(['cam0', 'cam2']);
});

test('in a gap of the clock another source tells the time, and then the clock again', () => {
  const all = inOrder([screen, teacher]);
  expect(clockAt(all, 10)?.name).toBe('cam1');
  expect(clockAt(all, 30)?.name).toBe('cam0');
  expect(clockAt(all, 55)?.name).toBe('cam1');
  expect(clockAt(all, 95)?.name).toBe('cam0');
  expect(clockAt(all, 120)).toBeNull();
});

test('only what no source has is stepped over', () => {
  expect(resumeTogether([teacher], 30)).toBe(40);
  expect(resumeTogether([teacher, board], 30)).toBeNull();
  expect(resumeTogether([screen, { ...teacher, there: [span(80, 90)] }], 55)).toBe(60);
  expect(resumeTogether([teacher], 95)).toBeNull();
});

test('a follower is nudged when near, and jumps when far', () => {
  expect(follow(10, 10.02, 1)).toEqual({ seek: null, rate: 1 });
  expect(follow(10, 9.94, 1).rate).toBeCloseTo(1.04);
  expect(follow(10, 10.06, 1.5).rate).toBeCloseTo(1.5 * 0.96);
  expect(follow(10, 9.75, 1).rate).toBeCloseTo(1.08);
  expect(follow(10, 9.6, 1)).toEqual({ seek: 10, rate: 1 });
  expect(follow(10, 9.6, 2).seek).toBeNull();
  expect(follow(10, 60, 1)).toEqual({ seek: 10, rate: 1 });
});

test('all wait for one that is late, but not for ever and not in its gap', () => {
  const ready = { covers: true, ready: true, lateSeconds: 0 };
  expect(waits([ready, ready])).toBe(false);
  expect(waits([ready, { covers: true, ready: false, lateSeconds: 1 }])).toBe(true);
  expect(waits([ready, { covers: true, ready: false, lateSeconds: 5 }])).toBe(false);
  expect(waits([ready, { covers: false, ready: false, lateSeconds: 1 }])).toBe(false);
});

test('sound is told by the codec', () => {
  expect(hasSound('video/mp4; codecs="avc1.64001f,mp4a.40.2"')).toBe(true);
  expect(hasSound('video/mp4; codecs="hvc1.1.6.L93,opus"')).toBe(true);
  expect(hasSound('video/mp4; codecs="avc1.64001f"')).toBe(false);
});
