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
  | 'risks';

/** Calls `changed` for each named event; a burst within 300 ms counts as one. Returns the stop. */
export function onEvents(names: EventName[], changed: (name: EventName) => void): () => void {
  const source = new EventSource('/api/events');
  const waiting = new Map<EventName, number>();
  for (const name of names) {
    source.addEventListener(name, () => {
      if (waiting.has(name)) return;
      const later = () => {
        waiting.delete(name);
        changed(name);
      };
      waiting.set(name, window.setTimeout(later, 300));
    });
  }
  return () => {
    source.close();
    for (const timer of waiting.values()) window.clearTimeout(timer);
  };
}
