// Decoded pictures that wait for their sound.
//
// EBU R37 lets sound come 40 ms before and 60 ms after its picture; ITU-R BT.1359-1 found that
// people notice 45 ms before and 125 ms after. A picture is let go half a picture early: it takes
// that long to reach the screen.

/** Half a picture at 25 a second. */
const EARLY_US = 20_000;
/** Sound that is later than this has lost its picture, or its clock is wrong. */
export const HOLD_US_MAX = 600_000;
/** Decoders own few pictures; at 25 a second these are as long as sound is late at most. */
export const HELD_MAX = 15;

export interface Held {
  /** Capture time in µs. */
  readonly timestamp: number;
  close(): void;
}

export class PictureHold<P extends Held> {
  /** Pictures that a newer one overtook: they came too late to be seen. */
  overtaken = 0;
  private held: P[] = [];

  push(picture: P): void {
    this.held.push(picture);
  }

  /** The picture that is due when this is heard, if there is one; all older ones are closed. */
  take(heardUs: number | null): P | null {
    const due = this.dueAt(heardUs);
    const picture = this.held[due] ?? null;
    for (const old of this.held.splice(0, due + 1)) {
      if (old === picture) continue;
      old.close();
      this.overtaken += 1;
    }
    return picture;
  }

  /** How long until the next one is due, ms; null when none waits. */
  waitMs(heardUs: number | null): number | null {
    const next = this.held[0];
    if (!next) return null;
    if (heardUs === null) return 0;
    return Math.max(0, (next.timestamp - EARLY_US - heardUs) / 1000);
  }

  clear(): void {
    for (const picture of this.held) picture.close();
    this.held = [];
  }

  /** Without sound the newest is due; −1: none is. */
  private dueAt(heardUs: number | null): number {
    const last = this.held.length - 1;
    const first = this.held[0];
    if (heardUs === null || !first || first.timestamp - heardUs > HOLD_US_MAX) return last;
    const due = this.held.findLastIndex(({ timestamp }) => timestamp - EARLY_US <= heardUs);
    return due < 0 && this.held.length > HELD_MAX ? 0 : due;
  }
}
