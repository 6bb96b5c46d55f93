// What a timetable would change, in words of one line.
import type { LessonShape, SeriesLine } from './api/timetable';

/** `1-2` or `3`. */
export function periods(from: number, to: number): string {
  return from === to ? String(from) : `${from}-${to}`;
}

/** Each part that differs, before and after; for what is new or no more, the part itself. */
export function change(line: SeriesLine, part: (shape: LessonShape) => string): string {
  const before = line.before ? part(line.before) : '';
  const after = line.after ? part(line.after) : '';
  if (!line.before || !line.after || before === after) return after || before;
  return `${before || '–'} → ${after || '–'}`;
}

/** One day, or from the first to the last. */
export function span(first: string, last: string): string {
  return first === last ? first : `${first} – ${last}`;
}
