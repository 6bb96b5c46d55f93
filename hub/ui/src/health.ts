// The numbers of a device's health report as short groups: numbers and states only, by schema.

export interface HealthLine {
  key: string;
  value: string;
}

export interface HealthGroup {
  /** A camera's own name, or the section of the report. */
  name: string;
  lines: HealthLine[];
}

/** Moments and ages that only machines compare; the page shows states and amounts. */
const HIDDEN = new Set(['source', 'to', 'name', 'since', 'frame_age_ms', 'durable_age_ms', 'luma_variance', 'found', 'version']);

/** By what the items of a list are told apart: cameras, ways through the network, equipment. */
const NAMES = new Set(['source', 'to', 'name']);

/** `{cameras:[{source:'cam0',state:'streaming'}]}` becomes the group cam0 with its state. */
export function healthGroups(report: unknown): HealthGroup[] {
  const own = { name: 'box', lines: linesOf(report) };
  const nested = entriesOf(report).flatMap(([name, value]) =>
    Array.isArray(value) ? value.map((item) => named(item, name)) : [{ name, value }],
  );
  const lines = (value: unknown) =>
    [value, partOf(value, 'sound'), partOf(value, 'timetable')]
      .flatMap(linesOf)
      .concat(troublesOf(value), absentOf(value));
  const groups = nested.map(({ name, value }) => ({ name, lines: lines(value) }));
  return [...groups, own].filter(({ lines }) => lines.length > 0);
}

/** A camera's sound has two numbers of its own, and the recorder what it goes by. */
function partOf(section: unknown, part: string): unknown {
  return entriesOf(section).find(([key]) => key === part)?.[1];
}

/** What a projector says is wrong with it: the part, and how bad. */
function troublesOf(section: unknown): HealthLine[] {
  const troubles = partOf(section, 'troubles');
  const list: unknown[] = Array.isArray(troubles) ? troubles : [];
  const word = (trouble: unknown, key: string) => String(partOf(trouble, key) ?? '');
  return list.map((trouble) => ({ key: word(trouble, 'part'), value: word(trouble, 'level') }));
}

/** What a machine has no sensor for is said: a missing number is not a good one. */
function absentOf(section: unknown): HealthLine[] {
  const absent = partOf(section, 'absent');
  const words: unknown[] = Array.isArray(absent) ? absent : [];
  return words.map((word) => ({ key: String(word), value: 'absent' }));
}

function named(item: unknown, fallback: string): { name: string; value: unknown } {
  const own = entriesOf(item).find(([key]) => NAMES.has(key))?.[1];
  return { name: typeof own === 'string' ? own : fallback, value: item };
}

function entriesOf(value: unknown): [string, unknown][] {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.entries(value)
    : [];
}

function linesOf(section: unknown): HealthLine[] {
  return entriesOf(section)
    .map(([key, value]): [string, unknown] => [key, key === 'events' ? topicsOf(value) : value])
    .filter(([key, value]) => !HIDDEN.has(key) && value !== null && typeof value !== 'object')
    .map(([key, value]) => ({ key, value: readable(key, value) }))
    .sort((a, b) => Number(b.key === 'state') - Number(a.key === 'state'));
}

/** What a camera says befalls it, as one line; nothing when it says nothing. */
function topicsOf(events: unknown): string | null {
  const list: unknown[] = Array.isArray(events) ? events : [];
  const topics = list.flatMap(entriesOf).filter(([key]) => key === 'topic');
  return topics.length > 0 ? topics.map(([, topic]) => String(topic)).join(', ') : null;
}

/** The numbers of a fault, `frame_age_ms 9383, luma_mean 16.1`, as lines like those of a report. */
export function evidenceLines(evidence: string): HealthLine[] {
  const parts = evidence.split(', ').filter(Boolean);
  return parts.map((part) => {
    const [key = '', number = ''] = part.split(' ');
    return { key, value: number && readable(key, Number(number)) };
  });
}

const BAD_STATES = new Set([
  'unreachable',
  'unauthorized',
  'garbage',
  'stalled',
  'failing',
  'failed',
  'degraded',
]);

/** What is bad when it is so. */
const BAD_WHEN_TRUE = new Set(['throttled', 'undervoltage', 'read_only', 'disk_failing']);

/** States that somebody has to do something about. */
export function isBad(line: HealthLine): boolean {
  if (BAD_WHEN_TRUE.has(line.key)) return line.value === 'yes';
  if (line.value === 'error' || line.value === 'warning') return true;
  return line.key === 'state' && BAD_STATES.has(line.value);
}

function readable(key: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'number') return String(value);
  if (key === 'bytes_per_second') return `${round((value * 8) / 1e6)} Mbit/s`;
  if (key.endsWith('_bytes')) return bytes(value);
  if (key.endsWith('_ppm')) return `${round(value)} ppm`;
  if (key.endsWith('_dbfs')) return `${Math.round(value)} dBFS`;
  if (key.endsWith('_ratio')) return `${Math.round(value * 100)} %`;
  if (key.endsWith('_ms')) return Math.abs(value) < 1000 ? `${round(value)} ms` : `${round(value / 1000)} s`;
  if (key.endsWith('_c')) return `${round(value)} °C`;
  if (key.endsWith('_days')) return `${value} d`;
  if (key.endsWith('_s') && value < 3600) return `${Math.round(value / 60)} min`;
  if (key.endsWith('_s')) return `${round(value / 3600)} h`;
  return String(round(value));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let rest = value;
  let unit = 0;
  while (Math.abs(rest) >= 1024 && unit < units.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${round(rest)} ${units[unit]}`;
}
