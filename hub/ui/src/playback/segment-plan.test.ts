import { expect, test } from 'vitest';
import type { PlaySegment } from '../api/model';
import {
  covers,
  farStretches,
  gapAt,
  holding,
  nextWanted,
  resumeAfter,
  spansOf,
  stillServes,
  stretchesOf,
} from './segment-plan';

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
/** One segment of a minute, as boxes cut them. */
const minute = spansOf([segment('m', 0, 60), segment('n', 60, 60)], 'cam0', START);

function check(at: number, have: Record<string, number>, expected: [string, number] | null) {
  const wanted = nextWanted(spans, at, new Map(Object.entries(have)));
  expect(wanted && [wanted.span.segment.id, wanted.from]).toEqual(expected);
}

test('segments are wanted in order from the moment played, within 30 s', () => {
  check(0, {}, ['a', 0]);
  check(0, { a: 0 }, ['b', 10]);
  check(0, { a: 0, b: 10 }, null);
  check(15, { a: 0 }, ['b', 15]);
  check(71, { a: 0, b: 10 }, ['c', 100]);
});

test('in a gap the segment behind it is wanted', () => {
  check(25, { a: 0, b: 10 }, ['c', 100]);
  check(25, { a: 0, b: 10, c: 100 }, null);
  check(111, {}, null);
});

test('a seek into a segment wants the rest of it, and a seek further back the part before', () => {
  const wanted = (at: number, have: [string, number][]) => {
    const next = nextWanted(minute, at, new Map(have));
    return next && [next.span.segment.id, next.from];
  };
  expect(wanted(42, [])).toEqual(['m', 42]);
  expect(wanted(0.5, [])).toEqual(['m', 0]);
  expect(wanted(42, [['m', 40]])).toEqual(['n', 60]);
  expect(wanted(20, [['m', 40]])).toEqual(['m', 20]);
  expect(wanted(50, [['m', 40], ['n', 80]])).toEqual(['n', 60]);
});

test('a fetch serves a seek to what arrives soon, and no other', () => {
  const [m, n] = minute;
  if (!m || !n) throw new Error('two spans');
  const serves = (from: number, arrived: number, at: number, have: [string, number][]) => {
    const fetching = from < 60 ? { span: m, from } : { span: n, from };
    return stillServes(fetching, arrived, nextWanted(minute, at, new Map(have)));
  };
  expect(serves(10, 20, 15, [])).toBe(true);
  expect(serves(10, 20, 22, [])).toBe(true);
  expect(serves(10, 20, 40, [])).toBe(false);
  expect(serves(10, 20, 5, [])).toBe(false);
  expect(serves(60, 60, 45, [['m', 40]])).toBe(true);
  expect(serves(60, 60, 45, [])).toBe(false);
  expect(serves(60, 60, 5, [['m', 0]])).toBe(true);
});

test('what is far from the picture is given up, on both sides', () => {
  const held = [
    { from: 0, to: 100 },
    { from: 150, to: 700 },
  ];
  expect(farStretches(held, 200)).toEqual([
    { from: 0, to: 100 },
    { from: 300, to: 700 },
  ]);
  expect(farStretches([{ from: 0, to: 60 }], 30)).toEqual([]);
});

test('the last moments of a stretch are not held: sound and picture end apart', () => {
  const held = [{ from: 5, to: 10 }];
  expect(holding(held, 5)).toEqual({ from: 5, to: 10 });
  expect(holding(held, 9.8)).toBeNull();
  expect(holding(held, 4)).toBeNull();
  expect(covers(spans, 5)).toBe(true);
  expect(covers(spans, 50)).toBe(false);
});

test('segments that join are one stretch', () => {
  expect(stretchesOf(spans)).toEqual([
    { from: 0, to: 20 },
    { from: 100, to: 110 },
  ]);
});

test('playing goes on behind the gap, and stays where there is something', () => {
  const there = stretchesOf(spans);
  expect(resumeAfter(there, 5)).toBeNull();
  expect(resumeAfter(there, 20)).toBe(100);
  expect(resumeAfter(there, 9.8)).toBeNull();
  expect(resumeAfter(there, 19.94)).toBe(100);
  expect(resumeAfter(there, 19.94, 0)).toBeNull();
  expect(resumeAfter(there, 19.6)).toBeNull();
  expect(resumeAfter(there, 110)).toBeNull();
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
