// Why someone watches (R60): asked once per task, kept for the tab, sent with every opening.
import { ref } from 'vue';
import type { Purpose } from './api/model';

export const PURPOSE_KINDS = ['plan', 'issue', 'reinspection', 'other'] as const;
const STORED = 'xunke.purpose';

export const purpose = ref<Purpose | null>(null);
/** The question now on the page, answered by the dialog in the layout. */
export const asking = ref<((answer: Purpose | null) => void) | null>(null);

/** R60: "other" says nothing by itself, so it needs a reason of at least two characters. */
export function isComplete(answer: Purpose): boolean {
  return answer.kind !== 'other' || (answer.reason ?? '').trim().length >= 2;
}

/** The purpose of this tab; asks when there is none yet. Null when the person turns away. */
export function ensurePurpose(): Promise<Purpose | null> {
  purpose.value ??= stored();
  return purpose.value ? Promise.resolve(purpose.value) : askPurpose();
}

/** Asks again, for a new task. The old purpose stays when the person turns away. */
export function askPurpose(): Promise<Purpose | null> {
  asking.value?.(null);
  return new Promise((resolve) => {
    asking.value = (answer) => {
      asking.value = null;
      if (answer) keep(answer);
      resolve(answer);
    };
  });
}

export function forgetPurpose(): void {
  purpose.value = null;
  sessionStorage.removeItem(STORED);
}

function keep(answer: Purpose): void {
  purpose.value = answer;
  sessionStorage.setItem(STORED, JSON.stringify(answer));
}

function stored(): Purpose | null {
  const text = sessionStorage.getItem(STORED);
  if (!text) return null;
  try {
    const answer = JSON.parse(text) as Purpose;
    return typeof answer.kind === 'string' && isComplete(answer) ? answer : null;
  } catch {
    return null;
  }
}
