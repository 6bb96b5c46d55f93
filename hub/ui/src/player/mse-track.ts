// Encoded video in, pictures to paint out, by Media Source Extensions: for browsers without
// WebCodecs. The media element is in no page: its pictures reach the canvas with the watermark, and
// nobody can save it or take it out of the window.
import { fragment, initSegment, mimeOf } from './fmp4';
import { readConfig, type Frame } from './frame';
import { move } from './live-edge';
import { PaintGate } from './paint-gate';
import type { PictureEvents, Pictures } from './picture-track';

/** What waits for the browser to take it; a computer that is so far behind begins anew. */
const WAITING_MAX = 150;
/** A frame lasts as long as the one before it; the first one as at 25 a second. */
const DURATION_US = 40_000;
const DURATION_US_MAX = 500_000;
/** Seconds kept behind the picture. */
const KEPT_S = 4;
/** A media element is further behind than a decoder; what is older belongs to the past. */
const BEHIND_MS_MAX = 600;

/** Whether this browser can show a codec so. */
export function mseTakes(codec: string): boolean {
  const mime = mimeOf(codec);
  if (mime === null || !('MediaSource' in globalThis) || !('document' in globalThis)) return false;
  const tellsPictures = 'requestVideoFrameCallback' in HTMLVideoElement.prototype;
  return tellsPictures && MediaSource.isTypeSupported(mime);
}

export class MseTrack implements Pictures {
  codec: string | null = null;
  dropped = 0;
  private readonly video = document.createElement('video');
  private readonly gate = new PaintGate(BEHIND_MS_MAX);
  private init: Uint8Array<ArrayBuffer> | null = null;
  private configText = '';
  private media: MediaSource | null = null;
  private buffer: SourceBuffer | null = null;
  private url = '';
  private waiting: Uint8Array<ArrayBuffer>[] = [];
  private needsKey = true;
  private number = 0;
  /** Capture times: of the media's beginning, and of the newest frame. */
  private beginUs = 0;
  private newestUs = 0;
  private shownS = -1;

  constructor(private readonly events: PictureEvents) {
    this.video.muted = true;
    this.video.playsInline = true;
    this.video.disablePictureInPicture = true;
    this.watch();
  }

  configure(payload: Uint8Array): void {
    const told = new TextDecoder().decode(payload);
    const config = readConfig(payload);
    if (!config || told === this.configText) return;
    this.configText = told;
    this.codec = config.codec;
    this.init = mseTakes(config.codec) ? initSegment(config) : null;
    this.restart();
    if (!this.init) this.events.unsupported(config.codec);
  }

  push(frame: Frame): void {
    if (!this.init) return;
    if (this.needsKey && !frame.key) return;
    if (this.needsKey) this.begin(frame);
    const durationUs = Math.min(DURATION_US_MAX, frame.captureUs - this.newestUs);
    this.newestUs = Math.max(this.newestUs, frame.captureUs);
    this.gate.arrived(frame.captureUs, performance.now());
    this.number += 1;
    this.waiting.push(
      fragment({
        number: this.number,
        timeUs: frame.captureUs - this.beginUs,
        durationUs: durationUs > 0 ? durationUs : DURATION_US,
        key: frame.key,
        payload: frame.payload,
      }),
    );
    if (this.waiting.length > WAITING_MAX) {
      this.dropped += this.waiting.length;
      this.restart();
    } else this.feed();
  }

  restart(): void {
    this.gate.restart();
    this.waiting = [];
    this.needsKey = true;
    this.buffer = null;
    this.media = null;
    this.video.removeAttribute('src');
    this.video.load();
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = '';
  }

  stop(): void {
    this.restart();
    this.init = null;
    this.configText = '';
  }

  private begin(frame: Frame): void {
    const media = new MediaSource();
    this.media = media;
    this.needsKey = false;
    this.number = 0;
    this.shownS = -1;
    this.beginUs = frame.captureUs;
    this.newestUs = frame.captureUs - DURATION_US;
    if (this.init) this.waiting.push(this.init);
    media.onsourceopen = () => this.opened(media);
    this.url = URL.createObjectURL(media);
    this.video.src = this.url;
    this.video.play().catch(() => {});
  }

  private opened(media: MediaSource): void {
    const mime = this.codec && mimeOf(this.codec);
    if (media !== this.media || !mime) return;
    const buffer = media.addSourceBuffer(mime);
    buffer.onupdateend = () => this.feed();
    buffer.onerror = () => media === this.media && this.restart();
    this.buffer = buffer;
    this.feed();
  }

  private feed(): void {
    const { buffer, video } = this;
    if (!buffer || buffer.updating || this.media?.readyState !== 'open') return;
    this.follow(buffer);
    const start = buffer.buffered.length > 0 ? buffer.buffered.start(0) : 0;
    if (video.currentTime - start > 2 * KEPT_S) {
      buffer.remove(0, video.currentTime - KEPT_S);
      return;
    }
    if (this.waiting.length === 0) return;
    const next = joined(this.waiting);
    this.waiting = [];
    try {
      buffer.appendBuffer(next);
    } catch {
      this.restart();
    }
  }

  /** Stays by the newest picture. */
  private follow({ buffered }: SourceBuffer): void {
    if (buffered.length === 0) return;
    const last = buffered.length - 1;
    const { video } = this;
    const { to, rate } = move(video.currentTime, buffered.start(last), buffered.end(last));
    if (to !== null) video.currentTime = to;
    if (video.playbackRate !== rate) video.playbackRate = rate;
    if (video.paused) video.play().catch(() => {});
  }

  /** Hands on every picture that the element comes to show, for as long as the tile lives. */
  private watch(): void {
    const seen: VideoFrameRequestCallback = (_now, { mediaTime }) => {
      this.offer(mediaTime);
      this.video.requestVideoFrameCallback(seen);
    };
    this.video.requestVideoFrameCallback(seen);
  }

  private offer(mediaS: number): void {
    if (!this.media || mediaS === this.shownS) return;
    this.shownS = mediaS;
    const captureUs = this.beginUs + Math.round(mediaS * 1e6);
    if (this.gate.decide(captureUs, performance.now()) !== 'paint') return;
    const { video } = this;
    this.events.picture({
      image: video,
      timestamp: captureUs,
      width: video.videoWidth,
      height: video.videoHeight,
      close: () => {},
    });
  }
}

function joined(parts: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
