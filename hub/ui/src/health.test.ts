import { expect, test } from 'vitest';
import { healthGroups } from './health';

test('a report becomes groups of readable lines', () => {
  const report = {
    cameras: [
      { source: 'cam0', state: 'streaming', since: 5, bytes_per_second: 437_500, audio: true },
    ],
    spool: { free_bytes: 3 * 1024 ** 3 },
    system: { load_ratio: 0.4126, uptime_s: 5400 },
    clock_skew_ms: -12,
  };
  expect(healthGroups(report)).toEqual([
    {
      name: 'cam0',
      lines: [
        { key: 'state', value: 'streaming' },
        { key: 'bytes_per_second', value: '3.5 Mbit/s' },
        { key: 'audio', value: 'yes' },
      ],
    },
    { name: 'spool', lines: [{ key: 'free_bytes', value: '3 GiB' }] },
    {
      name: 'system',
      lines: [
        { key: 'load_ratio', value: '41 %' },
        { key: 'uptime_s', value: '1.5 h' },
      ],
    },
    { name: 'box', lines: [{ key: 'clock_skew_ms', value: '-12 ms' }] },
  ]);
});

test('a report that is no object has no groups', () => {
  expect(healthGroups(undefined)).toEqual([]);
  expect(healthGroups(null)).toEqual([]);
  expect(healthGroups('ok')).toEqual([]);
});
