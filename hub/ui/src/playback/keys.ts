// What a key means in playback. One table, so that the page's help and the page agree.

export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2] as const;

export type Command =
  | { kind: 'flip' }
  | { kind: 'by'; seconds: number }
  /** A tenth of the recording, 0 to 9. */
  | { kind: 'tenth'; tenth: number }
  | { kind: 'faster'; steps: 1 | -1 }
  | { kind: 'stop'; direction: 1 | -1 }
  | { kind: 'begin' }
  | { kind: 'end' }
  | { kind: 'mute' | 'full' | 'mark' | 'markFrom' | 'markTo' | 'help' };

export interface Key {
  key: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}

const STEP_SECONDS = 5;
const SHIFT_SECONDS = 30;
const LEAP_SECONDS = 10;
const PAGE_SECONDS = 60;

/** Chinese input methods give the full-width sign of the same key. */
const PLAIN: Record<string, string> = {
  '《': '<',
  '》': '>',
  '【': '[',
  '】': ']',
  '「': '[',
  '」': ']',
  '？': '?',
};

/** The command of a key anywhere on the page; null when it is none of playback's. */
export function command(event: Key): Command | null {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  const key = PLAIN[event.key] ?? (event.key.length === 1 ? event.key.toLowerCase() : event.key);
  const step = event.shiftKey ? SHIFT_SECONDS : STEP_SECONDS;
  if (/^\d$/.test(key)) return { kind: 'tenth', tenth: Number(key) };
  switch (key) {
    case ' ':
    case 'k':
      return { kind: 'flip' };
    case 'j':
      return { kind: 'by', seconds: -LEAP_SECONDS };
    case 'l':
      return { kind: 'by', seconds: LEAP_SECONDS };
    case 'ArrowLeft':
      return { kind: 'by', seconds: -step };
    case 'ArrowRight':
      return { kind: 'by', seconds: step };
    case '<':
    case '>':
      return { kind: 'faster', steps: key === '>' ? 1 : -1 };
    case '[':
    case ']':
      return { kind: 'stop', direction: key === ']' ? 1 : -1 };
    case 'm':
      return { kind: 'mute' };
    case 'f':
      return { kind: 'full' };
    case 'n':
      return { kind: 'mark' };
    case 'i':
      return { kind: 'markFrom' };
    case 'o':
      return { kind: 'markTo' };
    case '?':
      return { kind: 'help' };
    default:
      return null;
  }
}

/** What a slider owes beyond that (ARIA); only while the strip has the focus. */
export function stripCommand(event: Key): Command | null {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  const step = event.shiftKey ? SHIFT_SECONDS : STEP_SECONDS;
  switch (event.key) {
    case 'Home':
      return { kind: 'begin' };
    case 'End':
      return { kind: 'end' };
    case 'PageUp':
      return { kind: 'by', seconds: PAGE_SECONDS };
    case 'PageDown':
      return { kind: 'by', seconds: -PAGE_SECONDS };
    case 'ArrowUp':
      return { kind: 'by', seconds: step };
    case 'ArrowDown':
      return { kind: 'by', seconds: -step };
    default:
      return null;
  }
}

/** The speed that many steps from `speed`, at the ends the last. */
export function speedAt(speed: number, steps: number): number {
  const at = SPEEDS.findIndex((one) => one === speed);
  const next = Math.min(SPEEDS.length - 1, Math.max(0, (at < 0 ? 2 : at) + steps));
  return SPEEDS[next] ?? 1;
}
