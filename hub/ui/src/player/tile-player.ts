// One tile: what the socket delivers for it, its pictures, its sound, and the state it is in.
import type { Refusal } from '../api/model';
import type { Frame } from './frame';
import { InStep } from './in-step';
import type { TileNumbers, TileState, TileStatus } from './messages';
import { Meter } from './meter';
import { Painter } from './painter';
import { PictureTrack, type PictureEvents, type Pictures } from './picture-track';
import { SoundTrack } from './sound-track';
import type { Identity } from './watermark';

/** No frame for this long is OFFLINE, not a frozen picture. */
export const SILENT_MS_MAX = 3000;
const DELAYED_SHOWN_MS = 3000;

/** Two painted pictures further apart than this had something else between them. */
const PAUSE_MS_MAX = 1000;

export interface TileReports {
  status(status: TileStatus): void;
  numbers(numbers: TileNumbers): void;
}

export class TilePlayer {
  readonly painter: Painter;
  readonly inStep = new InStep({
    picture: (picture) => this.painter.show(picture),
    margin: (ms) => this.sound.margin(ms),
  });
  private readonly sound = new SoundTrack((played) => this.inStep.played(played));
  private readonly pictures: Pictures;
  private meter = new Meter();
  private status: TileStatus = idle(0);
  private clickedMs = 0;
  private firstFrameMs: number | null = null;
  private total = 0;
  private lastFrameMs = 0;
  /** For how long pictures of this view were on the screen, ms (R60). */
  shownMs = 0;
  private isVisible = true;
  private paintedAtMs = 0;
  /** The next configuration is that of the picture which was asked for last. */
  private isSwitching = false;
  private delayedUntilMs = 0;
  private hubDropped = 0;
  private knownDropped = 0;

  /** `decode` makes the way from encoded video to pictures. */
  constructor(
    private readonly reports: TileReports,
    decode: (events: PictureEvents) => Pictures = (events) => new PictureTrack(events),
  ) {
    this.painter = new Painter(
      () => this.status.identity,
      (captureUs) => this.painted(captureUs),
    );
    this.pictures = decode({
      picture: (picture) => this.inStep.picture(picture),
      unsupported: (codec) => this.become('unsupported', { codec }),
    });
  }

  /** `number`: which opening of the tile it is; the same again after a pause. */
  opening(clickedMs: number, number = this.status.opening): void {
    this.clear();
    this.clickedMs = clickedMs;
    this.firstFrameMs = null;
    this.total = 0;
    this.isSwitching = false;
    this.status = idle(number);
    this.become('opening', {});
  }

  /** Another picture of the room; the old one stays until the new one is there. */
  switching(clickedMs: number): void {
    this.clickedMs = clickedMs;
    this.firstFrameMs = null;
    this.isSwitching = true;
  }

  /** Sound to this port of the worklet, or none. */
  listen(port: MessagePort | null): void {
    this.sound.listen(port);
    this.inStep.silence();
  }

  /** Whether the canvas can be seen: what is only kept ready is not shown. */
  visible(isVisible: boolean): void {
    this.isVisible = isVisible;
    this.paintedAtMs = 0;
  }

  paused(): void {
    if (!isWatching(this.status.state)) return;
    this.clear();
    this.become('paused', {});
  }

  opened(viewId: string, identity: Identity): void {
    this.lastFrameMs = Date.now();
    this.become('opening', { viewId, identity });
  }

  ended(state: 'refused' | 'closed', refusal: Refusal | null): void {
    this.clear();
    this.become(state, { refusal });
  }

  offline(since: number, reason: string | null): void {
    this.pictures.restart();
    this.inStep.clear();
    this.painter.blank();
    this.become('offline', { since, reason });
  }

  lineLost(): void {
    if (!isWatching(this.status.state)) return;
    this.clear();
    this.become('reconnecting', {});
  }

  delayed(dropped: number): void {
    this.hubDropped += dropped;
    this.delayedUntilMs = Date.now() + DELAYED_SHOWN_MS;
    if (!this.status.delayed) this.become(this.status.state, { delayed: true });
  }

  frame(frame: Frame): void {
    if (frame.kind === 'video-config') {
      this.isSwitching = false;
      this.pictures.configure(frame.payload);
    }
    else if (frame.kind === 'audio-config') this.sound.configure(frame.payload);
    else if (frame.kind === 'audio') this.sound.push(frame);
    else {
      this.lastFrameMs = Date.now();
      this.pictures.push(frame);
    }
  }

  /** Called twice a second: notices silence, ends the delayed mark, reports the numbers. */
  tick(nowMs: number): void {
    const { state, delayed } = this.status;
    if ((state === 'playing' || state === 'opening') && this.isSilent(nowMs))
      this.offline(this.lastFrameMs, 'silent');
    const dropped = this.pictures.dropped;
    if (dropped > this.knownDropped) this.delayed(0);
    else if (delayed && nowMs > this.delayedUntilMs) this.become(state, { delayed: false });
    this.knownDropped = dropped;
    if (isWatching(state)) this.reports.numbers(this.numbers(nowMs));
  }

  stop(): void {
    this.clear();
    this.status = idle(this.status.opening);
    this.reports.status(this.status);
  }

  private isSilent(nowMs: number): boolean {
    return this.status.viewId !== null && nowMs - this.lastFrameMs > SILENT_MS_MAX;
  }

  private clear(): void {
    this.pictures.stop();
    this.inStep.clear();
    this.painter.blank();
    this.meter = new Meter();
    this.shownMs = 0;
    this.paintedAtMs = 0;
  }

  private painted(captureUs: number): void {
    const nowMs = Date.now();
    this.total += 1;
    this.meter.painted(captureUs, nowMs);
    this.countShown(nowMs);
    if (this.firstFrameMs === null && !this.isSwitching) {
      const now = performance.timeOrigin + performance.now();
      this.firstFrameMs = Math.round(now - this.clickedMs);
    }
    if (this.status.state !== 'playing') {
      this.become('playing', { since: null, reason: null, codec: this.pictures.codec });
      this.reports.numbers(this.numbers(nowMs));
    }
  }

  private countShown(nowMs: number): void {
    if (!this.isVisible) return;
    const pause = nowMs - this.paintedAtMs;
    if (pause <= PAUSE_MS_MAX) this.shownMs += pause;
    this.paintedAtMs = nowMs;
  }

  private numbers(nowMs: number): TileNumbers {
    return {
      firstFrameMs: this.firstFrameMs,
      frames: this.total,
      framesPerSecond: this.meter.framesPerSecond(nowMs),
      latencyMs: this.meter.latencyMs(),
      dropped: this.hubDropped + this.pictures.dropped + this.inStep.overtaken,
      width: this.painter.width,
      height: this.painter.height,
    };
  }

  private become(state: TileState, change: Partial<TileStatus>): void {
    this.status = { ...this.status, state, ...change };
    this.reports.status(this.status);
  }
}

function isWatching(state: TileState): boolean {
  return ['opening', 'playing', 'offline', 'reconnecting'].includes(state);
}

function idle(opening: number): TileStatus {
  return {
    state: 'idle',
    opening,
    since: null,
    reason: null,
    refusal: null,
    identity: null,
    viewId: null,
    delayed: false,
    codec: null,
  };
}
