// What is heard at this moment, as a time of capture: the clock that the picture goes by while
// there is sound.
//
// Two words make it: the worklet says which capture time it plays at which time of the audio
// context, the page says when that time of the context leaves the loudspeaker.

/** The worklet speaks ten times a second; an older word means that nothing is played. */
const STALE_MS = 500;
/** The page's word jitters by the length of an audio buffer: the median of so many is taken. */
const OFFSETS_MAX = 9;

export class HeardClock {
  private captureUs: number | null = null;
  private contextMs = 0;
  private saidMs = 0;
  private offsetsMs: number[] = [];
  private offsetMs: number | null = null;

  /** `captureUs` is played at `contextS`; null: silence, for want of sound. */
  played(captureUs: number | null, contextS: number, nowMs: number): void {
    this.captureUs = captureUs;
    this.contextMs = contextS * 1000;
    this.saidMs = nowMs;
  }

  /** What is played at `contextS` is heard at `heardMs`, since the epoch. */
  output(contextS: number, heardMs: number): void {
    this.offsetsMs.push(heardMs - contextS * 1000);
    if (this.offsetsMs.length > OFFSETS_MAX) this.offsetsMs.shift();
    const sorted = [...this.offsetsMs].sort((a, b) => a - b);
    this.offsetMs = sorted[Math.floor(sorted.length / 2)] ?? null;
  }

  /** The capture time heard at `nowMs`, in µs; null when nothing is heard or nobody knows. */
  at(nowMs: number): number | null {
    if (this.captureUs === null || this.offsetMs === null) return null;
    if (nowMs - this.saidMs > STALE_MS) return null;
    return this.captureUs + (nowMs - this.contextMs - this.offsetMs) * 1000;
  }

  /** Another loudspeaker, or none. */
  reset(): void {
    this.captureUs = null;
    this.offsetsMs = [];
    this.offsetMs = null;
  }
}
