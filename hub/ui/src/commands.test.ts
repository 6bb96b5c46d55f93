import { expect, test } from 'vitest';
import type { CheckedRoom, CommandView, Commands } from './api/commands';
import {
  amount,
  anyOpen,
  checksOf,
  earliest,
  offersOf,
  packing,
  textOf,
  toneOf,
  wordOf,
} from './commands';
import { words } from './i18n';

function command(kind: string, state: string, result: unknown = null): CommandView {
  return {
    id: 'c',
    kind,
    projector: null,
    reason: '',
    asked_by: '赵志强',
    asked_at: 1,
    judged_by: null,
    judged_at: null,
    state,
    code: '',
    result: result as CommandView['result'],
    ends_at: 2,
    ended_at: null,
    own: true,
  };
}

function commands(projectors: string[]): Commands {
  return { commands: [], in_class: false, projectors };
}

test('only what the box has is offered, and what a class would notice needs a reason', () => {
  const bare = offersOf(commands([]));
  expect(bare.map((offer) => offer.kind)).toEqual([
    'ping',
    'selftest',
    'collect_diag',
    'renew',
    'reload',
    'reboot',
  ]);
  expect(bare.filter((offer) => offer.felt).map((offer) => offer.kind)).toEqual([
    'reload',
    'reboot',
  ]);
  const all = offersOf(commands(['projector']));
  const switches = all.filter((offer) => offer.projector);
  expect(switches.map((offer) => [wordOf(offer), offer.felt])).toEqual([
    ['projector_on', false],
    ['projector_off', true],
  ]);
});

test('every button and every state has its words', () => {
  const named = words('command');
  for (const offer of offersOf(commands(['projector']))) expect(named).toContain(wordOf(offer));
  const states = ['waiting', 'queued', 'sent', 'running', 'done', 'failed', 'rejected', 'expired', 'declined'];
  for (const state of states) expect(words('commandState')).toContain(state);
});

test('the list is asked for again while something of it is not over', () => {
  expect(anyOpen([command('ping', 'done'), command('reboot', 'waiting')])).toBe(true);
  expect(anyOpen([command('ping', 'done'), command('ping', 'expired')])).toBe(false);
  expect(['done', 'sent', 'failed', 'declined'].map(toneOf)).toEqual(['good', 'busy', 'bad', '']);
});

test('K8 what fails of a self-test comes first, with its number', () => {
  const checks = [
    { part: 'disk', outcome: 'pass', value: 4.2 },
    { part: 'certificate', outcome: 'pass', value: 399 },
    { part: 'space', outcome: 'warn', code: 'low', value: 3 * 2 ** 30 },
    { part: 'camera', name: 'cam0', outcome: 'fail', code: 'unreachable' },
  ];
  const lines = checksOf(command('selftest', 'done', { checks }));
  expect(lines?.map((line) => line.part)).toEqual(['camera', 'space', 'disk', 'certificate']);
  expect(lines?.map(amount)).toEqual(['', '3.0 GiB', '4 ms', '剩 399 天']);
  expect(checksOf(command('selftest', 'failed'))).toBeNull();
  expect(checksOf(command('collect_diag', 'done', { log: [] }))).toBeNull();
  expect(textOf(command('collect_diag', 'done', { log: ['x'] }))).toContain('"log"');
});

test('K8 who goes out packs each thing once, for the first lesson', () => {
  const room = (bring_zh: string[], lesson_at: number | null): CheckedRoom => ({
    room_id: 'r',
    room: '101',
    building: '博学楼',
    device: 'box-1',
    lesson_at,
    wrong: [],
    bring_zh,
    bring_en: [],
  });
  const rooms = [room(['网线', '备用电源'], 900), room(['投影遥控器', '网线'], 800), room([], null)];
  expect(packing(rooms, true)).toEqual(['网线', '备用电源', '投影遥控器']);
  expect(earliest(rooms)).toEqual({ at: 800, count: 1 });
  expect(earliest([room([], 800), room([], 800)])).toEqual({ at: 800, count: 2 });
  expect(earliest([])).toBeNull();
});
