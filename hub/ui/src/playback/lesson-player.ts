// All sources of a recording as one: a video element each, one of them is the clock, and the others
// keep beside it; they stall together, and step together over what none of them has.
import type { Play, Refusal } from '../api/model';
import { MediaPlayer, type OpenSegment } from './media-player';
import { covers, stretchesOf, TAIL_SECONDS } from './segment-plan';
import {
  clockAt,
  follow,
  hasSound,
  inOrder,
  resumeTogether,
  waits,
  type Source,
} from './together';

const TICK_MS = 100;
/** A seek ends this much before the end, so that there is a picture. */
const END_SECONDS = 0.5;
/** A clock that waits for longer, this near the end of what is there, is at the end. */
const STUCK_SECONDS = 1.5;
const CUT_OFF_SECONDS = 2;

export interface SourceState {
  trouble: boolean;
  refusal: Refusal | null;
  unsupported: string | null;
  /** Others may have something where this one has nothing. */
  covers: boolean;
}

export interface LessonEvents {
  moved(at: number): void;
  playing(isPlaying: boolean): void;
  state(source: string, state: SourceState): void;
}

interface Part extends Source {
  video: HTMLVideoElement;
  player: MediaPlayer;
  state: SourceState;
  lateSinceMs: number | null;
}

function lateSeconds(part: Part, nowMs: number): number {
  return part.lateSinceMs === null ? 0 : (nowMs - part.lateSinceMs) / 1000;
}

/** The sources of a play, the clock first. */
export function sourcesOf(play: Play): string[] {
  const names = [...new Set(play.segments.map((segment) => segment.source))];
  const sources = names.map((name) => ({
    name,
    there: [],
    sounds: play.segments.some((one) => one.source === name && hasSound(one.codecs)),
  }));
  return inOrder(sources).map((source) => source.name);
}

export class LessonPlayer {
  readonly seconds: number;
  private readonly parts: Part[];
  private readonly timer: number;
  private master: Part | null = null;
  private last = 0;
  private told = -1;
  private wants = true;
  private speed = 1;
  private isMuted = false;

  constructor(
    play: Play,
    videos: Map<string, HTMLVideoElement>,
    at: number,
    openSegment: OpenSegment,
    private readonly events: LessonEvents,
  ) {
    this.seconds = Math.max(1, (play.end - play.start) / 1000);
    this.last = at;
    this.parts = [...videos].map(([name, video]) => {
      const state = { trouble: false, refusal: null, unsupported: null, covers: true };
      const tell = (now: Partial<SourceState>) => {
        Object.assign(state, now);
        events.state(name, { ...state });
      };
      const player = new MediaPlayer(video, play, name, at, openSegment, {
        trouble: () => tell({ trouble: true }),
        recovered: () => state.trouble && tell({ trouble: false }),
        refused: (refusal) => tell({ refusal }),
        unsupported: (codecs) => tell({ unsupported: codecs }),
      });
      const sounds = player.spans.some((span) => hasSound(span.segment.codecs));
      const there = stretchesOf(player.spans);
      return { name, video, player, state, there, sounds, lateSinceMs: null };
    });
    for (const { video } of this.parts)
      for (const name of ['timeupdate', 'seeking', 'canplay', 'waiting'])
        video.addEventListener(name, this.tick);
    this.timer = window.setInterval(this.tick, TICK_MS);
    this.tick();
  }

  stop(): void {
    window.clearInterval(this.timer);
    for (const { video, player } of this.parts) {
      for (const name of ['timeupdate', 'seeking', 'canplay', 'waiting'])
        video.removeEventListener(name, this.tick);
      player.stop();
    }
  }

  get at(): number {
    return this.master?.video.currentTime ?? this.last;
  }

  get isPlaying(): boolean {
    return this.wants;
  }

  flip(): void {
    this.want(!this.wants);
    this.tick();
  }

  /** Goes to a second of the recording; returns the second it went to. */
  seek(to: number): number {
    const at = Math.min(this.seconds - END_SECONDS, Math.max(0, to));
    this.place(at);
    this.tick();
    return at;
  }

