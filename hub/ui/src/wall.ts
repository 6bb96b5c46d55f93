// The patrol wall: which rooms stand on it, on which page of the round, and what a key means.
import type { Room } from './api/model';
import { byBuilding, reasonWithout } from './rooms';

/** Tiles on a side. */
export const SIZES = [1, 2, 3, 4] as const;
/** Seconds that a page of the round stays. */
export const SECONDS = [5, 10, 15, 20, 30, 60] as const;
/** The next page is opened so long before it is due: longer than a box needs for its first picture. */
export const AHEAD_MS = 2_500;
export const GROUPINGS = ['building', 'unit', 'course', 'teacher'] as const;

export type Grouping = (typeof GROUPINGS)[number];

export interface Group {
  name: string;
  rooms: Room[];
}

/** What the wall shows: all rooms, or those of one group; only rooms in lesson unless told so. */
export interface Choice {
  grouping: Grouping;
  group: string | null;
  onlyInLesson: boolean;
}

/** Rooms by what somebody looks for (R56): a room stands in one group, or in none. */
export function groupsOf(rooms: readonly Room[], grouping: Grouping): Group[] {
  const found = new Map<string, Room[]>();
  for (const room of inOrder(rooms)) {
    const name = groupOf(room, grouping);
    if (name) found.set(name, [...(found.get(name) ?? []), room]);
  }
  const groups = [...found].map(([name, rooms]) => ({ name, rooms }));
  return groups.sort((a, b) => a.name.localeCompare(b.name, 'zh', { numeric: true }));
}

function groupOf(room: Room, grouping: Grouping): string | undefined {
  if (grouping === 'building') return room.building;
  return grouping === 'unit' ? room.unit.name : room.lesson?.[grouping];
}

/** The rooms of the round, in the order of the list beside it. */
export function chosenRooms(rooms: readonly Room[], choice: Choice): Room[] {
  const { grouping, group, onlyInLesson } = choice;
  const groups = groupsOf(rooms, grouping).filter(({ name }) => name === group);
  const all = group === null ? inOrder(rooms) : groups.flatMap((one) => one.rooms);
  return onlyInLesson ? all.filter((room) => room.lesson) : all;
}

function inOrder(rooms: readonly Room[]): Room[] {
  return byBuilding(rooms, '').flatMap((building) => building.rooms);
}

export function pagesOf(count: number, size: number): number {
  return Math.max(1, Math.ceil(count / (size * size)));
}

/** One entry for each tile; null where the wall is larger than what is left. */
export function pageOf(rooms: readonly Room[], page: number, size: number): (Room | null)[] {
  const first = page * size * size;
  return Array.from({ length: size * size }, (_, at) => rooms[first + at] ?? null);
}

/** Whether a picture is opened: one that is there goes on while the box is away, and says so. */
export function isWatched(room: Room, watched: string | undefined, nowMs: number): boolean {
  if (!room.lesson) return false;
  return room.id === watched || reasonWithout(room, nowMs) === null;
}

export interface Round {
  page: number;
  /** When the next page is due, ms since the epoch; null while the round stands still. */
  dueMs: number | null;
}

/** The round at a moment. Nothing is due where there is one page only. */
export function advance(round: Round, nowMs: number, seconds: number, pages: number): Round {
  const page = Math.min(round.page, pages - 1);
  const { dueMs } = round;
  if (dueMs === null || nowMs < dueMs) return { page, dueMs };
  return { page: (page + 1) % pages, dueMs: nowMs + seconds * 1000 };
}

/** Whether the next page is to be made ready. */
export function isNear(round: Round, nowMs: number, pages: number): boolean {
  return pages > 1 && round.dueMs !== null && round.dueMs - nowMs <= AHEAD_MS;
}

export type Command =
  | { kind: 'move'; right: number; down: number }
  | { kind: 'enlarge' | 'next' | 'round' | 'form' | 'help' | 'back' | 'full' };

/** Keys as the help shows them, with what each does. */
export const KEYS = [
  ['← ↑ ↓ →', 'move'],
  ['Enter', 'enlarge'],
  ['Esc', 'back'],
  ['N', 'next'],
  ['Space', 'round'],
  ['F', 'form'],
  ['?', 'help'],
] as const;

export interface Key {
  key: string;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}

const MOVES: Record<string, Command> = {
  ArrowLeft: { kind: 'move', right: -1, down: 0 },
  ArrowRight: { kind: 'move', right: 1, down: 0 },
  ArrowUp: { kind: 'move', right: 0, down: -1 },
  ArrowDown: { kind: 'move', right: 0, down: 1 },
};
const PLAIN: Record<string, Command> = {
  Enter: { kind: 'enlarge' },
  Escape: { kind: 'back' },
  ' ': { kind: 'round' },
  n: { kind: 'next' },
  f: { kind: 'form' },
  '?': { kind: 'help' },
  '？': { kind: 'help' },
};

/** The command of a key on the wall; null when it is none of the wall's. */
export function command(event: Key): Command | null {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return MOVES[key] ?? PLAIN[key] ?? null;
}

/** The tile that an arrow leads to; the edge holds. */
export function moved(selected: number, size: number, right: number, down: number): number {
  const within = (at: number) => Math.min(size - 1, Math.max(0, at));
  const column = within((selected % size) + right);
  const row = within(Math.floor(selected / size) + down);
  return row * size + column;
}
