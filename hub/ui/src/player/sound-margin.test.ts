import { expect, test } from 'vitest';
import { MARGIN_MS, MARGIN_MS_MAX } from './sample-ring';
import { SoundMargin } from './sound-margin';

const NOW = 1_700_000_000_000;

/** Fifty pictures that are decoded so long after their capture. */
function after(...ms: number[]): SoundMargin {
  const margin = new SoundMargin();
  for (let at = 0; at < 50; at += 1)
    margin.ready((NOW - (ms[at % ms.length] ?? 0)) * 1000, NOW);
  return margin;
}

test('pictures that are ready before their sound need no more of it in store', () => {
  expect(after(50).judge(180, MARGIN_MS)).toBeNull();
});

test('a slow computer gets its sound as late as its pictures', () => {
  // 100 ms of the sound's way are not the store's.
  expect(after(300).judge(180, 80)).toBe(220);
  expect(after(3000).judge(180, 80)).toBe(MARGIN_MS_MAX);
});

test('a few late pictures are left out of account', () => {
  const margin = after(50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 900);
  expect(margin.judge(180, 80)).toBeNull();
});

test('the wish is said once, and taken back when the pictures are quick again', () => {
  const margin = after(300);
  expect(margin.judge(180, 80)).toBe(220);
  for (let at = 0; at < 50; at += 1) margin.ready((NOW - 300) * 1000, NOW);
  expect(margin.judge(320, 220)).toBeNull();
  for (let at = 0; at < 50; at += 1) margin.ready((NOW - 50) * 1000, NOW);
  expect(margin.judge(320, 220)).toBe(MARGIN_MS);
});

test('nothing is judged by few pictures', () => {
  const margin = new SoundMargin();
  margin.ready((NOW - 900) * 1000, NOW);
  expect(margin.judge(180, 80)).toBeNull();
});
