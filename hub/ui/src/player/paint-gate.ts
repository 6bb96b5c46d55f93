// Which decoded pictures are painted: after joining none that is older than what has already
// arrived, afterwards every newest one.
//
// The hub sends its cached GOP in one burst. Painting its keyframe would show the past, so the gate
// stays shut until the burst is over and the decoder is within a few frames of the newest arrival.

/** Silence after which the burst counts as over; live frames are 40 ms apart. */
const QUIET_MS = 12;
/** How far behind the newest arrival the first painted picture may be. */
const BEHIND_MS_MAX = 120;
/** A computer that has not caught up by then is shown what there is. */
const CATCH_UP_MS_MAX = 1500;

export type PaintDecision = 'paint' | 'wait' | 'skip';

export class PaintGate {
  private firstArrivalMs = 0;
  private lastArrivalMs = 0;
  private newestUs = -Infinity;
  private isOpen = false;

  constructor(private readonly behindMsMax = BEHIND_MS_MAX) {}

  arrived(captureUs: number, nowMs: number): void {
    if (this.newestUs === -Infinity) this.firstArrivalMs = nowMs;
    this.lastArrivalMs = nowMs;
    this.newestUs = Math.max(this.newestUs, captureUs);
  }

  /** What to do with a decoded picture; `wait` means: ask again in a few milliseconds. */
  decide(captureUs: number, nowMs: number): PaintDecision {
    if (this.isOpen) return 'paint';
    const waited = nowMs - this.firstArrivalMs;
    if (waited < CATCH_UP_MS_MAX) {
      if ((this.newestUs - captureUs) / 1000 > this.behindMsMax) return 'skip';
      if (nowMs - this.lastArrivalMs < QUIET_MS && waited < QUIET_MS * 8) return 'wait';
    }
    this.isOpen = true;
    return 'paint';
  }

  restart(): void {
    this.isOpen = false;
    this.newestUs = -Infinity;
  }
}
