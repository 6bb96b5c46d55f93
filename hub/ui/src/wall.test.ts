import { describe, expect, it } from 'vitest';
import type { Room } from './api/model';
import * as wall from './wall';

const lesson = (course: string, teacher: string) => ({ course, teacher, class_groups: [] });
function room(id: string, building: string, unit: string, taught?: [string, string]): Room {
  const found = {
    id,
    name: `${building}${id}`,
    building,
    unit: { id: unit, name: unit },
    lesson: taught ? lesson(...taught) : null,
    device: { id: `box-${id}`, state: 'online', since: 0 },
    sources: [],
  };
  return found as unknown as Room;
}

const ROOMS = [
  room('201', '博学楼', '机电工程学院', ['数控加工', '王']),
  room('102', '博学楼', '机电工程学院'),
  room('101', '博学楼', '信息工程学院', ['数据库', '李']),
  room('301', '笃行楼', '信息工程学院', ['数据库', '赵']),
];
const ids = (rooms: (Room | null)[]) => rooms.map((one) => one?.id ?? null);
const ALL = { grouping: 'building', group: null, onlyInLesson: false } as const;
const AT = 1_700_000_000_000;

describe('which rooms stand on the wall', () => {
  it('R56 by building, unit, course and teacher; those without a lesson have no course', () => {
    const named = (grouping: wall.Grouping) =>
      wall.groupsOf(ROOMS, grouping).map(({ name, rooms }) => `${name} ${rooms.length}`);
    expect(named('building')).toEqual(['博学楼 3', '笃行楼 1']);
    expect(named('unit')).toEqual(['机电工程学院 2', '信息工程学院 2']);
    expect(named('course')).toEqual(['数据库 2', '数控加工 1']);
    expect(named('teacher')).toEqual(['李 1', '王 1', '赵 1']);
  });

  it('those in lesson come first, and alone where nothing else is asked for', () => {
    expect(ids(wall.chosenRooms(ROOMS, ALL))).toEqual(['101', '201', '102', '301']);
    const taught = wall.chosenRooms(ROOMS, { ...ALL, onlyInLesson: true });
    expect(ids(taught)).toEqual(['101', '201', '301']);
    const course = { grouping: 'course', group: '数据库', onlyInLesson: true } as const;
    expect(ids(wall.chosenRooms(ROOMS, course))).toEqual(['101', '301']);
    expect(wall.chosenRooms(ROOMS, { ...course, group: '没有' })).toEqual([]);
  });

  it('pages are filled and the last one shows what is left', () => {
    expect(wall.pagesOf(0, 2)).toBe(1);
    expect(wall.pagesOf(4, 2)).toBe(1);
    expect(wall.pagesOf(5, 2)).toBe(2);
    const five = [...ROOMS, ROOMS[0] as Room];
    expect(ids(wall.pageOf(five, 1, 2))).toEqual(['201', null, null, null]);
  });

  it('a picture goes on while its box is away, and ends with the lesson', () => {
    const [taught, free] = ROOMS as [Room, Room];
    const away = { ...taught, device: { ...taught.device, state: 'offline' } } as Room;
    expect(wall.isWatched(taught, undefined, AT)).toBe(true);
    expect(wall.isWatched(away, undefined, AT)).toBe(false);
    expect(wall.isWatched(away, away.id, AT)).toBe(true);
    expect(wall.isWatched(free, free.id, AT)).toBe(false);
  });
});

describe('the round', () => {
  const round = { page: 0, dueMs: AT + 10_000 };

  it('opens the next page before it is due, and goes on in time', () => {
    expect(wall.isNear(round, AT + 7_000, 3)).toBe(false);
    expect(wall.isNear(round, AT + 7_500, 3)).toBe(true);
    expect(wall.advance(round, AT + 9_999, 10, 3)).toEqual(round);
    expect(wall.advance(round, AT + 10_000, 10, 3)).toEqual({ page: 1, dueMs: AT + 20_000 });
    const last = { page: 2, dueMs: AT };
    expect(wall.advance(last, AT, 10, 3).page).toBe(0);
  });

  it('stands still when it is told so, and makes nothing ready where there is one page', () => {
    const still = { page: 1, dueMs: null };
    expect(wall.advance(still, AT, 10, 3)).toEqual(still);
    expect(wall.isNear(still, AT, 3)).toBe(false);
    expect(wall.isNear(round, AT + 10_000, 1)).toBe(false);
  });

  it('is on a page that is there when rooms have gone', () => {
    expect(wall.advance({ page: 4, dueMs: null }, AT, 10, 2).page).toBe(1);
  });
});

describe('keys', () => {
  const press = (key: string, ctrlKey = false) =>
    wall.command({ key, ctrlKey, altKey: false, metaKey: false });

  it('are those of the help, and leave the browser its own', () => {
    expect(press('ArrowDown')).toEqual({ kind: 'move', right: 0, down: 1 });
    expect(press('N')).toEqual({ kind: 'next' });
    expect(press(' ')).toEqual({ kind: 'round' });
    expect(press('？')).toEqual({ kind: 'help' });
    expect(press('f', true)).toBeNull();
    expect(press('x')).toBeNull();
  });

  it('arrows stop at the edge', () => {
    expect(wall.moved(4, 3, 1, 0)).toBe(5);
    expect(wall.moved(5, 3, 1, 0)).toBe(5);
    expect(wall.moved(1, 3, 0, -1)).toBe(1);
    expect(wall.moved(1, 3, 0, 1)).toBe(4);
  });
});
