// The head of a patrol record, filled by the hub for the lesson that runs in a room.
import { ref, watch, type Ref } from 'vue';
import { newRecord } from './api/calls';
import { refusalFrom } from './api/http';
import type { RecordHeader, Refusal } from './api/model';

/** Longest wait for a view before the form opens without one. */
const VIEW_WAIT_MS = 2_500;

export function useRecordHeader(viewId: Readonly<Ref<string | null>>) {
  const header = ref<RecordHeader | null>(null);
  const refusal = ref<Refusal | null>(null);
  let turn = 0;

  function clear() {
    turn += 1;
    header.value = null;
    refusal.value = null;
  }

  /** The form's time begins with the view (R77), so the view comes first. */
  async function load(room: string, isWatching: boolean) {
    clear();
    const mine = turn;
    if (isWatching) await opened(viewId);
    if (mine !== turn) return;
    try {
      const answer = await newRecord(room);
      if (mine === turn) header.value = answer;
    } catch (thrown) {
      if (mine === turn) refusal.value = refusalFrom(thrown);
    }
  }

  return { header, refusal, load, clear };
}

function opened(viewId: Readonly<Ref<string | null>>): Promise<void> {
  if (viewId.value) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = window.setTimeout(done, VIEW_WAIT_MS);
    const stop = watch(viewId, (id) => id && done());
    function done() {
      window.clearTimeout(timer);
      stop();
      resolve();
    }
  });
}