  setSpeed(to: number): void {
    this.speed = to;
    for (const { video } of this.parts) video.playbackRate = to;
  }

  setMuted(to: boolean): void {
    this.isMuted = to;
    this.tick();
  }

  private want(isWanted: boolean): void {
    if (this.wants === isWanted) return;
    this.wants = isWanted;
    this.events.playing(isWanted);
  }

  private place(at: number): void {
    this.last = at;
    this.master = null;
    for (const { player, video, there } of this.parts) {
      player.around = covers(there, at) ? null : at;
      if (player.around === null) video.currentTime = at;
    }
  }

  /** The last moments before a gap are played; a browser that stops within them has done so. What
   * was cut off may be a little shorter than it says. */
  private get tail(): number {
    const { master } = this;
    if (!master) return TAIL_SECONDS;
    if (master.video.readyState > 2) return 0;
    const isStuck = lateSeconds(master, performance.now()) > STUCK_SECONDS;
    return isStuck ? CUT_OFF_SECONDS : TAIL_SECONDS;
  }

  private readonly tick = () => {
    const { at, tail } = this;
    this.last = at;
    const usable = this.parts.filter((one) => !one.state.unsupported && !one.state.refusal);
    // What this browser cannot decode here, it may further on.
    for (const { state, player } of this.parts) if (state.unsupported) player.around = at;
    const master = clockAt(inOrder(usable), at, tail);
    if (master) {
      if (this.master !== master) this.handOver(master, at);
      this.keepTogether(usable, at, tail);
    } else {
      this.stepOver(usable, at, tail);
    }
    this.tell();
  };

  private stepOver(usable: Part[], at: number, tail: number): void {
    const next = resumeTogether(usable, at, tail);
    if (next !== null) {
      this.place(next + 0.01);
    } else if (usable.length > 0) {
      // The end: there is nothing behind it.
      for (const { video } of usable) video.pause();
      this.want(false);
    }
  }

  private handOver(master: Part, at: number): void {
    this.master = master;
    master.player.around = null;
    const { seek } = follow(at, master.video.currentTime, this.speed);
    if (seek !== null) master.video.currentTime = seek;
    master.video.playbackRate = this.speed;
  }

  private keepTogether(usable: Part[], at: number, tail: number): void {
    const nowMs = performance.now();
    const states = usable.map((part) => {
      const has = covers(part.there, at, tail);
      part.player.around = has ? null : at;
      const isReady = part.video.readyState >= 3 && !part.video.seeking;
      part.lateSinceMs = !has || isReady ? null : (part.lateSinceMs ?? nowMs);
      if (part !== this.master && has) this.guide(part, at, isReady);
      return { covers: has, ready: isReady, lateSeconds: lateSeconds(part, nowMs) };
    });
    // One alone waits by itself, and so begins sooner.
    const isHeldUp = usable.length > 1 && waits(states);
    usable.forEach((part, i) => {
      const has = states[i]?.covers ?? false;
      part.video.muted = this.isMuted || part !== this.master;
      const goes = this.wants && has && !isHeldUp;
      if (goes && part.video.paused) this.start(part);
      else if (!goes && !part.video.paused) part.video.pause();
    });
  }

  private guide({ video }: Part, at: number, isReady: boolean): void {
    const step = follow(at, video.currentTime, this.speed);
    if (step.seek !== null && !video.seeking) video.currentTime = step.seek;
    else if (isReady && video.playbackRate !== step.rate) video.playbackRate = step.rate;
  }

  private start({ video }: Part): void {
    video.play().catch((thrown: unknown) => {
      // A browser may want a click before sound; then the button says so.
      const wasForbidden = thrown instanceof DOMException && thrown.name === 'NotAllowedError';
      if (wasForbidden) this.want(false);
    });
  }

  private tell(): void {
    const { at, tail } = this;
    for (const part of this.parts) {
      const has = covers(part.there, at, tail);
      if (has === part.state.covers) continue;
      part.state.covers = has;
      this.events.state(part.name, { ...part.state });
    }
    if (Math.abs(at - this.told) < 0.05) return;
    this.told = at;
    this.events.moved(at);
  }
}
