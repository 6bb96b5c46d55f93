// Which segment of a recording is wanted next, and what lies between them. No media, no network.
import type { Gap, PlaySegment } from '../api/model';

/** Never more than this is fetched ahead of the picture. */
export const AHEAD_SECONDS_MAX = 30;
/** Played segments further back than this leave the browser's memory. */
export const BEHIND_SECONDS_MAX = 60;

/** Sound and picture of a segment end at slightly different moments: a browser that stops this
 * close to the end of a segment has played it. */
export const TAIL_SECONDS = 0.3;

export interface Span {
  segment: PlaySegment;
  /** Seconds from the start of the recording. */
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

/** The first segment at or after `at` seconds, within the limit, that is not yet there. */
export function nextWanted(
  spans: readonly Span[],
  at: number,
  have: ReadonlySet<string>,
): Span | null {
  const inReach = (span: Span) => span.to > at && span.from < at + AHEAD_SECONDS_MAX;
  const near = spans.find((span) => inReach(span) && !have.has(span.segment.id));
  if (near) return near;
  // Inside a long gap nothing is in reach: the segment behind it is wanted next.
  const isInReach = spans.some(inReach);
  const behindGap = isInReach ? undefined : spans.find((span) => span.from >= at);
  return behindGap && !have.has(behindGap.segment.id) ? behindGap : null;
}

/** Where playing goes on when there is nothing at `at`: the start of the next segment. */
export function resumeAfter(spans: readonly Span[], at: number): number | null {
  if (spans.some((span) => span.from <= at && at < span.to - TAIL_SECONDS)) return null;
  return spans.find((span) => span.from > at)?.from ?? null;
}

/** The gap that holds the moment `at`, if any. */
export function gapAt(gaps: readonly Gap[], playStart: number, at: number): Gap | null {
  const moment = playStart + at * 1000;
  return gaps.find((gap) => gap.start <= moment + 500 && moment < gap.end - 100) ?? null;
}
