// Time marks in the reader's words, and what a mark needs before it can be saved (K4).
import type { MarkCheck } from './api/marks';
import type { MessageKey } from './i18n';
import { isoDate } from './time';

/** K4: longer is no moment. */
export const MARK_MS_MAX = 30 * 60_000;
const NOTE_MAX = 500;

/** A mark that is being set; milliseconds since the epoch. */
export interface Draft {
  from: number | null;
  to: number | null;
  note: string;
}

export const emptyDraft = (): Draft => ({ from: null, to: null, note: '' });

/** From here on; an end before it is an end no more. */
export function beginAt(draft: Draft, moment: number): Draft {
  const from = wholeSecond(moment);
  return { ...draft, from, to: draft.to !== null && draft.to > from ? draft.to : null };
}

export function endAt(draft: Draft, moment: number): Draft {
  const to = Math.ceil(moment / 1000) * 1000;
  return { ...draft, to, from: draft.from !== null && draft.from < to ? draft.from : null };
}

/** What it lacks; null when it can be saved. `play` is the recording's span. */
export function lacks(draft: Draft, play: { start: number; end: number }): MessageKey | null {
  if (draft.from === null) return 'mark.need.from';
  if (draft.to === null) return 'mark.need.to';
  if (draft.to <= draft.from) return 'mark.need.order';
  if (draft.to - draft.from > MARK_MS_MAX) return 'mark.need.shorter';
  if (draft.from < wholeSecond(play.start) || draft.to > play.end + 1000)
    return 'mark.need.within';
  if (draft.note.trim() === '') return 'mark.need.note';
  return draft.note.trim().length > NOTE_MAX ? 'mark.need.note' : null;
}

/** What is sent: within the recording to the millisecond. */
export function formOf(draft: Draft, play: { start: number; end: number }) {
  const from = Math.max(play.start, draft.from ?? 0);
  return { from, to: Math.min(play.end, draft.to ?? 0), note: draft.note.trim() };
}

/** 10:05:09 or 10：05 typed, on the day of `ms`; null when it is no time. */
export function secondOn(ms: number, typed: string): number | null {
  const match = /^([01]?\d|2[0-3])[:：]([0-5]\d)(?:[:：]([0-5]\d))?$/.exec(typed.trim());
  if (!match) return null;
  const [, hour = '', minute = '', second = '00'] = match;
  return Date.parse(`${isoDate(ms)}T${hour.padStart(2, '0')}:${minute}:${second}+08:00`);
}

/** How a check is to be read: good, to be careful about, or bad. */
export function toneOf(check: MarkCheck): 'good' | 'busy' | 'bad' {
  if (check.verdict !== 'genuine' || check.footage === 'changed') return 'bad';
  return check.withdrawn || check.footage !== 'unchanged' ? 'busy' : 'good';
}

function wholeSecond(moment: number): number {
  return Math.floor(moment / 1000) * 1000;
}
