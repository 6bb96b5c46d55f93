// Samples between the decoder and the loudspeaker: a little in store against jitter, never much.

/** Sound starts when this much is in store, and is thrown away above the second figure, so that it
 * stays in rough step with the picture, which is painted as soon as it is decoded. */
const START_SECONDS = 0.08;
const STORE_SECONDS_MAX = 0.3;

export class SampleRing {
  private store: number[] = [];
  private playing = false;

  constructor(private readonly rate: number) {}

  /** Adds samples of another rate by nearest neighbour; cameras send 8 to 48 kHz. */
  push(samples: Float32Array, rate: number): void {
    const count = Math.round((samples.length * this.rate) / rate);
    for (let i = 0; i < count; i += 1) {
      const nearest = Math.min(samples.length - 1, Math.floor((i * rate) / this.rate));
      this.store.push(samples[nearest] ?? 0);
    }
    const max = Math.round(STORE_SECONDS_MAX * this.rate);
    const start = Math.round(START_SECONDS * this.rate);
    if (this.store.length > max) this.store = this.store.slice(this.store.length - start);
  }

  /** Fills `out`; silence while there is nothing to play. */
  pull(out: Float32Array): void {
    if (!this.playing && this.store.length < START_SECONDS * this.rate) {
      out.fill(0);
      return;
    }
    const ready = this.store.splice(0, out.length);
    this.playing = ready.length === out.length;
    out.fill(0);
    out.set(ready);
  }
}
