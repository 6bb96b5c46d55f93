// How a lock for an examination stands at a moment, and which rooms a filter leaves.
import type { ExamLock } from './api/exams';
import type { MinorsRoom } from './api/reviews';

export type ExamState = 'coming' | 'lasts' | 'over' | 'lifted';

export function examState(lock: ExamLock, now: number): ExamState {
  if (lock.lifted_at) return 'lifted';
  if (now < lock.from) return 'coming';
  return now < lock.until ? 'lasts' : 'over';
}

/** Every word of the filter stands in the room's name or its unit. */
export function fitting(rooms: MinorsRoom[], filter: string): MinorsRoom[] {
  const words = filter.trim().split(/\s+/).filter(Boolean);
  return rooms.filter((room) =>
    words.every((word) => room.name.includes(word) || room.unit.includes(word)),
  );
}
