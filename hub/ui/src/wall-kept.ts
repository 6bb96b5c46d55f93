// How somebody likes the wall, kept in this browser: no room and nobody's name is in it.
import { GROUPINGS, SECONDS, SIZES, type Grouping } from './wall';

const STORED = 'xunke.wall';

export interface Kept {
  size: number;
  seconds: number;
  grouping: Grouping;
}

const USUAL: Kept = { size: 3, seconds: 15, grouping: 'building' };

/** What is stored and can be read; a stranger's text is as good as none. */
export function keptWall(): Kept {
  try {
    const kept = JSON.parse(localStorage.getItem(STORED) ?? '{}') as Partial<Kept>;
    return {
      size: oneOf(SIZES, kept.size) ?? USUAL.size,
      seconds: oneOf(SECONDS, kept.seconds) ?? USUAL.seconds,
      grouping: oneOf(GROUPINGS, kept.grouping) ?? USUAL.grouping,
    };
  } catch {
    return USUAL;
  }
}

export function keepWall(kept: Kept): void {
  localStorage.setItem(STORED, JSON.stringify(kept));
}

function oneOf<T>(all: readonly T[], wanted: unknown): T | undefined {
  return all.find((one) => one === wanted);
}
