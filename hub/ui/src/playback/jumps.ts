// What the hub is told of jumps on the timeline (R69): one for each that settled, not one for each
// movement of the hand.

const SETTLED_MS = 900;
/** Shorter than this is no jump: stepping over a joint, or a click beside where one is. */
const JUMP_MS_MIN = 1000;

/** A jump between two moments, milliseconds since the epoch. */
export interface Jump {
  from: number;
  to: number;
}

export class JumpReport {
  private pending: Jump | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly report: (jump: Jump) => void) {}

  /** The viewer went from one moment to another; further movement within a moment is the same. */
  jumped(from: number, to: number): void {
    this.pending = { from: this.pending?.from ?? from, to };
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settle(), SETTLED_MS);
  }

  /** Reports at once what was still moving: the page is being left. */
  settle(): void {
    clearTimeout(this.timer);
    const jump = this.pending;
    this.pending = null;
    if (jump && Math.abs(jump.to - jump.from) >= JUMP_MS_MIN)
      this.report({ from: Math.round(jump.from), to: Math.round(jump.to) });
  }
}
