// The strip under a recording: what was recorded, and every gap with its reason, as percentages.
import type { Gap } from '../api/model';
import type { Span } from './segment-plan';

export interface Block {
  left: number;
  width: number;
}

/** Joints shorter than this are not drawn: they are rounding between two segments. */
const JOINT_SECONDS = 1;

export function recordedBlocks(spans: readonly Span[], seconds: number): Block[] {
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of spans) {
    const last = merged.at(-1);
    if (last && from - last.to < JOINT_SECONDS) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged.map(({ from, to }) => block(from, to, seconds));
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

function block(from: number, to: number, seconds: number): Block {
  const clamp = (value: number) => Math.min(100, Math.max(0, value));
  const left = clamp((from / seconds) * 100);
  return { left, width: clamp((to / seconds) * 100) - left };
}
