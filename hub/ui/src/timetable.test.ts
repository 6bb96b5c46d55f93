import { expect, test } from 'vitest';
import type { LessonShape, SeriesLine } from './api/timetable';
import { change, periods, span } from './timetable';

const shape = (room: string): LessonShape => ({
  course: '高数',
  class_groups: ['软件2301'],
  teacher: '李明',
  room,
  weekday: 1,
  period_from: 1,
  period_to: 2,
  due: 40,
});
const line = (before: LessonShape | null, after: LessonShape | null): SeriesLine => ({
  kind: 'change',
  line: 2,
  days: 4,
  first: '2026-11-25',
  last: '2026-12-16',
  before,
  after,
});

test('what changes is shown before and after, what does not once', () => {
  const moved = line(shape('101'), shape('102'));
  expect(change(moved, (one) => one.room)).toBe('101 → 102');
  expect(change(moved, (one) => one.teacher)).toBe('李明');
  expect(change(line(null, shape('102')), (one) => one.room)).toBe('102');
  expect(change(line(shape('101'), null), (one) => one.room)).toBe('101');
  expect(change(line(shape(''), shape('102')), (one) => one.room)).toBe('– → 102');
});

test('one period and one day are not written as ranges', () => {
  expect(periods(1, 2)).toBe('1-2');
  expect(periods(3, 3)).toBe('3');
  expect(span('2026-11-25', '2026-11-25')).toBe('2026-11-25');
});
