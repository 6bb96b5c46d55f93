// The day of a room as a strip: its periods in order, and what is taught in them (X36).
import type { DayLesson, RoomLessons } from './api/model';

export type When = 'past' | 'now' | 'later';

export interface Cell {
  /** First and last period. */
  from: number;
  to: number;
  /** Milliseconds since the epoch. */
  start: number;
  end: number;
  /** Null: free, or nothing that this person may know of. */
  taught: DayLesson | null;
}

/** Cells side by side that cover every period once; a lesson over several is one. */
export function cellsOf({ periods, lessons }: RoomLessons): Cell[] {
  const cells: Cell[] = [];
  for (const { number, start, end } of periods) {
    const before = cells.at(-1);
    const taught =
      lessons.find((one) => one.period_from <= number && number <= one.period_to) ?? null;
    if (before && taught && before.taught === taught) Object.assign(before, { to: number, end });
    else cells.push({ from: number, to: number, start, end, taught });
  }
  return cells;
}

/** A lesson's own times count: it may begin a little before its period, or end after it. */
export function whenIs(cell: Cell, nowMs: number): When {
  const { start, end } = cell.taught?.lesson ?? cell;
  if (nowMs < start) return 'later';
  return nowMs < end ? 'now' : 'past';
}

/** `3` or `1-2`. */
export function periodOf({ from, to }: Cell): string {
  return from === to ? String(from) : `${from}-${to}`;
}
