// Picture and sound of one tile in step: pictures are let go by the clock of what is heard. Without
// sound, or when it starves, each picture is let go as soon as it is decoded.
import { HeardClock } from './heard-clock';
import type { Painting } from './painter';
import { PictureHold } from './picture-hold';
import { SoundMargin } from './sound-margin';

export interface StepEvents {
  /** To be painted and closed by the receiver. */
  picture(picture: Painting): void;
  /** So much sound is to be kept in store, ms. */
  margin(ms: number): void;
}

/** What the worklet says ten times a second. */
export interface Played {
  captureUs: number | null;
  contextS: number;
  marginMs: number;
}

export class InStep {
  private readonly clock = new HeardClock();
  private readonly hold = new PictureHold<Painting>();
  private readonly margin = new SoundMargin();
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly events: StepEvents) {}

  /** Pictures that came too late for their sound and were left out. */
  get overtaken(): number {
    return this.hold.overtaken;
  }

  picture(picture: Painting): void {
    this.margin.ready(picture.timestamp, nowMs());
    this.hold.push(picture);
    this.offer();
  }

  played({ captureUs, contextS, marginMs }: Played): void {
    const now = nowMs();
    this.clock.played(captureUs, contextS, now);
    const heardUs = this.clock.at(now);
    if (heardUs === null) return;
    const wantedMs = this.margin.judge(now - heardUs / 1000, marginMs);
    if (wantedMs !== null) this.events.margin(wantedMs);
  }

  output(contextS: number, heardMs: number): void {
    this.clock.output(contextS, heardMs);
  }

  /** Nothing is heard any more, or another loudspeaker. */
  silence(): void {
    this.clock.reset();
    this.margin.restart();
    this.offer();
  }

  clear(): void {
    this.hold.clear();
    this.forgetTimer();
  }

  private offer(): void {
    this.forgetTimer();
    const heardUs = this.clock.at(nowMs());
    const picture = this.hold.take(heardUs);
    if (picture) this.events.picture(picture);
    const waitMs = this.hold.waitMs(heardUs);
    if (waitMs !== null) this.timer = setTimeout(() => this.offer(), Math.max(1, waitMs));
  }

  private forgetTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
