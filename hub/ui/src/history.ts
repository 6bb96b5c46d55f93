// A room's numbers over time, as charts and as a table say them.
import type { History, Series } from './api/fleet';

export const SPANS = ['day', 'week', 'month'] as const;
export type Span = (typeof SPANS)[number];

export interface Chart {
  name: string;
  unit: string;
  /** Seconds, mean, worst: in the unit; null where the box said nothing. */
  data: [number[], (number | null)[], (number | null)[]];
}

/** Which numbers, in the order of the page, with their unit and by what they are multiplied. */
const SHOWN: [name: string, unit: string, factor: number][] = [
  ['temperature_c', '°C', 1],
  ['cpu_ratio', '%', 100],
  ['disk_used_ratio', '%', 100],
  ['rtt_ms', 'ms', 1],
  ['loss_ratio', '%', 100],
  ['waiting_bytes', 'MiB', 1 / 1024 / 1024],
  ['cameras_away_ratio', '%', 100],
];

/** One chart for each number that the hub knows of. */
export function charts(history: History): Chart[] {
  const seconds = history.times.map((time) => time / 1000);
  return SHOWN.flatMap(([name, unit, factor]) => {
    const series = history.series.find((one) => one.name === name);
    if (!series) return [];
    const scaled = (values: Series['mean']) =>
      values.map((value) => (value === null ? null : value * factor));
    return [{ name, unit, data: [seconds, scaled(series.mean), scaled(series.worst)] }];
  });
}

/** Whether there is anything to draw. */
export function isEmpty(chart: Chart): boolean {
  return chart.data[1].every((value) => value === null);
}

/** The points without a neighbour: no line leads to them, so each is drawn as a dot. */
export function alone(values: readonly (number | null | undefined)[]): number[] {
  const none = (at: number) => values[at] === null || values[at] === undefined;
  return values.flatMap((_, at) => (!none(at) && none(at - 1) && none(at + 1) ? [at] : []));
}

/** Three digits, as many as anybody reads off a chart. */
export function digits(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

export interface Row {
  at: number;
  mean: number | null;
  worst: number | null;
}

/** A chart as lines of a table, the newest first; steps without numbers are left out. */
export function rows(chart: Chart): Row[] {
  const [seconds, mean, worst] = chart.data;
  const all = seconds.map((at, index) => ({
    at: at * 1000,
    mean: mean[index] ?? null,
    worst: worst[index] ?? null,
  }));
  return all.filter((row) => row.mean !== null).reverse();
}

/** What a chart says in a sentence: the newest, the mean over all, the worst. */
export function summary(chart: Chart): { newest: number; mean: number; worst: number } | null {
  const known = rows(chart);
  const means = known.map((row) => row.mean ?? 0);
  if (means.length === 0) return null;
  return {
    newest: means[0] ?? 0,
    mean: means.reduce((sum, value) => sum + value, 0) / means.length,
    worst: Math.max(...known.map((row) => row.worst ?? 0)),
  };
}
