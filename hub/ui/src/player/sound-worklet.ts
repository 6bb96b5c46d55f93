// The audio worklet: plays what the decoder's port delivers.
import { SampleRing } from './sample-ring';

declare const sampleRate: number;
declare function registerProcessor(name: string, processor: unknown): void;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

class SoundProcessor extends AudioWorkletProcessor {
  private readonly ring = new SampleRing(sampleRate);

  constructor() {
    super();
    this.port.onmessage = ({ data: port }: MessageEvent<MessagePort>) => {
      port.onmessage = ({ data }: MessageEvent<{ samples: Float32Array; rate: number }>) =>
        this.ring.push(data.samples, data.rate);
    };
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const channels = outputs[0] ?? [];
    if (channels[0]) this.ring.pull(channels[0]);
    for (const other of channels.slice(1)) if (channels[0]) other.set(channels[0]);
    return true;
  }
}

registerProcessor('xunke-sound', SoundProcessor);
