// How far sound and picture of the live page are apart, measured from outside of the player: the
// strip in the picture says when it was painted, the notes of the melody begin with every 400 ms of
// the wall clock.
//
// What is heard is taken before the loudspeaker; how long it takes from there is the browser's word
// (AudioContext.getOutputTimestamp).

/** Must be called before the page is visited. */
export function hearPhases(page) {
  return page.addInitScript(() => {
    const NOTE_S = 0.4;
    const Plain = globalThis.AudioWorkletNode;
    globalThis.AudioWorkletNode = class extends Plain {
      constructor(...args) {
        super(...args);
        const ear = new AnalyserNode(this.context, { fftSize: 32_768 });
        this.connect(ear);
        globalThis.heardNow = () => phase(this.context, ear);
      }
    };
    // Each note swells and fades as a half sine: its power is a cosine of one turn per note.
    function phase(context, ear) {
      const all = new Float32Array(ear.fftSize);
      const endS = context.currentTime;
      ear.getFloatTimeDomainData(all);
      const note = all.subarray(all.length - Math.round(NOTE_S * context.sampleRate));
      let [re, im, power] = [0, 0, 0];
      note.forEach((sample, at) => {
        const turn = (2 * Math.PI * at) / note.length;
        const square = sample * sample;
        power += square;
        re += square * Math.cos(turn);
        im -= square * Math.sin(turn);
      });
      // Full swing: half of the power turns with the note. Less is a gap, or two notes cut short.
      if (power < 1e-3 || Math.hypot(re, im) < 0.35 * power) return null;
      const { contextTime, performanceTime } = context.getOutputTimestamp();
      const heardMs = performanceTime + (endS - NOTE_S - contextTime) * 1000;
      // Silence, where a note begins, is where the cosine is lowest.
      const intoNote = (Math.atan2(im, re) / (2 * Math.PI) + 0.5) * NOTE_S * 1000;
      return { heardMs: performance.timeOrigin + heardMs, playedMs: intoNote };
    }
  });
}

/**
 * Milliseconds that the sound comes after the picture it belongs to, sampled `count` times; a sound
 * that comes first is negative. Only what is less than 200 ms apart can be told.
 */
export function sample(page, count, withinMs = 60_000) {
  return page.getByTestId('picture').evaluate(
    async (picture, { count, withinMs }) => {
      const strip = document.createElement('canvas');
      [strip.width, strip.height] = [48, 1];
      const context = strip.getContext('2d', { willReadFrequently: true });
      const painted = () => {
        const height = picture.height / 20;
        context.drawImage(picture, 0, height * 0.4, picture.width, height * 0.2, 0, 0, 48, 1);
        const pixels = context.getImageData(0, 0, 48, 1).data;
        const bits = Array.from({ length: 48 }, (_, cell) => (pixels[cell * 4] > 126 ? 1 : 0));
        const number = (from, length) =>
          bits.slice(from, from + length).reduce((value, bit) => value * 2 + bit, 0);
        const groups = Array.from({ length: 10 }, (_, i) => number(4 + i * 4, 4));
        const isWhole = number(0, 4) === 10 && groups.reduce((a, b) => a ^ b, 0) === number(44, 4);
        return isWhole ? number(4, 32) : null;
      };
      const now = () => performance.timeOrigin + performance.now();
      const mod = (value, by) => ((value % by) + by) % by;
      const found = [];
      const until = now() + withinMs;
      let last = null;
      while (found.length < count && now() < until) {
        await new Promise((done) => requestAnimationFrame(done));
        const atMs = now();
        const paintedMs = painted();
        // Only a picture that has just come is as old as it looks.
        if (paintedMs === null || paintedMs === last) continue;
        last = paintedMs;
        const heard = globalThis.heardNow?.();
        if (!heard) continue;
        const pictureLate = mod(atMs - paintedMs, 2 ** 32);
        const soundLate = heard.heardMs - heard.playedMs;
        found.push({ apart: mod(soundLate - pictureLate + 200, 400) - 200, pictureLate });
        await new Promise((done) => setTimeout(done, 90));
      }
      return found;
    },
    { count, withinMs },
  );
}

/** The value that this share of the samples is not above. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
