import { expect, test } from 'vitest';
import type { DayLesson, RoomLessons } from './api/model';
import { cellsOf, periodOf, whenIs } from './day-strip';

const MINUTE = 60_000;
const BEGIN = Date.UTC(2026, 2, 2, 0, 0);

const period = (number: number) => ({
  number,
  start: BEGIN + number * 60 * MINUTE,
  end: BEGIN + (number * 60 + 45) * MINUTE,
});

function lesson(from: number, to: number): DayLesson {
  return {
    lesson: {
      id: `lesson-${from}`,
      course: '数据库原理',
      teacher: '李老师',
      class_groups: ['软件2301'],
      period: `${from}-${to}`,
      start: period(from).start,
      end: period(to).end + MINUTE,
      due_count: 40,
    },
    period_from: from,
    period_to: to,
    recording: null,
  };
}

const day = (lessons: DayLesson[]): RoomLessons => ({
  periods: [1, 2, 3, 4].map(period),
  lessons,
});

test('X36 every period stands in the strip once, a lesson over two is one', () => {
  const cells = cellsOf(day([lesson(2, 3)]));
  expect(cells.map(periodOf)).toEqual(['1', '2-3', '4']);
  expect(cells.map(({ taught }) => taught?.lesson.course)).toEqual([
    undefined,
    '数据库原理',
    undefined,
  ]);
  expect(cells[1]).toMatchObject({ start: period(2).start, end: period(3).end });
});

test('two lessons one after the other stay two', () => {
  const cells = cellsOf(day([lesson(1, 2), lesson(3, 4)]));
  expect(cells.map(periodOf)).toEqual(['1-2', '3-4']);
});

test('a lesson is now by its own times, a free period by the bell', () => {
  const [free, taught, later] = cellsOf(day([lesson(2, 3)]));
  if (!free || !taught || !later) throw new Error('three cells');
  const inLesson = period(3).end + MINUTE / 2;
  expect([free, taught, later].map((cell) => whenIs(cell, inLesson))).toEqual([
    'past',
    'now',
    'later',
  ]);
  expect(whenIs(free, period(1).start)).toBe('now');
  expect(whenIs(taught, inLesson + MINUTE)).toBe('past');
});

test('a day without periods is an empty strip', () => {
  expect(cellsOf({ periods: [], lessons: [lesson(1, 2)] })).toEqual([]);
});
