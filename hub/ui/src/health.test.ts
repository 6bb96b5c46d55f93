import { expect, test } from 'vitest';
import { evidenceLines, healthGroups, isBad } from './health';

test('a report becomes groups of readable lines', () => {
  const report = {
    cameras: [
      { source: 'cam0', since: 5, bytes_per_second: 437_500, state: 'streaming', audio: true },
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

test('sharpness and sound stand with their camera', () => {
  const camera = {
    source: 'cam0',
    sharpness: 71,
    sight: [{ kind: 'dark', since: 5, value: 17 }],
    sound: { rms_dbfs: -31.4, clipping_ratio: 0.02, found: 'clipping' },
  };
  expect(healthGroups({ cameras: [camera] })).toEqual([
    {
      name: 'cam0',
      lines: [
        { key: 'sharpness', value: '71' },
        { key: 'rms_dbfs', value: '-31 dBFS' },
        { key: 'clipping_ratio', value: '2 %' },
      ],
    },
  ]);
});

test('how fast a camera counts is told in millionths', () => {
  const camera = { source: 'cam0', drift_ppm: -38.3, clock_steps: 2 };
  expect(healthGroups({ cameras: [camera] })[0]?.lines).toEqual([
    { key: 'drift_ppm', value: '-38.3 ppm' },
    { key: 'clock_steps', value: '2' },
  ]);
});

// Issue 6, item 5: what the machine cannot measure is said, and each way has its own group.
test('machine, disk and network read with their units, and say what is not measured', () => {
  const report = {
    machine: { temperature_c: 61.25, undervoltage: true, certificate_days: 311, absent: ['throttled'] },
    disk: { wear_ratio: 0.125, backlog_age_s: 90, absent: ['disk_temperature_c'] },
    network: [
      { to: 'hub', method: 'tcp', rtt_ms: 2.5, loss_ratio: 0.033, attempts: 30 },
      { to: 'gateway', method: 'none', attempts: 0 },
    ],
  };
  const groups = healthGroups(report);
  expect(groups.map(({ name }) => name)).toEqual(['machine', 'disk', 'hub', 'gateway']);
  expect(groups[0]?.lines).toEqual([
    { key: 'temperature_c', value: '61.3 °C' },
    { key: 'undervoltage', value: 'yes' },
    { key: 'certificate_days', value: '311 d' },
    { key: 'throttled', value: 'absent' },
  ]);
  expect(groups[0]?.lines.map(isBad)).toEqual([false, true, false, false]);
  expect(groups[1]?.lines).toEqual([
    { key: 'wear_ratio', value: '13 %' },
    { key: 'backlog_age_s', value: '2 min' },
    { key: 'disk_temperature_c', value: 'absent' },
  ]);
  expect(groups[2]?.lines[2]).toEqual({ key: 'loss_ratio', value: '3 %' });
});

// Issue 6, item 5: the room's projector stands under its own name, with what it says is wrong.
test('equipment stands under its own name, and its troubles are bad', () => {
  const projector = {
    name: 'projector',
    kind: 'projector',
    state: 'degraded',
    since: 5,
    misses: 0,
    power: 'on',
    troubles: [{ part: 'lamp', level: 'warning', times: 3 }],
    lamp_hours: 2345,
  };
  const [group] = healthGroups({ equipment: [projector] });
  expect(group?.name).toBe('projector');
  expect(group?.lines).toEqual([
    { key: 'state', value: 'degraded' },
    { key: 'kind', value: 'projector' },
    { key: 'misses', value: '0' },
    { key: 'power', value: 'on' },
    { key: 'lamp_hours', value: '2345' },
    { key: 'lamp', value: 'warning' },
  ]);
  expect(group?.lines.filter(isBad).map(({ key }) => key)).toEqual(['state', 'lamp']);
});

test('the numbers of a fault read like those of a report', () => {
  expect(evidenceLines('frame_age_ms 9383, luma_mean 16.12')).toEqual([
    { key: 'frame_age_ms', value: '9.4 s' },
    { key: 'luma_mean', value: '16.1' },
  ]);
  expect(evidenceLines('')).toEqual([]);
});

test('a report that is no object has no groups', () => {
  expect(healthGroups(undefined)).toEqual([]);
  expect(healthGroups(null)).toEqual([]);
  expect(healthGroups('ok')).toEqual([]);
});

// R65, X62: the camera's own word stands among its numbers.
test('says what a camera is and what it says befalls it', () => {
  const camera = { source: 'cam0', model: 'SIM-1080', events: [{ topic: 'ImageTooDark', since: 1 }] };
  expect(healthGroups({ cameras: [camera] })[0]?.lines).toEqual([
    { key: 'model', value: 'SIM-1080' },
    { key: 'events', value: 'ImageTooDark' },
  ]);
  expect(healthGroups({ cameras: [{ source: 'cam0', audio: true, events: [] }] })[0]?.lines).toHaveLength(1);
});
