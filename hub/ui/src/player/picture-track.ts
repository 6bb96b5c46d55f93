// Encoded video in, pictures to paint out: the decoder with its queue before and its gate behind.
import { readConfig, type Frame } from './frame';
import { FrameQueue } from './frame-queue';
import { PaintGate } from './paint-gate';
import type { Painting } from './painter';

const ASK_AGAIN_MS = 4;

export interface PictureEvents {
  /** The newest picture, to be painted and closed by the receiver. */
  picture(picture: Painting): void;
  /** This browser cannot decode the codec. */
  unsupported(codec: string): void;
}

/** From encoded video to pictures, whichever way the browser has. */
export interface Pictures {
  readonly codec: string | null;
  /** Frames left out because they came too late to be of use. */
  readonly dropped: number;
  configure(payload: Uint8Array): void;
  push(frame: Frame): void;
  /** Begins again at the next keyframe; keeps the configuration. */
  restart(): void;
  stop(): void;
}

/** By WebCodecs. */
export class PictureTrack implements Pictures {
  private readonly queue = new FrameQueue();
  codec: string | null = null;
  private readonly gate = new PaintGate();
  private decoder: VideoDecoder | null = null;
  private config: VideoDecoderConfig | null = null;
  private configText = '';
  private held: VideoFrame | null = null;

  constructor(private readonly events: PictureEvents) {}

  get dropped(): number {
    return this.queue.dropped;
  }

  configure(payload: Uint8Array): void {
    const text = new TextDecoder().decode(payload);
    const config = readConfig(payload);
    if (!config || text === this.configText) return;
    this.configText = text;
    this.codec = config.codec;
    this.config = {
      codec: config.codec,
      codedWidth: config.width,
      codedHeight: config.height,
      description: config.description,
      optimizeForLatency: true,
    };
    this.restart();
    void this.checkSupport(this.config);
  }

  push(frame: Frame): void {
    if (!this.config) return;
    this.gate.arrived(frame.captureUs, performance.now());
    this.queue.push(frame);
    this.feed();
  }

  restart(): void {
    this.queue.restart();
    this.gate.restart();
    this.letGo();
    if (this.decoder && this.decoder.state !== 'closed') this.decoder.close();
    this.decoder = null;
  }

  stop(): void {
    this.restart();
    this.config = null;
    this.configText = '';
  }

  private async checkSupport(config: VideoDecoderConfig): Promise<void> {
    const answer = await VideoDecoder.isConfigSupported(config).catch(() => ({ supported: false }));
    if (!answer.supported && this.config === config) this.events.unsupported(config.codec);
  }

  private feed(): void {
    for (;;) {
      const decoder = this.ready();
      const frame = decoder && this.queue.next(decoder.decodeQueueSize);
      if (!decoder || !frame) return;
      decoder.decode(
        new EncodedVideoChunk({
          type: frame.key ? 'key' : 'delta',
          timestamp: frame.captureUs,
          data: frame.payload,
        }),
      );
    }
  }

  private ready(): VideoDecoder | null {
    if (this.decoder || !this.config) return this.decoder;
    const decoder = new VideoDecoder({
      output: (picture) => (this.decoder === decoder ? this.decoded(picture) : picture.close()),
      error: () => {
        if (this.decoder === decoder) this.restart();
      },
    });
    decoder.ondequeue = () => this.feed();
    decoder.configure(this.config);
    this.decoder = decoder;
    return decoder;
  }

  private decoded(picture: VideoFrame): void {
    this.letGo();
    this.held = picture;
    this.offer();
  }

  private offer(): void {
    const picture = this.held;
    if (!picture) return;
    const decision = this.gate.decide(picture.timestamp, performance.now());
    if (decision === 'wait') {
      setTimeout(() => this.offer(), ASK_AGAIN_MS);
      return;
    }
    this.held = null;
    if (decision === 'skip') {
      picture.close();
      return;
    }
    this.queue.caughtUp();
    this.events.picture({
      image: picture,
      timestamp: picture.timestamp,
      width: picture.displayWidth,
      height: picture.displayHeight,
      close: () => picture.close(),
    });
  }

  private letGo(): void {
    this.held?.close();
    this.held = null;
  }
}
