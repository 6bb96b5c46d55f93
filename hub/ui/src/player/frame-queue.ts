// Encoded frames on their way into the decoder: dropped by age, never queued without bound.
//
// While catching up from the hub's cached keyframe everything flows straight through; afterwards
// the decoder holds at most two frames, and what falls half a second behind is dropped up to the
// newest keyframe (measured: a 1080p picture on two busy cores otherwise falls ever further back).
import type { Frame } from './frame';

export const DECODING_MAX = 2;
export const LATE_MS_MAX = 500;
const CATCH_UP_DECODING_MAX = 150;
const WAITING_MAX = 300;

export class FrameQueue {
  /** Frames dropped so far because they came too late to be of use. */
  dropped = 0;
  private waiting: Frame[] = [];
  private needsKey = true;
  private catchingUp = true;

  push(frame: Frame): void {
    if (this.needsKey && !frame.key) {
      if (!this.catchingUp) this.dropped += 1;
      return;
    }
    this.needsKey = false;
    this.waiting.push(frame);
    if (this.waiting.length > WAITING_MAX || (!this.catchingUp && this.lateMs() > LATE_MS_MAX))
      this.skipToNewestKey();
  }

  /** The next frame to decode, or null while the decoder has enough to do. */
  next(decoding: number): Frame | null {
    const limit = this.catchingUp ? CATCH_UP_DECODING_MAX : DECODING_MAX;
    if (decoding >= limit) return null;
    return this.waiting.shift() ?? null;
  }

  /** The first picture is on the screen: from here on frames are dropped by age. */
  caughtUp(): void {
    this.catchingUp = false;
  }

  /** Starts again at the next keyframe, after a decoder error or a new stream. */
  restart(): void {
    this.waiting = [];
    this.needsKey = true;
    this.catchingUp = true;
  }

  private lateMs(): number {
    const oldest = this.waiting[0];
    const newest = this.waiting.at(-1);
    return oldest && newest ? (newest.captureUs - oldest.captureUs) / 1000 : 0;
  }

  private skipToNewestKey(): void {
    const key = this.waiting.findLastIndex((frame) => frame.key);
    if (key > 0) {
      this.dropped += key;
      this.waiting = this.waiting.slice(key);
    } else {
      this.dropped += this.waiting.length;
      this.waiting = [];
      this.needsKey = true;
    }
  }
}
