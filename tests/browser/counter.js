// Reads the frame counter that the demo's cameras burn into the top of their pictures.
//
// 48 equally wide cells across the whole width, each a twentieth of the height: 0–3 white, black,
// white, black; 4–35 the capture time (Unix ms modulo 2^32, highest bit first); 36–43 the frame
// number modulo 256; 44–47 the exclusive or of the ten four-bit groups before them.

/** The counter of the picture on `locator` (a canvas or a video), or null if none is readable. */
export function readCounter(locator) {
  return locator.evaluate((picture) => {
    const width = picture.videoWidth || picture.width;
    const height = picture.videoHeight || picture.height;
    if (!width || !height) return null;
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = Math.max(1, Math.floor(height / 20));
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(picture, 0, 0, width, height);
    const line = context.getImageData(0, Math.floor(height / 40), width, 1).data;
    const bits = Array.from({ length: 48 }, (_, cell) => {
      const at = Math.floor(((cell + 0.5) * width) / 48) * 4;
      return line[at] + line[at + 1] + line[at + 2] > 3 * 128 ? 1 : 0;
    });
    const number = (from, count) =>
      bits.slice(from, from + count).reduce((value, bit) => value * 2 + bit, 0);
    const groups = Array.from({ length: 10 }, (_, i) => number(4 + i * 4, 4));
    const isWhole =
      number(0, 4) === 0b1010 && groups.reduce((a, b) => a ^ b, 0) === number(44, 4);
    return isWhole ? { capturedMs: number(4, 32), frame: number(36, 8) } : null;
  });
}

/** Waits until `count` different pictures were seen; returns their counters in order. */
export async function watchCounters(locator, count, withinMs = 10_000) {
  const seen = [];
  const until = Date.now() + withinMs;
  while (seen.length < count && Date.now() < until) {
    const counter = await readCounter(locator);
    const last = seen.at(-1);
    if (counter && (!last || counter.frame !== last.frame)) seen.push(counter);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return seen;
}

/** How long ago the picture was captured, on the clock of this machine. */
export function ageMs(counter, nowMs) {
  return (((nowMs % 2 ** 32) - counter.capturedMs + 2 ** 32) % 2 ** 32);
}
