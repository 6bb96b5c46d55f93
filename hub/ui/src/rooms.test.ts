import { expect, test } from 'vitest';
import type { Room } from './api/model';
import { byBuilding, nextInLesson, reasonWithout, roomTitle } from './rooms';

function room(name: string, building: string, inLesson: boolean, state = 'online'): Room {
  return {
    id: name,
    name,
    building,
    unit: { id: 'u', name: '信息工程学院' },
    device: { id: 'd', state, since: 0 },
    sources: [],
    lesson: inLesson
      ? {
          id: 'l',
          course: '网络技术',
          teacher: '王',
          class_groups: ['网络2401'],
          period: '1-2',
          start: 0,
          end: 1,
          due_count: 40,
        }
      : null,
  };
}

const rooms = [
  room('102', '致远楼', false),
  room('110', '博学楼', true),
  room('12', '博学楼', true),
  room('101', '博学楼', false),
  room('103', '博学楼', true, 'offline'),
];
const names = (search: string) =>
  byBuilding(rooms, search).map((b) => `${b.name}: ${b.rooms.map((r) => r.name).join(' ')}`);

test('by building, in lesson first, by number', () => {
  expect(names('')).toEqual(['博学楼: 12 110 103 101', '致远楼: 102']);
});

test('search finds room, course and class', () => {
  expect(names('致远')).toEqual(['致远楼: 102']);
  expect(names('网络2401')).toEqual(['博学楼: 12 110 103']);
  expect(names('没有')).toEqual([]);
});

test('each room without a picture says why', () => {
  expect(reasonWithout(room('1', 'b', true), 0)).toBeNull();
  expect(reasonWithout(room('1', 'b', false), 0)).toBe('无课');
  expect(reasonWithout(room('1', 'b', true, 'offline'), 7 * 60_000)).toBe('设备离线 7 分钟');
});

test('the next room is in lesson, reachable, and another one', () => {
  expect(nextInLesson(rooms, '12')?.name).toBe('110');
  expect(nextInLesson(rooms, '110')?.name).toBe('12');
  expect(nextInLesson([room('1', 'b', true)], '1')).toBeNull();
});

test('a building is not said twice', () => {
  expect(roomTitle('博学楼', '博学楼101')).toBe('博学楼101');
  expect(roomTitle('博学楼', '101')).toBe('博学楼 101');
});
