import { expect, test } from 'vitest';
import type { ExamLock } from './api/exams';
import { examState, fitting } from './exams';

const lock = { from: 10, until: 20, lifted_at: null } as ExamLock;

test('a lock is to come, lasts, is over or was lifted', () => {
  const states = [9, 10, 19, 20].map((now) => examState(lock, now));
  expect(states).toEqual(['coming', 'lasts', 'lasts', 'over']);
  expect(examState({ ...lock, lifted_at: 5 }, 15)).toBe('lifted');
});

test('a filter is words, each in the name or the unit', () => {
  const room = (name: string, unit: string) => ({ id: name, name, unit, minors: false });
  const rooms = [room('博学楼101', '信息工程学院'), room('致远楼202', '机电工程学院')];
  expect(fitting(rooms, ' ')).toHaveLength(2);
  expect(fitting(rooms, '博学楼 信息')).toEqual([rooms[0]]);
  expect(fitting(rooms, '博学楼 机电')).toEqual([]);
});
