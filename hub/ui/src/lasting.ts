// How long something has lasted, in the unit a person would use.
import { t } from './i18n';
import { minutesSince } from './time';

/** "5 分钟", "3 小时", "2 天": rounded down. */
export function lasting(sinceMs: number, nowMs: number): string {
  const minutes = minutesSince(sinceMs, nowMs);
  if (minutes < 60) return t('time.minutes', { count: minutes });
  if (minutes < 48 * 60) return t('time.hours', { count: Math.floor(minutes / 60) });
  return t('time.days', { count: Math.floor(minutes / 60 / 24) });
}
