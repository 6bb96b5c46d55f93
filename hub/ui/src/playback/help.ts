// The keys of a playback as its help line shows them.
import type { MessageKey } from '../i18n';

export interface HelpLine {
  keys: string[];
  text: MessageKey;
}

export const HELP: HelpLine[] = [
  { keys: ['Space', 'K'], text: 'keys.flip' },
  { keys: ['←', '→'], text: 'keys.step' },
  { keys: ['Shift', '← →'], text: 'keys.shift' },
  { keys: ['J', 'L'], text: 'keys.leap' },
  { keys: ['0', '…', '9'], text: 'keys.tenth' },
  { keys: ['[', ']'], text: 'keys.stop' },
  { keys: ['<', '>'], text: 'keys.speed' },
  { keys: ['M'], text: 'keys.mute' },
  { keys: ['F'], text: 'keys.full' },
  { keys: ['N'], text: 'keys.mark' },
  { keys: ['I', 'O'], text: 'keys.markEnds' },
  { keys: ['Home', 'End'], text: 'keys.ends' },
  { keys: ['PgUp', 'PgDn'], text: 'keys.page' },
  { keys: ['?'], text: 'keys.help' },
];
