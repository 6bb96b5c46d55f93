// A gap in words: from when to when, and why.
import type { Gap } from '../api/model';
import { t, tWord } from '../i18n';
import { clockTime } from '../time';

export function gapText(gap: Gap): string {
  const span = t('playback.gap', { from: clockTime(gap.start), to: clockTime(gap.end) });
  return `${span} ${tWord('gapReason', gap.reason)}`;
}
