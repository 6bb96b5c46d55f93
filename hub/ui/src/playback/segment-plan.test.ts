import { expect, test } from 'vitest';
import type { PlaySegment } from '../api/model';
import { gapAt, nextWanted, resumeAfter, spansOf } from './segment-plan';

const START = 1_000_000;
const segment = (id: string, at: number, seconds: number, source = 'cam0'): PlaySegment => ({
  id,
  source,
  start: START + at * 1000,
  duration_ms: seconds * 1000,
  codecs: 'video/mp4',
  truncated: false,
});
/** 0–10, 10–20, then a gap, 100–110 (and another camera). */
const spans = spansOf(
  [segment('c', 100, 10), segment('a', 0, 10), segment('b', 10, 10), segment('x', 0, 10, 'cam1')],
  'cam0',
  START,
);

function check(at: number, have: string[], expected: string | null) {
  expect(nextWanted(spans, at, new Set(have))?.segment.id ?? null).toBe(expected);
}

test('segments are wanted in order from the moment played, within 30 s', () => {
  check(0, [], 'a');
  check(0, ['a'], 'b');
  check(0, ['a', 'b'], null);
  check(15, ['a'], 'b');
  check(71, ['a', 'b'], 'c');
});

test('in a gap the segment behind it is wanted', () => {
  check(25, ['a', 'b'], 'c');
  check(25, ['a', 'b', 'c'], null);
  check(111, [], null);
});

test('playing goes on behind the gap, and stays where there is something', () => {
  expect(resumeAfter(spans, 5)).toBeNull();
  expect(resumeAfter(spans, 20)).toBe(100);
  expect(resumeAfter(spans, 9.8)).toBe(10);
  expect(resumeAfter(spans, 19.94)).toBe(100);
  expect(resumeAfter(spans, 19.6)).toBeNull();
  expect(resumeAfter(spans, 110)).toBeNull();
});

test('the gap at a moment is named', () => {
  const gaps = [
    { source: 'cam0', start: START + 20_000, end: START + 100_000, reason: 'power' },
  ];
  expect(gapAt(gaps, START, 50)?.reason).toBe('power');
  expect(gapAt(gaps, START, 19.8)?.reason).toBe('power');
  expect(gapAt(gaps, START, 5)).toBeNull();
  expect(gapAt(gaps, START, 100)).toBeNull();
});
