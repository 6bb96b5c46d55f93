// Which commands a box is offered, what a class would notice of them, and what their results say.
import type { CheckedRoom, CommandForm, CommandView, Commands } from './api/commands';
import { t } from './i18n';

/** A button: a command, for a projector with its way. */
export interface Offer {
  kind: string;
  projector: CommandForm['projector'];
  /** A class would notice it: it needs a reason, and a second person while there is one. */
  felt: boolean;
}

/** What a command is called by. */
export interface Named {
  kind: string;
  projector?: Offer['projector'];
}

const OPEN = ['waiting', 'queued', 'sent', 'running'];
const FELT = ['reload', 'reboot'];

/** What changes nothing first. */
export function offersOf(commands: Commands): Offer[] {
  const plain = ['ping', 'selftest', 'collect_diag', 'renew', 'reload', 'reboot'];
  const offers: Offer[] = plain.map((kind) => ({
    kind,
    projector: null,
    felt: FELT.includes(kind),
  }));
  for (const name of commands.projectors)
    for (const power of ['on', 'off'])
      offers.push({ kind: 'projector', projector: { name, power }, felt: power === 'off' });
  return offers;
}

/** The word of a command's button and of its line. */
export function wordOf(command: Named): string {
  return command.projector ? `projector_${command.projector.power}` : command.kind;
}

/** Something of the list is not over, so it is worth asking for it again. */
export function anyOpen(commands: CommandView[]): boolean {
  return commands.some((command) => OPEN.includes(command.state));
}

/** How it stands, as a badge. */
export function toneOf(state: string): 'good' | 'busy' | 'bad' | '' {
  if (state === 'done') return 'good';
  if (OPEN.includes(state)) return 'busy';
  return state === 'declined' ? '' : 'bad';
}

/** One thing that a self-test has tried. */
export interface CheckLine {
  part: string;
  name: string;
  outcome: string;
  code: string;
  value: number | null;
}

/** What a self-test has found, what fails first; null when the result is none. */
export function checksOf(command: CommandView): CheckLine[] | null {
  const checks = (command.result as { checks?: unknown } | null)?.checks;
  if (command.kind !== 'selftest' || !Array.isArray(checks)) return null;
  const lines = checks.map((check: Record<string, unknown>) => ({
    part: String(check.part ?? ''),
    name: String(check.name ?? ''),
    outcome: String(check.outcome ?? 'unknown'),
    code: String(check.code ?? ''),
    value: typeof check.value === 'number' ? check.value : null,
  }));
  const rank = (line: CheckLine) => ['fail', 'warn', 'unknown', 'pass'].indexOf(line.outcome);
  return lines.sort((left, right) => rank(left) - rank(right));
}

/** A result as text to be copied into a work order; empty for none. */
export function textOf(command: CommandView): string {
  return command.result ? JSON.stringify(command.result, null, 2) : '';
}

/** The number of a check in words of its unit; empty for none. */
export function amount(line: CheckLine): string {
  if (line.value === null) return '';
  switch (line.part) {
    case 'space':
      return `${(line.value / 2 ** 30).toFixed(1)} GiB`;
    case 'certificate':
      return t('command.days', { days: line.value });
    case 'sound':
      return `${line.value.toFixed(0)} dBFS`;
    default:
      return `${Math.round(line.value)} ms`;
  }
}

/** What to bring to all of these rooms, each thing once, in the order of the first need. */
export function packing(rooms: CheckedRoom[], chinese: boolean): string[] {
  return [...new Set(rooms.flatMap((room) => (chinese ? room.bring_zh : room.bring_en)))];
}

/** When the first of these rooms has a lesson, and how many have one then; null when none has. */
export function earliest(rooms: CheckedRoom[]): { at: number; count: number } | null {
  const times = rooms.flatMap((room) => (room.lesson_at ? [room.lesson_at] : []));
  if (times.length === 0) return null;
  const at = Math.min(...times);
  return { at, count: times.filter((time) => time === at).length };
}
