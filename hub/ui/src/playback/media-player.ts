// Plays a recording in a video element through Media Source Extensions: fetches segments ahead of
// the picture, places each on the recording's clock, and steps over gaps. Sound may come and go
// within a recording; a media source cannot, so each stretch with the same tracks gets its own.
import type { Play } from '../api/model';
import {
  BEHIND_SECONDS_MAX,
  nextWanted,
  resumeAfter,
  spansOf,
  TAIL_SECONDS,
  type Span,
} from './segment-plan';

const LOOK_MS = 250;
const RETRY_MS = 2000;

export interface PlayerEvents {
  /** A segment could not be had; it is tried again while it is wanted. */
  trouble(text: string): void;
  recovered(): void;
}

type Fetch = (playId: string, segmentId: string, signal: AbortSignal) => Promise<ArrayBuffer>;

export class MediaPlayer {
  readonly spans: Span[];
  private media = new MediaSource();
  private url = '';
  private codecs = '';
  private readonly have = new Set<string>();
  private readonly timer: number;
  private buffer: SourceBuffer | null = null;
  private fetching: { span: Span; abort: AbortController } | null = null;
  private restUntilMs = 0;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly play: Play,
    source: string,
    private readonly fetchSegment: Fetch,
    private readonly events: PlayerEvents,
  ) {
    this.spans = spansOf(play.segments, source, play.start);
    video.addEventListener('seeking', this.sought);
    this.timer = window.setInterval(() => void this.look(), LOOK_MS);
    const first = this.spans[0];
    this.open(first?.segment.codecs ?? play.codecs.main ?? '', first?.from ?? 0);
  }

  stop(): void {
    window.clearInterval(this.timer);
    this.fetching?.abort.abort();
    this.video.removeEventListener('seeking', this.sought);
    this.video.removeAttribute('src');
    this.video.load();
    URL.revokeObjectURL(this.url);
  }

  /** Begins anew at `at` seconds with a media source for these tracks. */
  private open(codecs: string, at: number): void {
    const media = new MediaSource();
    const { playbackRate } = this.video;
    const wasPlaying = this.codecs !== '' && !this.video.paused;
    URL.revokeObjectURL(this.url);
    this.have.clear();
    this.buffer = null;
    this.media = media;
    this.codecs = codecs;
    this.url = URL.createObjectURL(media);
    media.addEventListener('sourceopen', () => this.start(media, at), { once: true });
    this.video.src = this.url;
    this.video.playbackRate = playbackRate;
    if (wasPlaying) void this.video.play().catch(() => {});
  }

  private start(media: MediaSource, at: number): void {
    if (media !== this.media) return;
    media.duration = Math.max(1, (this.play.end - this.play.start) / 1000);
    if (!MediaSource.isTypeSupported(this.codecs)) {
      this.events.trouble(this.codecs);
      window.clearInterval(this.timer);
      return;
    }
    this.buffer = media.addSourceBuffer(this.codecs);
    if (at > 0) this.video.currentTime = at;
    void this.look();
  }

  private readonly sought = () => {
    const fetching = this.fetching;
    if (fetching && !isNear(fetching.span, this.video.currentTime)) fetching.abort.abort();
    this.restUntilMs = 0;
    void this.look();
  };

  private async look(): Promise<void> {
    this.stepOverGap();
    if (!this.buffer || this.fetching || performance.now() < this.restUntilMs) return;
    this.forgetPlayed();
    const span = nextWanted(this.spans, this.video.currentTime, this.have);
    if (!span) return;
    if (span.segment.codecs !== this.codecs) {
      // What is there is watched to its end first.
      const at = this.video.currentTime;
      if (!this.isBuffered(at)) this.open(span.segment.codecs, Math.max(at, span.from));
      return;
    }
    this.fetching = { span, abort: new AbortController() };
    try {
      const { signal } = this.fetching.abort;
      const bytes = await this.fetchSegment(this.play.play_id, span.segment.id, signal);
      await this.append(span, bytes);
      this.events.recovered();
    } catch (thrown) {
      if (!(thrown instanceof DOMException && thrown.name === 'AbortError')) {
        this.restUntilMs = performance.now() + RETRY_MS;
        this.events.trouble(thrown instanceof Error ? thrown.message : String(thrown));
      }
    } finally {
      this.fetching = null;
    }
    void this.look();
  }

  private async append(span: Span, bytes: ArrayBuffer): Promise<void> {
    const buffer = this.buffer;
    const isOther = span.segment.codecs !== this.codecs;
    if (!buffer || isOther || this.media.readyState !== 'open') return;
    await idle(buffer);
    buffer.timestampOffset = span.from;
    buffer.appendBuffer(bytes);
    await idle(buffer);
    this.have.add(span.segment.id);
  }

  private stepOverGap(): void {
    const { video } = this;
    if (!this.buffer || video.readyState > 2) return;
    const at = video.currentTime;
    const near = this.bufferedStartAfter(at);
    const next = resumeAfter(this.spans, at);
    if (!video.seeking && near !== null && near - at < 1) video.currentTime = near;
    else if (next !== null && !this.isBuffered(at)) video.currentTime = next + 0.01;
    else if (at >= (this.spans.at(-1)?.to ?? 0) - TAIL_SECONDS) video.pause();
  }

  /** A joint between two segments can miss a frame; the browser stops there by itself. */
  private bufferedStartAfter(at: number): number | null {
    const ranges = this.video.buffered;
    for (let i = 0; i < ranges.length; i += 1) if (ranges.start(i) > at) return ranges.start(i);
    return null;
  }

  private isBuffered(at: number): boolean {
    const ranges = this.video.buffered;
    for (let i = 0; i < ranges.length; i += 1)
      if (ranges.start(i) <= at && at < ranges.end(i) - TAIL_SECONDS)
        return true;
    return false;
  }

  private forgetPlayed(): void {
    const until = this.video.currentTime - BEHIND_SECONDS_MAX;
    const buffer = this.buffer;
    if (!buffer || buffer.updating) return;
    const old = this.spans.filter((s) => s.to < until && this.have.has(s.segment.id));
    const last = old.at(-1);
    if (!last) return;
    for (const span of old) this.have.delete(span.segment.id);
    buffer.remove(0, last.to);
  }
}

function isNear(span: Span, at: number): boolean {
  return span.from < at + 30 && span.to > at;
}

async function idle(buffer: SourceBuffer): Promise<void> {
  if (!buffer.updating) return;
  await new Promise((resolve) => {
    buffer.addEventListener('updateend', resolve, { once: true });
  });
}
