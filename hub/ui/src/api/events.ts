// The hub's Server-Sent Events: a page is told what changed and asks for it again.

export type EventName =
  | 'fault'
  | 'device'
  | 'trail'
  | 'grants'
  | 'agreements'
  | 'people'
  | 'departures'
  | 'sanctions'
  | 'inspections'
  | 'risks'
  | 'retention'
  | 'channels';

/**
 * Calls `changed` with the named events that came; a burst within 300 ms counts as one. Once the
 * hub is back after it was out of reach, with all of them: what was told meanwhile is lost.
 * Returns the stop.
 */
export function onEvents(
  names: EventName[],
  changed: (names: Set<EventName>) => void,
): () => void {
  const source = new EventSource('/api/events');
  let came = new Set<EventName>();
  let timer = 0;
  let wasLost = false;
  const soon = (...some: EventName[]) => {
    for (const name of some) came.add(name);
    timer ||= window.setTimeout(() => {
      const told = came;
      came = new Set();
      timer = 0;
      changed(told);
    }, 300);
  };
  source.addEventListener('error', () => (wasLost = true));
  source.addEventListener('open', () => {
    if (wasLost) soon(...names);
    wasLost = false;
  });
  for (const name of names) source.addEventListener(name, () => soon(name));
  return () => {
    source.close();
    window.clearTimeout(timer);
  };
}
