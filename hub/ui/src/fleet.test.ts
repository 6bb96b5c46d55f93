import { expect, test } from 'vitest';
import type { FleetRoom } from './api/fleet';
import { byFloor, byState, counts, find, floorOf, lasts, lookOf, shortName, stepBy } from './fleet';

const room = (name: string, held: Partial<FleetRoom> = {}): FleetRoom => ({
  id: name,
  name,
  building: '博学楼',
  state: 'ok',
  since: null,
  in_class: false,
  device: `box-${name}`,
  severity: null,
  faults: 0,
  ...held,
});

test('what is wrong is shown before what runs', () => {
  expect(lookOf(room('1'))).toBe('ok');
  expect(lookOf(room('1', { in_class: true }))).toBe('in_class');
  for (const state of ['fault', 'offline', 'not_enrolled'])
    expect(lookOf(room('1', { state, in_class: true }))).toBe(state);
});

test('only what is wrong lasts', () => {
  expect(lasts(room('1', { since: 5, in_class: true }))).toBeNull();
  expect(lasts(room('1', { state: 'fault', since: 5 }))).toBe(5);
  expect(lasts(room('1', { state: 'offline', since: null }))).toBeNull();
});

test('the floor is told by the number of the room', () => {
  expect(floorOf('博学楼301')).toBe(3);
  expect(floorOf('A-1204')).toBe(12);
  expect(floorOf('致远楼102室')).toBe(1);
  expect(floorOf('报告厅')).toBeNull();
});

test('rooms stand by building and floor, each in its order', () => {
  const rooms = ['博学楼210', '博学楼29', '博学楼101', '报告厅', '博学楼202'].map((name) => room(name));
  const other = room('A101', { building: '阿楼' });
  const houses = byFloor([...rooms, other]);
  expect(houses.map((house) => house.name)).toEqual(['阿楼', '博学楼']);
  const floors = houses[1]?.floors.map(({ floor, rooms: on }) => [floor, on.map((one) => one.name)]);
  expect(floors).toEqual([
    [1, ['博学楼101']],
    [2, ['博学楼202', '博学楼210']],
    [null, ['报告厅', '博学楼29']],
  ]);
  expect(shortName(room('博学楼101'))).toBe('101');
  expect(shortName(room('报告厅'))).toBe('报告厅');
  expect(shortName(room('博学楼'))).toBe('博学楼');
});

test('a list begins with what is wrong, the gravest first', () => {
  const rooms = [
    room('博学楼10'),
    room('博学楼9'),
    room('1', { in_class: true }),
    room('2', { state: 'fault', severity: 'minor' }),
    room('3', { state: 'fault', severity: 'critical' }),
    room('4', { state: 'not_enrolled' }),
    room('5', { state: 'offline' }),
  ];
  const names = byState(rooms).map((one) => one.name);
  expect(names).toEqual(['5', '3', '2', '1', '博学楼9', '博学楼10', '4']);
});

test('rooms are found by state and by words, and counted', () => {
  const rooms = [room('博学楼101'), room('博学楼102', { state: 'offline' })];
  expect(find(rooms, '', '博学 102')).toEqual([rooms[1]]);
  expect(find(rooms, 'offline', '')).toEqual([rooms[1]]);
  expect(find(rooms, 'offline', '101')).toEqual([]);
  expect(counts(rooms)).toEqual({ ok: 1, in_class: 0, fault: 0, offline: 1, not_enrolled: 0 });
});

test('arrows stay within the rooms', () => {
  expect(stepBy('ArrowRight', 0, 3)).toBe(1);
  expect(stepBy('ArrowRight', 2, 3)).toBe(2);
  expect(stepBy('ArrowLeft', 0, 3)).toBe(0);
  expect(stepBy('End', 0, 3)).toBe(2);
  expect(stepBy('x', 0, 3)).toBeNull();
});
