// How long a recording is kept, in words.
import type { Recording } from './api/model';
import { t } from './i18n';
import { isoDate } from './time';

/** 保存至…: the last day; or the decision that keeps it. */
export function kept(one: Pick<Recording, 'class' | 'kept_until'>): string {
  if (one.kept_until) return t('kept.until', { date: isoDate(one.kept_until - 1) });
  return t(one.class === 'premium' ? 'kept.premium' : 'kept.held');
}
