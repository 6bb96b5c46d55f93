// Times as the college reads them: always Asia/Shanghai, whatever the computer is set to.

const ZONE = 'Asia/Shanghai';

function parts(ms: number): Record<string, string> {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: ZONE,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  return Object.fromEntries(format.formatToParts(ms).map((p) => [p.type, p.value]));
}

/** 2026-03-02 */
export function isoDate(ms: number): string {
  const p = parts(ms);
  return `${p.year}-${p.month}-${p.day}`;
}

/** 08:05 */
export function hourMinute(ms: number): string {
  const p = parts(ms);
  return `${p.hour}:${p.minute}`;
}

/** 08:05:09 */
export function clockTime(ms: number): string {
  return `${hourMinute(ms)}:${parts(ms).second}`;
}

/** 2026-03-02 08:05:09 */
export function dateTime(ms: number): string {
  return `${isoDate(ms)} ${clockTime(ms)}`;
}

/** The moment of a typed 8:05 or 08：05 on the day of `ms`; null when it is no time of day. */
export function onDay(ms: number, typed: string): number | null {
  const match = /^([01]?\d|2[0-3])[:：]([0-5]\d)$/.exec(typed.trim());
  if (!match) return null;
  return Date.parse(`${isoDate(ms)}T${match[1]?.padStart(2, '0')}:${match[2]}:00+08:00`);
}

/** 1:02:03 or 02:03, for a position in a recording. */
export function position(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const rest = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

/** Whole minutes from `since` to `now`, at least 0. */
export function minutesSince(since: number, now: number): number {
  return Math.max(0, Math.floor((now - since) / 60_000));
}
