// Frames per second and the age of the painted picture, for the small readout of a tile.

const WINDOW_MS = 2000;

export class Meter {
  private paintedMs: number[] = [];
  private ageMs = 0;

  /** `nowMs` and `captureUs` are both since the epoch; a clock ahead of ours counts as age 0. */
  painted(captureUs: number, nowMs: number): void {
    this.paintedMs.push(nowMs);
    this.ageMs = Math.max(0, nowMs - captureUs / 1000);
    this.forget(nowMs);
  }

  framesPerSecond(nowMs: number): number {
    this.forget(nowMs);
    const first = this.paintedMs[0];
    const last = this.paintedMs.at(-1);
    if (first === undefined || last === undefined || last === first) return 0;
    return Math.round(((this.paintedMs.length - 1) * 1000) / (last - first));
  }

  latencyMs(): number {
    return Math.round(this.ageMs);
  }

  private forget(nowMs: number): void {
    while (this.paintedMs[0] !== undefined && this.paintedMs[0] < nowMs - WINDOW_MS)
      this.paintedMs.shift();
  }
}
