// Hears what a page plays: the live page's sound, between its worklet and the loudspeaker.

/** Must be called before the page is visited. */
export function hearWhatIsPlayed(page) {
  return page.addInitScript(() => {
    const Plain = globalThis.AudioWorkletNode;
    globalThis.AudioWorkletNode = class extends Plain {
      constructor(...args) {
        super(...args);
        const analyser = this.context.createAnalyser();
        this.connect(analyser);
        globalThis.heard = analyser;
      }
    };
  });
}

/** The loudest sample, 0 to 1, as soon as there is sound; 0 when nothing is played. */
export async function loudness(page, withinMs = 8_000) {
  let loudest = 0;
  const until = Date.now() + withinMs;
  while (loudest < 0.01 && Date.now() < until) {
    const now = await page.evaluate(() => {
      const analyser = globalThis.heard;
      if (!analyser) return 0;
      const samples = new Float32Array(analyser.fftSize);
      analyser.getFloatTimeDomainData(samples);
      return samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    });
    loudest = Math.max(loudest, now);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return loudest;
}
