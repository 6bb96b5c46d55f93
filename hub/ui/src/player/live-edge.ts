// Where a media element that plays live has to be: a little behind the newest that it holds. Pure.

/** This far behind the newest frame it plays without waiting for each one. */
const BEHIND_S = 0.15;
/** Further behind than this it plays faster, */
const HURRY_S = 0.3;
const HURRY_RATE = 1.1;
/** and further than this it leaps, as it does onto the newest picture when it joins. */
const LEAP_S = 0.8;

export interface Move {
  /** Where to go at once, seconds; null: go on. */
  to: number | null;
  rate: number;
}

/** What to do at `currentS` when `startS` to `endS` is held. */
export function move(currentS: number, startS: number, endS: number): Move {
  const behindS = endS - currentS;
  if (currentS < startS || behindS > LEAP_S)
    return { to: Math.max(startS, endS - BEHIND_S), rate: 1 };
  return { to: null, rate: behindS > HURRY_S ? HURRY_RATE : 1 };
}
