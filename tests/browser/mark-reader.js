// Reads the identity watermark back from the pixels of a tile: looks for the words anywhere in the
// picture, then compares each of them with others that could stand there.
//
// The mark is half transparent over a moving picture. What is compared is shape only: the words are
// drawn as the player draws them (light letters, dark edges), and correlated with the picture.

/** Words of the same length that are not this person's. */
const OTHERS = {
  name: ['王教授甲乙丙', '赵副院长丁戊'],
  number: ['8305946271', '7642930518'],
  address: ['203.98.76.54', '198.73.64.205'],
};

/**
 * Looks for the mark on a canvas at the moment. Returns null where no mark is to be found, else
 * where it is (pixels of the canvas) and for each word how well it fits, and how well the best of
 * the others does; 1 is perfect, 0 is chance.
 */
export function readMark(canvas, { name, number, address }) {
  return canvas.evaluate(
    async (picture, { words, others }) => {
      await new Promise((done) => requestAnimationFrame(done));
      const nowMs = Date.now();
      const { width, height } = picture;
      const size = Math.max(11, Math.round(width / 46));
      const seen = luma(width, height, (context) => context.drawImage(picture, 0, 0));
      let best = null;
      for (const second of [0, 1]) {
        const at = new Date(nowMs - second * 1000 + 8 * 3600_000).toISOString();
        const time = `${at.slice(0, 10)} ${at.slice(11, 19)}`;
        const found = find(seen, [words.name, words.number, words.address, time]);
        if (!best || found.fit > best.fit) best = found;
      }
      const parts = best.parts.map(({ word, left, right }, index) => ({
        fit: fitOf(seen, best, word, left, right, best.words.slice(0, index)),
        other: Math.max(
          ...decoys(index, word).map((decoy) =>
            fitOf(seen, best, decoy, left, right, best.words.slice(0, index)),
          ),
        ),
      }));
      const [name, number, address, time] = parts;
      return { x: best.x, y: best.y, fit: best.fit, name, number, address, time };

      function decoys(index, word) {
        if (index === 3) return [word.replace(/\d/g, (digit) => (Number(digit) + 5) % 10)];
        const kind = ['name', 'number', 'address'][index];
        return others[kind].map((other) => other.repeat(3).slice(0, word.length));
      }

      function luma(w, h, draw) {
        const canvas = new OffscreenCanvas(w, h);
        const context = canvas.getContext('2d', { willReadFrequently: true });
        draw(context);
        const { data } = context.getImageData(0, 0, w, h);
        const values = new Float32Array(w * h);
        for (let i = 0; i < values.length; i += 1)
          values[i] = data[4 * i] * 0.3 + data[4 * i + 1] * 0.59 + data[4 * i + 2] * 0.11;
        return { values, w, h };
      }

      function style(context) {
        context.font = `600 ${size}px "Noto Sans CJK SC", "Microsoft YaHei", sans-serif`;
        context.textBaseline = 'top';
        context.lineJoin = 'round';
        context.lineWidth = Math.max(2, size / 7);
        context.strokeStyle = 'rgba(0, 0, 0, 0.32)';
        context.fillStyle = 'rgba(255, 255, 255, 0.46)';
      }

      function measure(text) {
        const context = new OffscreenCanvas(1, 1).getContext('2d');
        style(context);
        return context.measureText(text).width;
      }

      function shape(text) {
        return luma(Math.ceil(measure(text)) + 4, Math.ceil(size * 1.5), (context) => {
          context.fillStyle = '#808080';
          context.fillRect(0, 0, context.canvas.width, context.canvas.height);
          style(context);
          context.strokeText(text, 2, 2);
          context.fillText(text, 2, 2);
        });
      }

      /** Correlation of a part of the shape with the picture under it. */
      function correlate(image, mask, x, y, from, to, step) {
        let [n, a, b, aa, bb, ab] = [0, 0, 0, 0, 0, 0];
        for (let row = 0; row < mask.h; row += step) {
          const there = (y + row) * image.w + x;
          for (let column = from; column < to; column += step) {
            const p = image.values[there + column];
            const q = mask.values[row * mask.w + column];
            n += 1;
            a += p;
            b += q;
            aa += p * p;
            bb += q * q;
            ab += p * q;
          }
        }
        const spread = Math.sqrt((aa - (a * a) / n) * (bb - (b * b) / n));
        return spread > 0 ? (ab - (a * b) / n) / spread : 0;
      }

      function find(image, all) {
        const mask = shape(all.join(' '));
        const spaces = { x: image.w - mask.w, y: image.h - mask.h };
        let top = [];
        for (let y = Math.floor(image.h / 20); y <= spaces.y; y += 2)
          for (let x = 0; x <= spaces.x; x += 2) {
            const fit = correlate(image, mask, x, y, 0, mask.w, 3);
            if (top.length < 6 || fit > top.at(-1).fit) {
              top.push({ fit, x, y });
              top.sort((one, other) => other.fit - one.fit);
              top = top.slice(0, 6);
            }
          }
        let best = { fit: -1, x: 0, y: 0 };
        for (const near of top)
          for (let y = Math.max(0, near.y - 2); y <= Math.min(spaces.y, near.y + 2); y += 1)
            for (let x = Math.max(0, near.x - 2); x <= Math.min(spaces.x, near.x + 2); x += 1) {
              const fit = correlate(image, mask, x, y, 0, mask.w, 1);
              if (fit > best.fit) best = { fit, x, y };
            }
        const parts = all.map((word, index) => {
          const before = all.slice(0, index).map((one) => `${one} `).join('');
          const left = Math.floor(measure(before)) + 2;
          return { word, left, right: Math.ceil(left + measure(word)) };
        });
        return { ...best, words: all, parts };
      }

      /** How well a word fits where that one stands. */
      function fitOf(image, { x, y }, word, left, right, before) {
        const prefix = before.map((one) => `${one} `).join('');
        const mask = shape(prefix + word + '　'.repeat(12));
        return correlate(image, mask, x, y, left, Math.min(right, image.w - x), 1);
      }
    },
    { words: { name, number, address }, others: OTHERS },
  );
}

/** Whether a word of the mark is there, and not one of the others. */
export function isRead({ fit, other }) {
  return fit > 0.35 && fit > other + 0.12;
}

/** The words of the mark that cannot be read; none is as it should be. */
export function unread(mark) {
  const words = ['name', 'number', 'address', 'time'];
  return words
    .filter((word) => !isRead(mark[word]))
    .map((word) => `${word} ${mark[word].fit.toFixed(2)} against ${mark[word].other.toFixed(2)}`);
}

/**
 * Reads the mark until every word of it was read at once: a bright stretch of the picture may hide
 * a part of the light letters for a second or two. Returns it, or the best there was.
 */
export async function markWithin(canvas, who, withinMs = 15_000) {
  const until = Date.now() + withinMs;
  let best = null;
  while (Date.now() < until) {
    const mark = await readMark(canvas, who);
    if (!best || unread(mark).length < unread(best).length) best = mark;
    if (unread(best).length === 0) break;
    await new Promise((done) => setTimeout(done, 400));
  }
  return best;
}
