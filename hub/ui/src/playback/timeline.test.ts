import { expect, test } from 'vitest';
import { spansOf } from './segment-plan';
import { gapBlocks, recordedBlocks } from './timeline';

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
