// Encoded sound in, samples to the audio worklet out; decodes only while someone listens.
import { readConfig, type Frame } from './frame';

export class SoundTrack {
  private config: AudioDecoderConfig | null = null;
  private decoder: AudioDecoder | null = null;
  private port: MessagePort | null = null;

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
  }

  /** Starts (a port to the worklet) or stops (null) listening. */
  listen(port: MessagePort | null): void {
    this.port?.close();
    this.port = port;
    if (!port) this.close();
  }

  push(frame: Frame): void {
    if (!this.port || !this.config) return;
    const decoder = this.ready(this.config);
    // Sound is never queued: when the computer is behind, frames are left out.
    if (!decoder || decoder.decodeQueueSize > 8) return;
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
      output: (data) => this.decoded(data),
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
    this.port?.postMessage({ samples, rate }, [samples.buffer]);
  }

  private close(): void {
    if (this.decoder && this.decoder.state !== 'closed') this.decoder.close();
    this.decoder = null;
  }
}
