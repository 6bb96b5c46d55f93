// How complete recordings are, in words and shares.
import type { Amount, CaptureSpan } from './api/completeness';
import { t } from './i18n';

/** Every state of a second, from what is well to what nobody knows. */
export const STATES = [
  'stored',
  'waiting',
  'destroyed',
  'power',
  'camera',
  'network',
  'disk',
  'evicted',
  'policy',
  'unexplained',
  'not_yet',
] as const;

const KEPT = ['stored', 'waiting', 'destroyed'];

/** `98.76 %`, `98.00 %`; `100 %` only when every second is there. Rounded down, as the hub does. */
export function percent(hundredths: number | null | undefined): string {
  if (hundredths === null || hundredths === undefined) return '—';
  const whole = Math.floor(hundredths / 100);
  const rest = String(hundredths % 100).padStart(2, '0');
  return whole === 100 ? '100 %' : `${whole}.${rest} %`;
}

/** `3 小时 20 分`, `45 秒`. */
export function duration(seconds: number): string {
  if (seconds < 60) return t('completeness.seconds', { s: seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return t('completeness.minutes', { m: minutes });
  const rest = minutes % 60;
  const hours = { h: Math.floor(minutes / 60), m: rest };
  return t(rest === 0 ? 'completeness.hours' : 'completeness.hoursMinutes', hours);
}

export interface Share {
  state: string;
  seconds: number;
  /** Of all that was due, in percent. */
  width: number;
}

/** What an amount is made of, in the order of `STATES`; only what there is. */
export function shares(amount: Amount): Share[] {
  const seconds: Record<string, number> = {
    stored: amount.stored_seconds,
    waiting: amount.waiting_seconds,
    destroyed: amount.destroyed_seconds,
    unexplained: amount.unexplained_seconds,
    ...amount.missing_seconds,
  };
  const due = Math.max(1, amount.due_seconds);
  const share = (state: string) => ({
    state,
    seconds: seconds[state] ?? 0,
    width: (100 * (seconds[state] ?? 0)) / due,
  });
  return STATES.map(share).filter((one) => one.seconds > 0);
}

/** What is not there, the most first. */
export function lacking(amount: Amount): Share[] {
  const missing = shares(amount).filter((one) => !KEPT.includes(one.state));
  return missing.sort((a, b) => b.seconds - a.seconds);
}

export interface Block {
  left: number;
  width: number;
  span: CaptureSpan;
}

/** Where spans lie on a strip from `start` to `end`, in percent; what reaches beyond is cut. */
export function blocks(spans: CaptureSpan[], start: number, end: number): Block[] {
  const whole = Math.max(1, end - start);
  return spans
    .map((span) => {
      const from = Math.max(span.start, start);
      const to = Math.min(span.end, end);
      return { span, left: (100 * (from - start)) / whole, width: (100 * (to - from)) / whole };
    })
    .filter((block) => block.width > 0);
}

/** From the first to the last hour in which something was to be recorded; the day without one. */
export function busyHours(spans: CaptureSpan[], start: number, end: number): [number, number] {
  const HOUR = 3_600_000;
  if (spans.length === 0) return [start, end];
  const first = Math.min(...spans.map((span) => span.start));
  const last = Math.max(...spans.map((span) => span.end));
  const from = start + Math.floor((first - start) / HOUR) * HOUR;
  const to = start + Math.ceil((last - start) / HOUR) * HOUR;
  return [Math.max(start, from), Math.min(end, to)];
}
