// The hub's Server-Sent Events: a page is told what changed and asks for it again. One connection
// for all that listens on a page: a browser grants a hub six.

const NAMES = [
  'fault',
  'device',
  'trail',
  'grants',
  'agreements',
  'people',
  'departures',
  'sanctions',
  'inspections',
  'risks',
  'retention',
  'alerts',
  'channels',
  'commands',
] as const;

export type EventName = (typeof NAMES)[number];

/** A listener takes the names it wants out of what came. */
type Hear = (came: readonly EventName[]) => void;

const listeners = new Set<Hear>();
let source: EventSource | null = null;

function tell(came: readonly EventName[]): void {
  for (const hear of listeners) hear(came);
}

/** One that the hub has closed for good, such as at the end of a session, is opened anew. */
function open(): void {
  if (source && source.readyState !== EventSource.CLOSED) return;
  source?.close();
  const opened = new EventSource('/api/events');
  let wasLost = false;
  opened.addEventListener('error', () => (wasLost = true));
  opened.addEventListener('open', () => {
    if (wasLost) tell(NAMES);
    wasLost = false;
  });
  for (const name of NAMES) opened.addEventListener(name, () => tell([name]));
  source = opened;
}

/**
 * Calls `changed` with the named events that came; a burst within 300 ms counts as one. Once the
 * hub is back after it was out of reach, with all of them: what was told meanwhile is lost.
 * Returns the stop.
 */
export function onEvents(
  names: EventName[],
  changed: (names: Set<EventName>) => void,
): () => void {
  let wanted = new Set<EventName>();
  let timer = 0;
  const hear: Hear = (came) => {
    for (const name of came) if (names.includes(name)) wanted.add(name);
    if (wanted.size === 0) return;
    timer ||= window.setTimeout(() => {
      const told = wanted;
      wanted = new Set();
      timer = 0;
      changed(told);
    }, 300);
  };
  listeners.add(hear);
  open();
  return () => {
    listeners.delete(hear);
    window.clearTimeout(timer);
    if (listeners.size > 0) return;
    source?.close();
    source = null;
  };
}
