import { expect, test } from 'vitest';
import {
  KEYS,
  beside,
  command,
  endOf,
  find,
  inOrder,
  rooms,
  takenBy,
  toldTogether,
} from './alerts';
import type { Command, Key } from './alerts';
import type { Alert, AlertPart } from './api/alerts';

const NOW = Date.parse('2026-11-23T20:00:00+08:00');

function alert(id: string, held: Partial<Alert> = {}): Alert {
  return {
    id,
    number: `GJ-${id}`,
    code: 'CAM_NO_SIGNAL',
    silence_code: 'CAM_NO_SIGNAL',
    title_zh: '摄像头无信号',
    title_en: 'Camera does not answer',
    cause_zh: '',
    cause_en: '',
    first_action_zh: '',
    first_action_en: '',
    severity: 'major',
    urgent: false,
    building: '博学楼',
    parts: [],
    opened_at: NOW,
    told_at: NOW,
    steps_told: 1,
    silenced: false,
    ...held,
  };
}

const part = (room: string, until: number | null = null): AlertPart => ({
  device: `box-${room}`,
  room_id: `id-${room}`,
  room,
  component: 'cam0',
  from: NOW,
  until,
});

function check(name: string, expected: Command | null, held: Partial<Key> = {}) {
  const key = { key: name, ctrlKey: false, altKey: false, metaKey: false, ...held };
  expect(command(key)).toEqual(expected);
}

test('R66 the inbox goes by keys, also with a Chinese input method', () => {
  check('j', { kind: 'move', by: 1 });
  check('ArrowUp', { kind: 'move', by: -1 });
  check('A', { kind: 'take' });
  check('s', { kind: 'silence' });
  check('w', { kind: 'order' });
  check('Enter', { kind: 'open' });
  check('、', { kind: 'filter' });
  check('？', { kind: 'help' });
  check('a', null, { ctrlKey: true });
  check('x', null);
});

test('every key of the help does something', () => {
  for (const [keys] of KEYS)
    for (const key of keys.split(' / ')) {
      const name = { '↓': 'ArrowDown', '↑': 'ArrowUp', Esc: 'Escape' }[key] ?? key;
      expect(command({ key: name, ctrlKey: false, altKey: false, metaKey: false })).not.toBeNull();
    }
});

test('what is urgent comes first, then the worst, then the newest; what is over last', () => {
  const listed = inOrder([
    alert('over', { over_at: NOW, urgent: true, severity: 'critical' }),
    alert('old', { opened_at: NOW - 5 }),
    alert('new'),
    alert('worse', { severity: 'critical', opened_at: NOW - 9 }),
    alert('urgent', { urgent: true, opened_at: NOW - 9 }),
  ]);
  expect(listed.map((one) => one.id)).toEqual(['urgent', 'worse', 'new', 'old', 'over']);
});

test('every word that is typed stands somewhere', () => {
  const all = [
    alert('1', { parts: [part('博学楼101')] }),
    alert('2', { parts: [part('博学楼102')], assigned_to: '王工' }),
  ];
  const found = (typed: string) => find(all, typed).map((one) => one.id);
  expect(found('无信号 102')).toEqual(['2']);
  expect(found('王工')).toEqual(['2']);
  expect(found('gj-1')).toEqual(['1']);
  expect(found('  ')).toEqual(['1', '2']);
  expect(found('103')).toEqual([]);
});

test('rooms are those where something is still wrong, each once', () => {
  const parts = [part('101'), part('101'), part('102', NOW)];
  expect(rooms(alert('1', { parts }))).toEqual(['101']);
  expect(rooms(alert('1', { parts, over_at: NOW }))).toEqual(['101', '102']);
});

test('an alert is taken for as long as that counts', () => {
  const taken = alert('1', { acknowledged_by: '王工', acknowledged_until: NOW + 1 });
  expect(takenBy(taken, NOW)).toBe('王工');
  expect(takenBy(taken, NOW + 1)).toBeNull();
  expect(takenBy({ ...taken, over_at: NOW }, NOW)).toBeNull();
});

test('the choice stays within the list', () => {
  const all = [alert('1'), alert('2')];
  expect(beside(all, null, 1)).toBe('1');
  expect(beside(all, '1', 1)).toBe('2');
  expect(beside(all, '2', 1)).toBe('2');
  expect(beside(all, '1', -1)).toBe('1');
  expect(beside([], '1', 1)).toBeNull();
});

test('a silence until the morning ends at the next eight o’clock at the school', () => {
  const eight = Date.parse('2026-11-24T08:00:00+08:00');
  expect(endOf('morning', NOW)).toBe(eight);
  expect(endOf('morning', eight - 1)).toBe(eight);
  expect(endOf('morning', eight)).toBe(eight + 86_400_000);
  expect(endOf('hour', NOW)).toBe(NOW + 3_600_000);
  expect(endOf('month', NOW)).toBeLessThan(NOW + 30 * 86_400_000);
});

test('a silence names every fault that is told as the same alert', () => {
  const faults = [
    { code: 'CAM_NO_SIGNAL', told_as: 'CAM_NO_SIGNAL' },
    { code: 'CAM_STALLED', told_as: 'CAM_NO_SIGNAL' },
    { code: 'CAM_DARK', told_as: 'CAM_DARK' },
  ];
  const codes = (code: string | null) => toldTogether(faults, code).map((one) => one.code);
  expect(codes('CAM_STALLED')).toEqual(['CAM_NO_SIGNAL', 'CAM_STALLED']);
  expect(codes('CAM_NO_SIGNAL')).toEqual(['CAM_NO_SIGNAL', 'CAM_STALLED']);
  expect(codes('CAM_DARK')).toEqual(['CAM_DARK']);
  expect(codes(null)).toEqual([]);
  expect(codes('OF_A_NEWER_HUB')).toEqual([]);
});
