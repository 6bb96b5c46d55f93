// A thing asked from the hub, in the three states every list on a page has.
import { reactive } from 'vue';
import type { Refusal } from './api/model';
import { refusalFrom } from './api/http';

export interface Loading<T> {
  state: 'loading' | 'ready' | 'failed';
  value: T | null;
  refusal: Refusal | null;
  reload: () => Promise<void>;
}

/** Starts loading at once. A reload keeps the old value on the page until the new one is here. */
export function useLoading<T>(ask: () => Promise<T>): Loading<T> {
  let latest = 0;
  const loading = reactive({
    state: 'loading',
    value: null,
    refusal: null,
    reload: async () => {
      const mine = ++latest;
      if (loading.value === null) loading.state = 'loading';
      try {
        const value = await ask();
        if (mine !== latest) return;
        Object.assign(loading, { value, refusal: null, state: 'ready' });
      } catch (thrown) {
        if (mine !== latest) return;
        const refusal = refusalFrom(thrown);
        // What is on the page stays there while the hub is out of reach, but not when it says no.
        if (loading.value === null || refusal.article)
          Object.assign(loading, { refusal, value: null, state: 'failed' });
      }
    },
  }) as Loading<T>;
  void loading.reload();
  return loading;
}
