import { expect, test } from 'vitest';
import { spansOf } from './segment-plan';
import {
  gapBlocks,
  markBlocks,
  nextStop,
  periodBlocks,
  recordedBlocks,
  secondOf,
  stopsOf,
} from './timeline';

const segment = (start: number, duration_ms: number) => ({
  id: String(start),
  source: 'cam0',
  start,
  duration_ms,
  codecs: 'video/mp4', truncated: false,
});

test('segments that join are one block, a gap is its own', () => {
  const segments = [segment(0, 10_000), segment(10_040, 9_960), segment(50_000, 50_000)];
  expect(recordedBlocks(spansOf(segments, 'cam0', 0), 100)).toEqual([
    { left: 0, width: 20 },
    { left: 50, width: 50 },
  ]);
  const gap = { source: 'cam0', start: 20_000, end: 50_000, reason: 'camera_lost' };
  expect(gapBlocks([gap], 0, 100)).toEqual([{ gap, left: 20, width: 30 }]);
});

test('what reaches outside the recording is cut at its edges', () => {
  const gap = { source: 'cam0', start: -5000, end: 500_000, reason: 'power' };
  expect(gapBlocks([gap], 0, 100)).toEqual([{ gap, left: 0, width: 100 }]);
});

test('periods are ticks where they reach into the recording', () => {
  const periods = [
    { number: 1, start: -60_000, end: 40_000 },
    { number: 2, start: 50_000, end: 90_000 },
    { number: 3, start: 200_000, end: 300_000 },
  ];
  const blocks = periodBlocks(periods, 0, 100);
  expect(blocks.map(({ period, left, width }) => [period.number, left, width])).toEqual([
    [1, 0, 40],
    [2, 50, 40],
  ]);
});

test('marks lie where they were set', () => {
  const mark = { from: 10_000, to: 35_000, number: 'BJ-00001' };
  expect(markBlocks([mark], 0, 100)).toEqual([{ mark, left: 10, width: 25 }]);
});

test('one leaps to shortly before a gap and to the begin of a mark', () => {
  const gap = { source: 'cam0', start: 60_000, end: 70_000, reason: 'power' };
  const stops = stopsOf([gap, { ...gap, source: 'cam1' }], [{ from: 20_000, to: 25_000 }], 0);
  expect(stops).toEqual([20, 55]);
  expect(nextStop(stops, 0, 1)).toBe(20);
  expect(nextStop(stops, 20, 1)).toBe(55);
  expect(nextStop(stops, 55.4, -1)).toBe(20);
  expect(nextStop(stops, 55.4, 1)).toBeNull();
  expect(nextStop(stops, 10, -1)).toBeNull();
});

test('a link names a moment of the recording, or none', () => {
  expect(secondOf('1005000', 1_000_000, 60)).toBe(5);
  expect(secondOf('999999', 1_000_000, 60)).toBeNull();
  expect(secondOf('1060000', 1_000_000, 60)).toBeNull();
  expect(secondOf('soon', 1_000_000, 60)).toBeNull();
  expect(secondOf(undefined, 1_000_000, 60)).toBeNull();
});
