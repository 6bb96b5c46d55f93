// Alerts as the inbox shows them: their order, what is looked for, what a key means, and for how
// long one is taken or silenced.
import type { Alert } from './api/alerts';
import { isoDate } from './time';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SEVERITIES = ['critical', 'major', 'minor', 'warning'];

export type Command =
  | { kind: 'move'; by: 1 | -1 }
  | { kind: 'first' | 'last' | 'open' | 'take' | 'silence' | 'order' | 'filter' | 'help' | 'close' };

export interface Key {
  key: string;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}

/** Keys as the help shows them, with what each does. */
export const KEYS = [
  ['J / ↓', 'next'],
  ['K / ↑', 'before'],
  ['Enter', 'open'],
  ['A', 'take'],
  ['S', 'silence'],
  ['W', 'order'],
  ['/', 'filter'],
  ['Esc', 'close'],
  ['?', 'help'],
] as const;

/** Chinese input methods give the full-width sign of the same key. */
const PLAIN: Record<string, string> = { '？': '?', '、': '/', '／': '/' };

/** The command of a key on the inbox; null when it is none of the inbox's. */
export function command(event: Key): Command | null {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  const key = PLAIN[event.key] ?? (event.key.length === 1 ? event.key.toLowerCase() : event.key);
  switch (key) {
    case 'j':
    case 'ArrowDown':
      return { kind: 'move', by: 1 };
    case 'k':
    case 'ArrowUp':
      return { kind: 'move', by: -1 };
    case 'Home':
      return { kind: 'first' };
    case 'End':
      return { kind: 'last' };
    case 'Enter':
      return { kind: 'open' };
    case 'a':
      return { kind: 'take' };
    case 's':
      return { kind: 'silence' };
    case 'w':
      return { kind: 'order' };
    case '/':
      return { kind: 'filter' };
    case '?':
      return { kind: 'help' };
    case 'Escape':
      return { kind: 'close' };
    default:
      return null;
  }
}

/** Not over first, of these the urgent and the worst, then the newest. */
export function inOrder(alerts: readonly Alert[]): Alert[] {
  const rank = (alert: Alert) =>
    (alert.over_at ? 100 : 0) + (alert.urgent ? 0 : 10) + severityRank(alert.severity);
  const open = (alert: Alert) => (alert.over_at ? 100 : rank(alert));
  return [...alerts].sort((a, b) => open(a) - open(b) || b.opened_at - a.opened_at);
}

export function severityRank(severity: string): number {
  const at = SEVERITIES.indexOf(severity);
  return at < 0 ? SEVERITIES.length : at;
}

/** Those in which every word that was typed stands somewhere. */
export function find(alerts: readonly Alert[], typed: string): Alert[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return alerts.filter((alert) => words.every((word) => text(alert).includes(word)));
}

function text(alert: Alert): string {
  const people = [alert.acknowledged_by, alert.assigned_to];
  const named = [alert.number, alert.code, alert.title_zh, alert.title_en, alert.building];
  const rooms = alert.parts.flatMap((part) => [part.room, part.device]);
  return [...named, ...rooms, ...people].join(' ').toLowerCase();
}

/** The rooms it is about: those where something is still wrong, or all once it is over. */
export function rooms(alert: Alert): string[] {
  const wrong = alert.parts.filter((part) => alert.over_at || !part.until);
  return [...new Set(wrong.map((part) => part.room).filter(Boolean))];
}

/** Who has it, while that counts. */
export function takenBy(alert: Alert, now: number): string | null {
  const counts = !alert.over_at && (alert.acknowledged_until ?? 0) > now;
  return counts ? (alert.acknowledged_by ?? null) : null;
}

/** The one beside `id` in the list; the first when there is none such. */
export function beside(alerts: readonly Alert[], id: string | null, by: 1 | -1): string | null {
  const at = alerts.findIndex((alert) => alert.id === id);
  const next = at < 0 ? 0 : Math.min(alerts.length - 1, Math.max(0, at + by));
  return alerts[next]?.id ?? null;
}

/** For how many minutes somebody may take an alert: up to a day. */
export const TAKEN_MINUTES = [15, 30, 60, 120, 240, 480, 1440];

/** The faults that are told as the same alert as this one, itself among them. */
export function toldTogether<Told extends { code: string; told_as: string }>(
  faults: readonly Told[],
  code: string | null | undefined,
): Told[] {
  const named = faults.find((one) => one.code === code);
  return named ? faults.filter((one) => one.told_as === named.told_as) : [];
}

export type Span = 'hour' | 'half_day' | 'morning' | 'week' | 'month';
export const SPANS: Span[] = ['hour', 'half_day', 'morning', 'week', 'month'];

/** When a silence of that length ends; `morning` is eight in the morning at the school. */
export function endOf(span: Span, now: number): number {
  switch (span) {
    case 'hour':
      return now + HOUR_MS;
    case 'half_day':
      return now + 12 * HOUR_MS;
    case 'morning': {
      const eight = Date.parse(`${isoDate(now)}T08:00:00+08:00`);
      return eight > now ? eight : eight + DAY_MS;
    }
    case 'week':
      return now + 7 * DAY_MS;
    case 'month':
      // A minute less than the most there may be: typing takes time too.
      return now + 30 * DAY_MS - 60_000;
  }
}
