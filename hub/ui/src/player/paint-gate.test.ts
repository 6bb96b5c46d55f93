import { expect, test } from 'vitest';
import { PaintGate } from './paint-gate';

/** A burst of 50 frames, 40 ms of capture apart, that arrives within 5 ms. */
function joined(): PaintGate {
  const gate = new PaintGate();
  for (let i = 0; i < 50; i += 1) gate.arrived(i * 40_000, 1000 + i / 10);
  return gate;
}

test('pictures of the cached past are skipped, the newest is painted', () => {
  const gate = joined();
  expect(gate.decide(0, 1010)).toBe('skip');
  expect(gate.decide(40 * 40_000, 1040)).toBe('skip');
  expect(gate.decide(49 * 40_000, 1060)).toBe('paint');
});

test('a keyframe decoded before the burst is over waits', () => {
  const gate = new PaintGate();
  gate.arrived(0, 1000);
  expect(gate.decide(0, 1004)).toBe('wait');
  expect(gate.decide(0, 1013)).toBe('paint');
});

test('once open every picture is painted, also a late one', () => {
  const gate = joined();
  gate.decide(49 * 40_000, 1060);
  gate.arrived(100 * 40_000, 3000);
  expect(gate.decide(50 * 40_000, 3001)).toBe('paint');
});

test('a weak computer is shown what there is in the end', () => {
  const gate = joined();
  expect(gate.decide(0, 2400)).toBe('skip');
  expect(gate.decide(0, 2501)).toBe('paint');
});

test('after a restart the gate is shut again', () => {
  const gate = joined();
  gate.decide(49 * 40_000, 1060);
  gate.restart();
  for (let i = 0; i < 50; i += 1) gate.arrived(i * 40_000, 5000);
  expect(gate.decide(0, 5020)).toBe('skip');
});
