import { expect, test } from 'vitest';
import { HeardClock } from './heard-clock';

const NOW = 1_700_000_000_000;
const CAPTURED = (NOW - 150) * 1000;

function clock(): HeardClock {
  const heard = new HeardClock();
  heard.output(2, NOW + 20);
  heard.played(CAPTURED, 2, NOW);
  return heard;
}

test('what is played now is heard when the loudspeaker has it, and goes on with the time', () => {
  expect(clock().at(NOW + 20)).toBe(CAPTURED);
  expect(clock().at(NOW + 120)).toBe(CAPTURED + 100_000);
});

test('silence, an old word and an unknown loudspeaker say nothing', () => {
  const heard = clock();
  expect(heard.at(NOW + 501)).toBeNull();
  heard.played(null, 2.1, NOW + 100);
  expect(heard.at(NOW + 100)).toBeNull();
  const unknown = new HeardClock();
  unknown.played(CAPTURED, 2, NOW);
  expect(unknown.at(NOW)).toBeNull();
  const other = clock();
  other.reset();
  expect(other.at(NOW)).toBeNull();
});

test('one wild word of the loudspeaker moves nothing', () => {
  const heard = clock();
  heard.output(2.25, NOW + 271);
  heard.output(2.5, NOW + 519);
  heard.output(2.75, NOW + 1500);
  expect(Math.abs((heard.at(NOW + 20) ?? 0) - CAPTURED)).toBeLessThan(2000);
});
