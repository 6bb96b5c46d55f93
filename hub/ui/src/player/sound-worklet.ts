// The audio worklet: plays what the decoder's port delivers, and says what it plays.
import type { Played } from './in-step';
import { SampleRing, type Piece } from './sample-ring';

declare const sampleRate: number;
declare const currentTime: number;
declare function registerProcessor(name: string, processor: unknown): void;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

/** Blocks between two words on what is played: a tenth of a second at 48 kHz. */
const SAY_EVERY = 38;

export type ToWorklet =
  | ({ op: 'play' } & Piece)
  | { op: 'margin'; ms: number }
  | { op: 'restart' };

class SoundProcessor extends AudioWorkletProcessor {
  private readonly ring = new SampleRing(sampleRate);
  private decoder: MessagePort | null = null;
  private blocks = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data: port }: MessageEvent<MessagePort>) => {
      this.decoder = port;
      port.onmessage = ({ data }: MessageEvent<ToWorklet>) => this.hear(data);
    };
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const channels = outputs[0] ?? [];
    if (this.blocks % SAY_EVERY === 0) this.say();
    this.blocks += 1;
    if (channels[0]) this.ring.pull(channels[0]);
    for (const other of channels.slice(1)) if (channels[0]) other.set(channels[0]);
    return true;
  }

  private hear(message: ToWorklet): void {
    if (message.op === 'play') this.ring.push(message);
    else if (message.op === 'margin') this.ring.want(message.ms);
    else this.ring.restart();
  }

  private say(): void {
    const played: Played = {
      captureUs: this.ring.heardUs(),
      contextS: currentTime,
      marginMs: this.ring.marginMs(),
    };
    this.decoder?.postMessage(played);
  }
}

registerProcessor('xunke-sound', SoundProcessor);
