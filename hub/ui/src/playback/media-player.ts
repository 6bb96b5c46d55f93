// Plays one source of a recording in a video element through Media Source Extensions: fetches what
// is wanted, hands it to the browser as it arrives, and places it on the recording's clock. Sound
// may come and go within a recording; a media source cannot, so each stretch with the same tracks
// gets its own. Gaps are the lesson player's: another source may have something there.
import { ApiError, refusalFrom } from '../api/http';
import type { Play, PlaySegment, Refusal } from '../api/model';
import {
  farStretches,
  holding,
  nextWanted,
  spansOf,
  stillServes,
  type Span,
  type Stretch,
  type Wanted,
} from './segment-plan';

const LOOK_MS = 250;
const RETRY_MS = 2000;
/** The browser itself stops at a joint between two segments that lacks a frame. */
const JOINT_SECONDS_MAX = 1;
/** The very begin of what is held can lie a microsecond before it, where a browser waits for ever. */
const INSIDE_SECONDS = 0.01;
/** A picture that is held comes at once, or not. */
const STUCK_MS = 400;
const NUDGE_SECONDS = 0.2;

export interface PlayerEvents {
  /** Something could not be had; it is tried again while it is wanted. */
  trouble(): void;
  recovered(): void;
  /** The hub says no; nothing is asked for any more. */
  refused(refusal: Refusal): void;
  /** This browser cannot decode what is here; null once it can again. */
  unsupported(codecs: string | null): void;
}

/** A segment as it arrives, whole or from a moment on (milliseconds since the epoch). */
export type OpenSegment = (
  playId: string,
  segment: PlaySegment,
  from: number | null,
  signal: AbortSignal,
) => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;

interface Fetching {
  wanted: Wanted;
  /** Up to where there is a picture. */
  arrived: number;
  abort: AbortController;
}

