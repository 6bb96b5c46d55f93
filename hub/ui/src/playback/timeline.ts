// The strip under a recording: what was recorded, every gap with its reason, the lesson's periods
// and the marks, as percentages; and the places to which one can leap on it.
import type { Gap, PlayPeriod } from '../api/model';
import { stretchesOf, type Stretch } from './segment-plan';

export interface Block {
  left: number;
  width: number;
}

/** A gap is approached from here, so that one sees how it begins. */
export const BEFORE_GAP_SECONDS = 5;
/** What lies less than this away is where one is. */
const HERE_SECONDS = 1;

export function recordedBlocks(spans: readonly Stretch[], seconds: number): Block[] {
  return stretchesOf(spans).map(({ from, to }) => block(from, to, seconds));
}

export function gapBlocks(
  gaps: readonly Gap[],
  playStart: number,
  seconds: number,
): (Block & { gap: Gap })[] {
  return gaps.map((gap) => ({
    gap,
    ...block((gap.start - playStart) / 1000, (gap.end - playStart) / 1000, seconds),
  }));
}

/** Periods that reach into the recording. */
export function periodBlocks(
  periods: readonly PlayPeriod[],
  playStart: number,
  seconds: number,
): (Block & { period: PlayPeriod })[] {
  return periods
    .map((period) => ({
      period,
      ...block((period.start - playStart) / 1000, (period.end - playStart) / 1000, seconds),
    }))
    .filter((one) => one.width > 0);
}

/** Something from one moment to another, milliseconds since the epoch. */
interface Lasting {
  from: number;
  to: number;
}

/** What the strip shows of a mark. */
export interface StripMark extends Lasting {
  number: string;
  note: string;
  withdrawn?: object | null;
}

export function markBlocks<M extends Lasting>(
  marks: readonly M[],
  playStart: number,
  seconds: number,
): (Block & { mark: M })[] {
  return marks.map((mark) => ({
    mark,
    ...block((mark.from - playStart) / 1000, (mark.to - playStart) / 1000, seconds),
  }));
}

/** The second to which one leaps for a gap, and for a mark: in order, each once. */
export function stopsOf(
  gaps: readonly Gap[],
  marks: readonly Lasting[],
  playStart: number,
): number[] {
  const ofGaps = gaps.map((gap) => beforeGap(gap, playStart));
  const ofMarks = marks.map((mark) => Math.max(0, (mark.from - playStart) / 1000));
  return [...new Set([...ofGaps, ...ofMarks])].sort((a, b) => a - b);
}

/** Shortly before a gap, in seconds. */
export function beforeGap(gap: Gap, playStart: number): number {
  return Math.max(0, (gap.start - playStart) / 1000 - BEFORE_GAP_SECONDS);
}

/** The next stop in a direction; null when there is none. */
export function nextStop(stops: readonly number[], at: number, direction: 1 | -1): number | null {
  if (direction > 0) return stops.find((one) => one > at + HERE_SECONDS) ?? null;
  return stops.filter((one) => one < at - HERE_SECONDS).at(-1) ?? null;
}

/** The second of a moment that a link names; null when it names none within the recording. */
export function secondOf(moment: unknown, playStart: number, seconds: number): number | null {
  if (typeof moment !== 'string' || !/^\d+$/.test(moment)) return null;
  const at = (Number(moment) - playStart) / 1000;
  return at >= 0 && at < seconds ? at : null;
}

function block(from: number, to: number, seconds: number): Block {
  const clamp = (value: number) => Math.min(100, Math.max(0, value));
  const left = clamp((from / seconds) * 100);
  return { left, width: clamp((to / seconds) * 100) - left };
}
