import { expect, test } from 'vitest';
import { SampleRing } from './sample-ring';

const ones = (count: number) => new Float32Array(count).fill(1);

function pull(ring: SampleRing, count: number): number {
  const out = new Float32Array(count);
  ring.pull(out);
  return out.reduce((sum, sample) => sum + sample, 0);
}

test('silence until 80 ms are in store, then sound', () => {
  const ring = new SampleRing(1000);
  ring.push(ones(79), 1000);
  expect(pull(ring, 10)).toBe(0);
  ring.push(ones(1), 1000);
  expect(pull(ring, 10)).toBe(10);
});

test('an empty store is silence and fills up again before playing', () => {
  const ring = new SampleRing(1000);
  ring.push(ones(80), 1000);
  expect(pull(ring, 100)).toBe(80);
  ring.push(ones(40), 1000);
  expect(pull(ring, 10)).toBe(0);
});

test('too much in store is thrown away down to the start level', () => {
  const ring = new SampleRing(1000);
  ring.push(ones(1000), 1000);
  expect(pull(ring, 1000)).toBe(80);
});

test('another sample rate keeps its length in time', () => {
  const ring = new SampleRing(1000);
  ring.push(ones(50), 500);
  expect(pull(ring, 100)).toBe(100);
});
