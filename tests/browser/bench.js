// Measures click to first picture and glass to glass, sub and main stream, as the page shows them.
// Prints one JSON line with samples in milliseconds.
import { account, givePurpose, pageAs, roomButton, stopBrowser, visit } from './campus.js';

const CLICKS = 12;
const AGES = 40;

/** Waits for the first picture of another view than `before`. */
async function playing(page, before) {
  const tile = page.locator(`[data-state=playing][data-first-frame-ms]:not([data-view-id="${before}"])`);
  await tile.waitFor({ timeout: 20_000 });
  return {
    view: await tile.getAttribute('data-view-id'),
    firstFrameMs: Number(await tile.getAttribute('data-first-frame-ms')),
  };
}

/** Waits for the first picture of the main stream, in the same view; returns when it came. */
async function sharp(page) {
  const first = await page.waitForFunction(() => {
    const { height, firstFrameMs } = document.querySelector('[data-testid=tile]').dataset;
    return Number(height) > 360 && firstFrameMs;
  });
  return Number(await first.jsonValue());
}

/** Ages of the pictures on the canvas at the moment a frame is put on the screen. */
function ages(page, count) {
  return page.getByTestId('picture').evaluate(async (picture, count) => {
    const strip = document.createElement('canvas');
    strip.width = 48;
    strip.height = 1;
    const context = strip.getContext('2d', { willReadFrequently: true });
    const read = () => {
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
    const found = [];
    const until = Date.now() + 20_000;
    while (found.length < count && Date.now() < until) {
      await new Promise((done) => requestAnimationFrame(done));
      const nowMs = Date.now();
      const painted = read();
      if (painted !== null) found.push(((nowMs % 2 ** 32) - painted + 2 ** 32) % 2 ** 32);
      await new Promise((done) => setTimeout(done, 90));
    }
    return found;
  }, count);
}

async function fps(page) {
  return Number(await page.getByTestId('tile').getAttribute('data-fps'));
}

const page = await pageAs(account('school_supervisor'));
await visit(page, '/live');
await roomButton(page, 0).click();
await givePurpose(page);
let { view } = await playing(page, '');
const seen = { click_sub: [], click_main: [], glass_sub: [], glass_main: [], fps_sub: 0, fps_main: 0 };
for (let click = 1; click <= CLICKS; click += 1) {
  await roomButton(page, click % 2).click();
  const sub = await playing(page, view);
  seen.click_sub.push(sub.firstFrameMs);
  await page.waitForTimeout(700);
  if (click === CLICKS) {
    await page.waitForTimeout(3000);
    seen.glass_sub = await ages(page, AGES);
    seen.fps_sub = await fps(page);
  }
  await page.getByTestId('stream-main').click();
  seen.click_main.push(await sharp(page));
  await page.waitForTimeout(700);
  if (click === CLICKS) {
    await page.waitForTimeout(3000);
    seen.glass_main = await ages(page, AGES);
    seen.fps_main = await fps(page);
  }
  view = sub.view;
}
await stopBrowser();
console.log(JSON.stringify(seen));
