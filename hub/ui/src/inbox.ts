// The inbox of whoever is signed in: what they were told and have not read, for menu and page.
import { computed, ref } from 'vue';
import { getInbox, readWord } from './api/alerts';
import type { InboxWord } from './api/alerts';

const words = ref<InboxWord[]>([]);

/** Alerts with a word that was not read yet. */
export const unread = computed(
  () => new Set(words.value.filter((word) => !word.read_at).map((word) => word.alert.id)),
);

/** Asks again; a hub out of reach leaves the count as it is. */
export async function loadInbox(): Promise<void> {
  try {
    words.value = await getInbox();
  } catch {
    // The page of the inbox says what is wrong.
  }
}

/** Notes that the last word about an alert was read. */
export async function markRead(alert: string): Promise<void> {
  if (!unread.value.has(alert)) return;
  try {
    await readWord(alert);
  } catch {
    return; // It stays unread, and is asked for again with the next word.
  }
  await loadInbox();
}

export function forgetInbox(): void {
  words.value = [];
}
