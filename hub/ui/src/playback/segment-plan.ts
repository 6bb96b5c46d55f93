// Which part of a recording is wanted next, and what lies between. No media, no network.
// Times are seconds from the start of the recording.
import type { Gap, PlaySegment } from '../api/model';

/** Never more than this is fetched ahead of the picture. */
export const AHEAD_SECONDS_MAX = 30;
/** What lies further back than this leaves the browser's memory. */
export const BEHIND_SECONDS_MAX = 60;
/** What lies further ahead, from an earlier place, leaves it too: a segment may be long. */
export const FAR_SECONDS_MAX = 100;

/** Sound and picture of a segment end at slightly different moments: a browser that stops this
 * close to the end of a segment has played it. */
export const TAIL_SECONDS = 0.3;

/** A seek this little beyond what has arrived waits for it; one beyond asks anew. */
const SOON_SECONDS = 3;
/** Less than this cut off at the beginning of a segment is not worth cutting. */
const CUT_SECONDS_MIN = 1;

export interface Span {
  segment: PlaySegment;
  from: number;
  to: number;
}

/** A segment, and from when on it is wanted: its begin, or later after a seek into it. */
export interface Wanted {
  span: Span;
  from: number;
}

/** Seconds of media from one moment to another, as a browser says what it holds. */
export interface Stretch {
  from: number;
  to: number;
}

/** The segments of one source in order, as spans on the recording's own clock. */
export function spansOf(
  segments: readonly PlaySegment[],
  source: string,
  playStart: number,
): Span[] {
  return segments
    .filter((segment) => segment.source === source)
    .map((segment) => {
      const from = (segment.start - playStart) / 1000;
      return { segment, from, to: from + segment.duration_ms / 1000 };
    })
    .sort((a, b) => a.from - b.from);
}

/**
 * The first segment at or after `at`, within the limit, of which the part that is needed is not
 * there. `have` says from when on a segment is held.
 */
export function nextWanted(
  spans: readonly Span[],
  at: number,
  have: ReadonlyMap<string, number>,
): Wanted | null {
  const inReach = spans.filter((span) => span.to > at && span.from < at + AHEAD_SECONDS_MAX);
  for (const span of inReach) {
    const from = Math.max(span.from, at);
    if ((have.get(span.segment.id) ?? Infinity) > from) return { span, from: cut(span, from) };
  }
  // Inside a long gap nothing is in reach: the segment behind it is wanted next.
  if (inReach.length > 0) return null;
  const behind = spans.find((span) => span.from >= at);
  if (!behind || have.has(behind.segment.id)) return null;
  return { span: behind, from: behind.from };
}

function cut(span: Span, from: number): number {
  return from - span.from < CUT_SECONDS_MIN ? span.from : from;
}

/** Whether a fetch that has arrived up to `arrived` still serves when `wanted` is what is wanted:
 * a seek may ask for something else, or for a part of the same that it will not reach soon. */
export function stillServes(fetching: Wanted, arrived: number, wanted: Wanted | null): boolean {
  if (!wanted) return true;
  if (wanted.span !== fetching.span || wanted.from < fetching.from) return false;
  return wanted.from < Math.max(arrived, fetching.from) + SOON_SECONDS;
}

/** What to give up so that memory is for what is near `at`. */
export function farStretches(held: readonly Stretch[], at: number): Stretch[] {
  const [near, far] = [at - BEHIND_SECONDS_MAX, at + FAR_SECONDS_MAX];
  return held.flatMap(({ from, to }) => {
    const behind = { from, to: Math.min(to, near) };
    const ahead = { from: Math.max(from, far), to };
    return [behind, ahead].filter((one) => one.to - one.from > 1);
  });
}

/** The stretch that holds `at`, up to its very end. */
export function holding(held: readonly Stretch[], at: number): Stretch | null {
  return held.find((one) => one.from <= at && at < one.to - TAIL_SECONDS) ?? null;
}

/** Joints shorter than this are rounding between two segments, not gaps. */
const JOINT_SECONDS = 1;

/** What of a source is there, segments that join being one stretch. */
export function stretchesOf(spans: readonly Stretch[]): Stretch[] {
  const joined: Stretch[] = [];
  for (const { from, to } of [...spans].sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last && from - last.to < JOINT_SECONDS) last.to = Math.max(last.to, to);
    else joined.push({ from, to });
  }
  return joined;
}

/** Whether there is something at `at`, and not only the last `tail` seconds of it. */
export function covers(there: readonly Stretch[], at: number, tail = TAIL_SECONDS): boolean {
  return there.some((one) => one.from <= at && at < one.to - tail);
}

/** Where playing goes on when there is nothing at `at`: where the next stretch begins. */
export function resumeAfter(there: readonly Stretch[], at: number, tail?: number): number | null {
  if (covers(there, at, tail)) return null;
  return there.find((one) => one.from > at)?.from ?? null;
}

/** The gap that holds the moment `at`, if any. */
export function gapAt(gaps: readonly Gap[], playStart: number, at: number): Gap | null {
  const moment = playStart + at * 1000;
  return gaps.find((gap) => gap.start <= moment + 500 && moment < gap.end - 100) ?? null;
}
