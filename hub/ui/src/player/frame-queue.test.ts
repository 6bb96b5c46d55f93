import { expect, test } from 'vitest';
import type { Frame } from './frame';
import { FrameQueue } from './frame-queue';

function frame(ms: number, key = false): Frame {
  const payload = new Uint8Array();
  return { kind: 'video', key, handle: 1, sequence: 0, captureUs: ms * 1000, payload };
}

function drain(queue: FrameQueue, decoding = 0): number[] {
  const out: number[] = [];
  for (let f = queue.next(decoding); f; f = queue.next(decoding)) out.push(f.captureUs / 1000);
  return out;
}

test('nothing is decoded before the first keyframe', () => {
  const queue = new FrameQueue();
  queue.push(frame(0));
  queue.push(frame(40, true));
  queue.push(frame(80));
  expect(drain(queue)).toEqual([40, 80]);
  expect(queue.dropped).toBe(0);
});

test('catching up lets a whole GOP through, however many are in the decoder', () => {
  const queue = new FrameQueue();
  for (let i = 0; i < 50; i += 1) queue.push(frame(i * 40, i === 0));
  expect(drain(queue, 40)).toHaveLength(50);
});

test('live, the decoder holds two at most', () => {
  const queue = new FrameQueue();
  queue.push(frame(0, true));
  queue.caughtUp();
  expect(queue.next(2)).toBeNull();
  expect(queue.next(1)?.captureUs).toBe(0);
});

test('live, more than 500 ms behind skips to the newest keyframe', () => {
  const queue = new FrameQueue();
  queue.caughtUp();
  queue.push(frame(0, true));
  for (let i = 1; i < 10; i += 1) queue.push(frame(i * 40));
  queue.push(frame(400, true));
  queue.push(frame(440));
  queue.push(frame(480));
  queue.push(frame(520));
  expect(drain(queue)).toEqual([400, 440, 480, 520]);
  expect(queue.dropped).toBe(10);
});

test('live and late with no newer keyframe waits for the next one', () => {
  const queue = new FrameQueue();
  queue.caughtUp();
  for (let i = 0; i <= 13; i += 1) queue.push(frame(i * 40, i === 0));
  expect(drain(queue)).toEqual([]);
  queue.push(frame(560));
  expect(drain(queue)).toEqual([]);
  queue.push(frame(600, true));
  expect(drain(queue)).toEqual([600]);
  expect(queue.dropped).toBe(15);
});

test('catching up never holds more than its bound', () => {
  const queue = new FrameQueue();
  for (let i = 0; i < 1000; i += 1) queue.push(frame(i * 40, i === 0));
  expect(drain(queue).length).toBeLessThanOrEqual(300);
});
