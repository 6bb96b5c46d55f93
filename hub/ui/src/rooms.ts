// Rooms in the order a supervisor needs them: by building, those in lesson first, with a reason
// beside every room that has no picture now.
import type { Room } from './api/model';
import { t } from './i18n';
import { lasting } from './lasting';

export interface Building {
  name: string;
  rooms: Room[];
}

export function isReachable(room: Room): boolean {
  return !room.device || room.device.state === 'online' || room.device.state === 'unknown';
}

/** Why there is nothing to see, or null when there should be a picture. */
export function reasonWithout(room: Room, nowMs: number): string | null {
  if (!room.device) return t('room.noDevice');
  if (!isReachable(room))
    return t('room.offline', { time: lasting(room.device.since, nowMs) });
  return room.lesson ? null : t('room.noLesson');
}

export function byBuilding(rooms: readonly Room[], search: string): Building[] {
  const wanted = search.trim().toLowerCase();
  const found = rooms.filter((room) => !wanted || words(room).includes(wanted));
  const names = [...new Set(found.map((room) => room.building))];
  return names
    .map((name) => ({ name, rooms: inOrder(found.filter((room) => room.building === name)) }))
    .sort((a, b) => a.name.localeCompare(b.name, 'zh'));
}

/** The next room in lesson after this one, for going on without the list; null if none. */
export function nextInLesson(rooms: readonly Room[], current: string): Room | null {
  const order = byBuilding(rooms, '').flatMap((building) => building.rooms);
  const at = order.findIndex((room) => room.id === current);
  const others = [...order.slice(at + 1), ...order.slice(0, Math.max(0, at))];
  return others.find((room) => room.lesson && isReachable(room)) ?? null;
}

function inOrder(rooms: Room[]): Room[] {
  const rank = (room: Room) => (room.lesson ? 0 : 2) + (isReachable(room) ? 0 : 1);
  return rooms.sort(
    (a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, 'zh', { numeric: true }),
  );
}

function words(room: Room): string {
  const lesson = room.lesson;
  const taught = lesson ? [lesson.course, lesson.teacher, ...lesson.class_groups] : [];
  return [room.name, room.building, room.unit.name, ...taught].join(' ').toLowerCase();
}

/** How a room is called: many colleges have the building in the name already. */
export function roomTitle(building: string, name: string): string {
  return name.startsWith(building) ? name : `${building} ${name}`;
}

/** A screen is called so in the reader's language. */
export function sourceTitle(source: Room['sources'][number]): string {
  return source.shows === 'screen' ? t('tile.screen') : source.title;
}
