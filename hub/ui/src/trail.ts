// Lines of the audit trail in the reader's words: the hub writes codes and times, never sentences.
import { t, tWord } from './i18n';

/** `other: 校长来访` keeps the words that the person gave. */
export function purposeText(purpose: string): string {
  const [kind = '', ...words] = purpose.split(': ');
  if (!kind) return '';
  return [tWord('purpose', kind), ...words].join(t('trail.colon'));
}

/** Rooms and recordings carry their id behind the name: the name is what people look for. */
export function objectText(object: string): string {
  const [first = '', id = ''] = object.split(' ');
  if (first === 'view' && id) return t('trail.view', { id: id.slice(-6) });
  return id.length === 36 ? first : object;
}

/** What a filter asks for to find everything about the same room or thing. */
export function objectBegin(object: string): string {
  const [first = '', id = ''] = object.split(' ');
  return id.length === 36 && first !== 'view' ? `${first} ` : object;
}

/** What of the trail is asked for; days such as 2026-03-02. */
export interface Asked {
  person: string;
  object: string;
  action: string;
  outcome: string;
  from: string;
  until: string;
}
export const NOTHING_ASKED: Readonly<Asked> = {
  person: '',
  object: '',
  action: '',
  outcome: '',
  from: '',
  until: '',
};

/** The code in front, then times and amounts: `closed, 10:23:02–10:25:07, 12 s of picture, 9 s shown`. */
export function detailText(detail: string): string {
  const [whole, code = '', separator = '', rest = ''] = /^(\w+)([,;]?)\s*(.*)$/.exec(detail) ?? [];
  if (whole === undefined) return detail;
  if (code === 'view' && !separator) return objectText(detail);
  const word = tWord('trail', code);
  if (word === code && separator === '') return detail;
  const joint = separator ? t('trail.comma') : ' ';
  return [word, restText(rest)].filter(Boolean).join(joint);
}

function restText(rest: string): string {
  return rest
    .replace(/(\d+) s of picture/, (_, seconds: string) => t('trail.seconds', { seconds }))
    .replace(/(\d+) s shown/, (_, seconds: string) => t('trail.shown', { seconds }))
    .replace(/\brequest ([0-9a-f-]{36})/, (_, id: string) => t('trail.request', { id: id.slice(-12) }))
    .replace(/(\d+) days/, (_, days: string) => t('trail.days', { days }))
    .replace(/(\d+) untold/, (_, count: string) => t('trail.untold', { count }))
    .replace('nothing watched', t('trail.nothing'))
    .replace(/^watched /, `${t('trail.watched')} `)
    .replace('(last known to be watched)', t('trail.lastKnown'))
    .replace(' （', '（')
    .replace(/\b[a-z]+_?[a-z]+\b/g, (word) => tWord('role', word))
    .replaceAll(', ', t('trail.comma'));
}