export class MediaPlayer {
  readonly spans: Span[];
  /** Where to fetch around while the picture itself rests in a gap of this source. */
  around: number | null = null;
  private media = new MediaSource();
  private url = '';
  private codecs = '';
  /** From which second on a segment is held. */
  private readonly have = new Map<string, number>();
  private readonly timer: number;
  private buffer: SourceBuffer | null = null;
  private isMidSegment = false;
  private fetching: Fetching | null = null;
  private restUntilMs = 0;
  private stuckSinceMs: number | null = null;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly play: Play,
    source: string,
    at: number,
    private readonly openSegment: OpenSegment,
    private readonly events: PlayerEvents,
  ) {
    this.spans = spansOf(play.segments, source, play.start);
    video.addEventListener('seeking', this.sought);
    this.timer = window.setInterval(() => void this.look(), LOOK_MS);
    const first = this.spans.find((span) => span.to > at) ?? this.spans.at(-1);
    this.open(first?.segment.codecs ?? play.codecs.main ?? '', at);
  }

  stop(): void {
    this.rest();
    this.video.removeEventListener('seeking', this.sought);
    this.video.removeAttribute('src');
    this.video.load();
    URL.revokeObjectURL(this.url);
  }

  /** Fetches nothing any more; what is there stays. */
  private rest(): void {
    window.clearInterval(this.timer);
    this.restUntilMs = Infinity;
    this.fetching?.abort.abort();
  }

  /** Begins anew at `at` seconds with a media source for these tracks. */
  private open(codecs: string, at: number): void {
    const media = new MediaSource();
    const { playbackRate } = this.video;
    const wasPlaying = this.codecs !== '' && !this.video.paused;
    URL.revokeObjectURL(this.url);
    this.have.clear();
    this.buffer = null;
    this.isMidSegment = false;
    this.media = media;
    this.codecs = codecs;
    const isPlayable = MediaSource.isTypeSupported(codecs);
    this.events.unsupported(isPlayable ? null : codecs);
    if (!isPlayable) return;
    this.url = URL.createObjectURL(media);
    media.addEventListener('sourceopen', () => this.start(media, at), { once: true });
    this.video.src = this.url;
    this.video.playbackRate = playbackRate;
    // Loading began at 0, and whoever asks for the time is told that.
    if (at > 0) this.video.currentTime = at;
    if (wasPlaying) void this.video.play().catch(() => {});
  }

  private start(media: MediaSource, at: number): void {
    if (media !== this.media) return;
    media.duration = Math.max(1, (this.play.end - this.play.start) / 1000);
    this.buffer = media.addSourceBuffer(this.codecs);
    if (at > 0) this.video.currentTime = at;
    void this.look();
  }

  private get at(): number {
    return this.around ?? this.video.currentTime;
  }

  private readonly sought = () => {
    const { fetching } = this;
    const wanted = nextWanted(this.spans, this.at, this.have);
    if (fetching && !stillServes(fetching.wanted, fetching.arrived, wanted))
      fetching.abort.abort();
    if (this.restUntilMs !== Infinity) this.restUntilMs = 0;
    void this.look();
  };

  private async look(): Promise<void> {
    this.stepOverJoint();
    if (this.fetching || performance.now() < this.restUntilMs) return;
    const wanted = nextWanted(this.spans, this.at, this.have);
    if (wanted && wanted.span.segment.codecs !== this.codecs) {
      // What is there is watched to its end first.
      const isWatched = this.buffer && holding(this.held(), this.at);
      if (!isWatched) this.open(wanted.span.segment.codecs, Math.max(this.at, wanted.from));
      return;
    }
    const { buffer } = this;
    if (!buffer) return;
    if (!wanted) return this.forgetFar(buffer);
    const fetching = { wanted, arrived: wanted.from, abort: new AbortController() };
    this.fetching = fetching;
    try {
      await this.receive(fetching, buffer);
      this.events.recovered();
    } catch (thrown) {
      this.failed(thrown, buffer);
    } finally {
      this.fetching = null;
    }
    void this.look();
  }

  /** Each piece goes to the browser as it comes, so that the first picture waits for no more. */
  private async receive(fetching: Fetching, buffer: SourceBuffer): Promise<void> {
    const { span, from } = fetching.wanted;
    const { signal } = fetching.abort;
    const moment = this.play.start + Math.round(from * 1000);
    const isPart = from > span.from;
    const stream = await this.openSegment(
      this.play.play_id,
      span.segment,
      isPart ? moment : null,
      signal,
    );
    await idle(buffer);
    if (this.isMidSegment) buffer.abort();
    buffer.timestampOffset = span.from;
    const reader = stream.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) break;
      this.isMidSegment = true;
      buffer.appendBuffer(value);
      await idle(buffer);
      fetching.arrived = holding(this.held(), from)?.to ?? from;
    }
    this.isMidSegment = false;
    // A hub may send more than was asked for.
    const begin = holding(this.held(), from)?.from ?? from;
    this.have.set(span.segment.id, Math.max(span.from, Math.min(from, begin)));
  }

  private failed(thrown: unknown, buffer: SourceBuffer): void {
    const name = thrown instanceof DOMException ? thrown.name : '';
    if (name === 'AbortError') return;
    this.restUntilMs = Math.max(this.restUntilMs, performance.now() + RETRY_MS);
    if (name === 'QuotaExceededError') return void this.forget(buffer, 0, this.at - 5);
    const isFinal =
      thrown instanceof ApiError && thrown.status >= 400 && thrown.status < 500 &&
      thrown.status !== 429;
    if (isFinal) {
      this.rest();
      this.events.refused(refusalFrom(thrown));
    } else this.events.trouble();
  }

  /** A camera that missed frames leaves holes, and behind one a browser may lack a keyframe although
   * it says that it holds something: a little further on there is one. */
  private stepOverJoint(): void {
    const { video } = this;
    const nowMs = performance.now();
    const isWaiting = video.readyState <= 2 && (!video.seeking || !this.fetching);
    const isHeld = video.readyState <= 2 && holding(this.held(), video.currentTime) !== null;
    this.stuckSinceMs = isHeld ? (this.stuckSinceMs ?? nowMs) : null;
    if (!this.buffer) return;
    const at = video.currentTime;
    const near = this.held().find((one) => one.from > at)?.from;
    if (this.stuckSinceMs !== null && nowMs - this.stuckSinceMs > STUCK_MS) {
      this.stuckSinceMs = null;
      video.currentTime = at + NUDGE_SECONDS;
    } else if (isWaiting && !isHeld && near !== undefined && near - at < JOINT_SECONDS_MAX) {
      video.currentTime = near + INSIDE_SECONDS;
    }
  }

  private held(): Stretch[] {
    const ranges = this.video.buffered;
    return Array.from({ length: ranges.length }, (_, i) => ({
      from: ranges.start(i),
      to: ranges.end(i),
    }));
  }

  private forgetFar(buffer: SourceBuffer): void {
    const [far] = farStretches(this.held(), this.at);
    if (far && !buffer.updating) this.forget(buffer, far.from, far.to);
  }

  private forget(buffer: SourceBuffer, from: number, to: number): void {
    if (to <= from || buffer.updating || this.media.readyState !== 'open') return;
    for (const span of this.spans)
      if (span.from < to && span.to > from) this.have.delete(span.segment.id);
    buffer.remove(from, to);
  }
}

async function idle(buffer: SourceBuffer): Promise<void> {
  if (!buffer.updating) return;
  await new Promise((resolve) => {
    buffer.addEventListener('updateend', resolve, { once: true });
  });
}
