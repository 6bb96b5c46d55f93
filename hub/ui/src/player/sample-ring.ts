// Samples between the decoder and the loudspeaker. Each piece knows when it was captured, so that
// the picture can go by what is heard; a little is kept in store against jitter, never much, and
// what the two clocks drift apart is made up by playing a trifle faster or slower.

/** Kept in store when a piece comes: the jitter of a campus network and of a busy computer. */
export const MARGIN_MS = 80;
/** A wish for more than this is not granted: nobody waits half a second for the sound. */
export const MARGIN_MS_MAX = 400;
/** The store is judged by its lowest level of so long. */
const WINDOW_MS = 1000;
/** Further from what is wanted than this is made up at once, by a gap or a pause. */
const JUMP_MS = 120;
/** Half a percent is a twelfth of a semitone: nobody hears it in speech. */
const PACE_MAX = 0.005;
/** All of it at 50 ms. */
const PACE_PER_MS = PACE_MAX / 50;

export interface Piece {
  samples: Float32Array;
  rate: number;
  /** Capture time of the first sample, µs since the epoch. */
  captureUs: number;
}

export class SampleRing {
  private readonly pieces: Piece[] = [];
  /** Where in the first piece, in its samples. */
  private at = 0;
  private isPlaying = false;
  /** Silence still to play, in samples of the loudspeaker. */
  private pause = 0;
  private wantedMs = MARGIN_MS;
  private pace = 0;
  private lowestMs = Infinity;
  private judgedMs = Infinity;
  private judgedIn: number;

  constructor(private readonly rate: number) {
    this.judgedIn = this.window();
  }

  push(piece: Piece): void {
    if (piece.samples.length === 0) return;
    this.pieces.push(piece);
    if (!this.isPlaying) {
      this.isPlaying = true;
      this.pause = this.inSamples(this.wantedMs);
      this.judgedMs = Infinity;
      this.judgeAnew();
    }
    // Joining brings seconds at once: only the newest are of use.
    const most = this.wantedMs + 2 * JUMP_MS + 2 * lengthMs(piece);
    if (this.storedMs() > most) this.skip(this.storedMs() - this.wantedMs - lengthMs(piece));
  }

  /** Keeps so much in store from now on, as far as it is reasonable. */
  want(marginMs: number): void {
    this.wantedMs = Math.min(MARGIN_MS_MAX, Math.max(MARGIN_MS, marginMs));
  }

  /** Forgets what was not played yet: other sound follows. */
  restart(): void {
    this.pieces.length = 0;
    this.at = 0;
    this.isPlaying = false;
    this.pause = 0;
    this.pace = 0;
  }

  /** Capture time of what the next `pull` begins with, µs; null while that is silence. */
  heardUs(): number | null {
    const piece = this.pieces[0];
    if (!piece || this.pause > 0) return null;
    return piece.captureUs + (this.at / piece.rate) * 1e6;
  }

  /** How much there was at least, in the last whole window. */
  marginMs(): number {
    return Math.min(this.judgedMs, this.lowestMs, this.storedMs());
  }

  /** Fills `out`; silence while there is nothing to play. */
  pull(out: Float32Array): void {
    const silent = Math.min(out.length, this.pause);
    this.pause -= silent;
    out.fill(0, 0, silent);
    for (let i = silent; i < out.length; i += 1) out[i] = this.next();
    if (this.isPlaying) this.judge(out.length);
  }

  private next(): number {
    const piece = this.pieces[0];
    if (!piece) {
      this.isPlaying = false;
      return 0;
    }
    const index = Math.floor(this.at);
    const here = piece.samples[index] ?? 0;
    const after = piece.samples[index + 1] ?? this.pieces[1]?.samples[0] ?? here;
    const value = here + (after - here) * (this.at - index);
    this.at += (piece.rate / this.rate) * (1 + this.pace);
    this.leavePlayed();
    return value;
  }

  private leavePlayed(): void {
    for (let first = this.pieces[0]; first && this.at >= first.samples.length; ) {
      this.at -= first.samples.length;
      this.pieces.shift();
      first = this.pieces[0];
      if (!first) this.at = 0;
    }
  }

  private judge(played: number): void {
    if (this.pause === 0) this.lowestMs = Math.min(this.lowestMs, this.storedMs());
    this.judgedIn -= played;
    if (this.judgedIn > 0) return;
    const tooMuchMs = this.lowestMs - this.wantedMs;
    this.judgedMs = this.lowestMs;
    this.judgeAnew();
    if (!Number.isFinite(tooMuchMs)) return;
    if (tooMuchMs > JUMP_MS) this.skip(tooMuchMs);
    else if (tooMuchMs < -JUMP_MS) this.pause = this.inSamples(-tooMuchMs);
    else this.pace = Math.min(PACE_MAX, Math.max(-PACE_MAX, tooMuchMs * PACE_PER_MS));
  }

  private judgeAnew(): void {
    this.lowestMs = Infinity;
    this.judgedIn = this.window();
  }

  private skip(ms: number): void {
    let left = ms;
    for (let first = this.pieces[0]; first && left > 0; first = this.pieces[0]) {
      const restMs = ((first.samples.length - this.at) / first.rate) * 1000;
      if (restMs > left) {
        this.at += (left / 1000) * first.rate;
        return;
      }
      left -= restMs;
      this.pieces.shift();
      this.at = 0;
    }
  }

  private storedMs(): number {
    const first = this.pieces[0];
    if (!first) return 0;
    const all = this.pieces.reduce((sum, piece) => sum + lengthMs(piece), 0);
    return all - (this.at / first.rate) * 1000;
  }

  private inSamples(ms: number): number {
    return Math.round((ms / 1000) * this.rate);
  }

  private window(): number {
    return this.inSamples(WINDOW_MS);
  }
}

function lengthMs({ samples, rate }: Piece): number {
  return (samples.length / rate) * 1000;
}
