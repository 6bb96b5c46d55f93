// How much sound is to be in store so that the pictures are ready when theirs is heard: a computer
// that decodes a large picture slowly gets its sound later, for a sound ahead of its picture is
// noticed first (ITU-R BT.1359-1).
import { MARGIN_MS, MARGIN_MS_MAX } from './sample-ring';

/** From a decoded picture to the screen. */
const PAINT_MS = 20;
/** Pictures that are judged together; a few may be late. */
const JUDGED = 50;
const IN_TIME = 0.9;
/** Smaller wishes are not worth a change of pace. */
const CHANGE_MS_MIN = 15;

export class SoundMargin {
  private readyMs: number[] = [];
  private wantedMs = MARGIN_MS;

  /** A picture captured at `captureUs` is decoded at `nowMs`, both since the epoch. */
  ready(captureUs: number, nowMs: number): void {
    this.readyMs.push(nowMs - captureUs / 1000);
    if (this.readyMs.length > JUDGED) this.readyMs.shift();
  }

  /**
   * The wish, ms, if it has changed; null otherwise. The sound is heard `lateMs` after its capture,
   * `marginMs` of it because so much is in store.
   */
  judge(lateMs: number, marginMs: number): number | null {
    if (this.readyMs.length < JUDGED) return null;
    const sorted = [...this.readyMs].sort((a, b) => a - b);
    const needMs = (sorted[Math.floor(IN_TIME * JUDGED)] ?? 0) + PAINT_MS;
    const wish = needMs - (lateMs - marginMs);
    const wantedMs = Math.min(MARGIN_MS_MAX, Math.max(MARGIN_MS, wish));
    if (Math.abs(wantedMs - this.wantedMs) < CHANGE_MS_MIN) return null;
    this.wantedMs = wantedMs;
    this.readyMs = [];
    return wantedMs;
  }

  /** Another stream, or another loudspeaker: begins with the usual again. */
  restart(): void {
    this.readyMs = [];
    this.wantedMs = MARGIN_MS;
  }
}
