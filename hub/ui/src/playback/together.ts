// How several sources of a lesson play as one: who is the clock, and what the others do about it.
// No media, no network; times are seconds from the start of the recording.
import { covers, resumeAfter, type Stretch } from './segment-plan';

/** Further apart than this, a follower jumps to the clock; nearer, it plays a little faster or
 * slower. Lips and board are one to the eye below a tenth of a second. */
export const APART_SECONDS_MAX = 0.3;
/** A difference that is left alone: about one frame. */
const NEAR_SECONDS = 0.04;
/** The most by which a follower's speed differs from the lesson's: not to be heard or seen. */
const NUDGE_MAX = 0.08;
/** A difference is made up within this. */
const NUDGE_SECONDS = 1.5;
/** No source holds the others up for longer; they go on without it. */
export const STALL_SECONDS_MAX = 4;

export interface Source {
  name: string;
  /** What of it is there. */
  there: readonly Stretch[];
  /** Whether any of it has sound. */
  sounds: boolean;
}

/** The sources of a lesson: the one with sound first, so that it is the clock and the large one. */
export function inOrder<S extends Source>(sources: readonly S[]): S[] {
  return [...sources].sort(
    (a, b) => Number(b.sounds) - Number(a.sounds) || a.name.localeCompare(b.name),
  );
}

/** MP4 tells sound by its codec. */
export function hasSound(codecs: string): boolean {
  return /mp4a|opus|flac|ac-3|ec-3/i.test(codecs);
}

/** The source that tells the time at `at`: the first that has something there. */
export function clockAt<S extends Source>(
  ordered: readonly S[],
  at: number,
  tail?: number,
): S | null {
  return ordered.find((one) => covers(one.there, at, tail)) ?? null;
}

/** Where playing goes on when no source has anything at `at`; null when it is the end. */
export function resumeTogether(
  sources: readonly Source[],
  at: number,
  tail?: number,
): number | null {
  if (clockAt(sources, at, tail)) return null;
  const next = sources
    .map((one) => resumeAfter(one.there, at, tail))
    .filter((one) => one !== null);
  return next.length > 0 ? Math.min(...next) : null;
}

export interface Step {
  /** Where to jump, or null to go on. */
  seek: number | null;
  rate: number;
}

/** What a follower at `at` does when the clock says `clock` and the lesson plays at `speed`. */
export function follow(clock: number, at: number, speed: number): Step {
  const behind = clock - at;
  const isApart = Math.abs(behind) > APART_SECONDS_MAX * Math.max(1, speed);
  if (isApart) return { seek: clock, rate: speed };
  if (Math.abs(behind) < NEAR_SECONDS) return { seek: null, rate: speed };
  const nudge = Math.min(NUDGE_MAX, Math.max(-NUDGE_MAX, behind / NUDGE_SECONDS));
  return { seek: null, rate: speed * (1 + nudge) };
}

/** Whether all wait: somebody who has something here is not ready, and not for too long. */
export function waits(
  sources: readonly { covers: boolean; ready: boolean; lateSeconds: number }[],
): boolean {
  const late = sources.filter((one) => one.covers && !one.ready);
  return late.some((one) => one.lateSeconds < STALL_SECONDS_MAX);
}
