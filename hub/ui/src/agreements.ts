// Agreements in the reader's words: where one stands, and what that looks like.

/** `current` is the version in force; what ended without a newer one ended with the duty. */
export function agreementState(
  one: { ended_at?: number | null; replaced: boolean; version: string },
  current: string,
): string {
  if (one.replaced) return 'replaced';
  if (one.ended_at) return 'ended';
  return one.version === current ? 'signed' : 'superseded';
}

export function agreementClass(state: string): string {
  if (state === 'signed') return 'good';
  if (state === 'superseded') return 'busy';
  return state === 'unsigned' || state === 'lapsed' ? 'bad' : '';
}
