// Encoded sound in, samples to the audio worklet out; decodes only while someone listens.
import { readConfig, type Frame } from './frame';
import type { Played } from './in-step';
import type { ToWorklet } from './sound-worklet';

/** Joining brings the sound of a whole group of pictures at once; more is a computer behind. */
const DECODING_MAX = 250;
/** Pieces that a decoder may keep back for the next one. */
const SWALLOWED_MAX = 2;

export class SoundTrack {
  private config: AudioDecoderConfig | null = null;
  private decoder: AudioDecoder | null = null;
  private port: MessagePort | null = null;
  /** Capture times of what is in the decoder: its own time stamps count samples from the first
   * piece on (Chromium), whatever was lost or left out since. */
  private decoding: number[] = [];

  /** `played` hears what the worklet plays. */
  constructor(private readonly played: (played: Played) => void) {}

  configure(payload: Uint8Array): void {
    const config = readConfig(payload);
    if (!config?.sampleRate || !config.channels) return;
    this.config = {
      codec: config.codec,
      sampleRate: config.sampleRate,
      numberOfChannels: config.channels,
      description: config.description,
    };
    this.close();
    this.say({ op: 'restart' });
  }

  /** Starts (a port to the worklet) or stops (null) listening. */
  listen(port: MessagePort | null): void {
    this.port?.close();
    this.port = port;
    if (port) port.onmessage = ({ data }: MessageEvent<Played>) => this.played(data);
    else this.close();
  }

  /** Keeps so much sound in store before the loudspeaker, ms. */
  margin(ms: number): void {
    this.say({ op: 'margin', ms });
  }

  push(frame: Frame): void {
    if (!this.port || !this.config) return;
    const decoder = this.ready(this.config);
    // When the computer is behind, sound is left out.
    if (!decoder || decoder.decodeQueueSize > DECODING_MAX) return;
    this.decoding.push(frame.captureUs);
    decoder.decode(
      new EncodedAudioChunk({ type: 'key', timestamp: frame.captureUs, data: frame.payload }),
    );
  }

  stop(): void {
    this.listen(null);
    this.config = null;
  }

  private ready(config: AudioDecoderConfig): AudioDecoder | null {
    if (this.decoder?.state === 'configured') return this.decoder;
    if (!('AudioDecoder' in globalThis)) return null;
    const decoder = new AudioDecoder({
      output: (data) => (this.decoder === decoder ? this.decoded(data) : data.close()),
      error: () => {
        if (this.decoder === decoder) this.decoder = null;
      },
    });
    decoder.configure(config);
    this.decoder = decoder;
    return decoder;
  }

  private decoded(data: AudioData): void {
    const samples = new Float32Array(data.numberOfFrames);
    data.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
    const rate = data.sampleRate;
    data.close();
    const captureUs = this.decoding.shift();
    // A piece that nothing came of does not stand in the way of the next ones.
    const most = (this.decoder?.decodeQueueSize ?? 0) + SWALLOWED_MAX;
    this.decoding.splice(0, Math.max(0, this.decoding.length - most));
    if (captureUs === undefined) return;
    this.say({ op: 'play', samples, rate, captureUs }, [samples.buffer]);
  }

  private say(message: ToWorklet, transfer: Transferable[] = []): void {
    this.port?.postMessage(message, transfer);
  }

  private close(): void {
    if (this.decoder && this.decoder.state !== 'closed') this.decoder.close();
    this.decoder = null;
    this.decoding = [];
  }
}
