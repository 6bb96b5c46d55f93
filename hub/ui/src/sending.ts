// A thing sent to the hub: one at a time, and what the hub had against the last one.
import { ref } from 'vue';
import type { Refusal } from './api/model';
import { refusalFrom } from './api/http';

/** The state of a form's button, what refused it, and how to send. */
export function useSending() {
  const busy = ref(false);
  const refusal = ref<Refusal | null>(null);

  /** Runs `step`; whether the hub took it. A second click while one is under way does nothing. */
  async function send(step: () => Promise<unknown>): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    refusal.value = null;
    try {
      await step();
      return true;
    } catch (thrown) {
      refusal.value = refusalFrom(thrown);
      return false;
    } finally {
      busy.value = false;
    }
  }

  return { busy, refusal, send };
}
