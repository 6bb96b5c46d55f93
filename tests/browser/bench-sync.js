// Measures how far sound and picture are apart, for AAC and G.711, sub and main stream. Prints one
// JSON line: milliseconds, positive where the sound comes later.
import { account, givePurpose, pageAs, roomButton, stopBrowser, visit } from './campus.js';
import { hearPhases, quantile, sample } from './lip-sync.js';

const SAMPLES = Number(process.env.XUNKE_SAMPLES ?? 150);
/** The pace of the sound and the hold of the pictures have settled by then. */
const SETTLE_MS = 8_000;

const page = await pageAs(account('school_supervisor'));
await hearPhases(page);
await visit(page, '/live');
const figures = {};
for (const [room, codec] of [
  [0, 'aac'],
  [1, 'g711'],
]) {
  await roomButton(page, room).click();
  if (room === 0) await givePurpose(page);
  await page.locator(`[data-state=playing][data-view-id]`).waitFor();
  await page.waitForTimeout(2000);
  for (const stream of ['sub', 'main']) {
    await page.getByTestId(`stream-${stream}`).click();
    if (stream === 'sub') await page.getByTestId('sound').click();
    await page.waitForTimeout(SETTLE_MS);
    const found = await sample(page, SAMPLES);
    const apart = found.map((one) => one.apart);
    const late = found.map((one) => one.pictureLate);
    figures[`${codec}_${stream}`] = {
      samples: found.length,
      apart_p5: Math.round(quantile(apart, 0.05)),
      apart_p50: Math.round(quantile(apart, 0.5)),
      apart_p95: Math.round(quantile(apart, 0.95)),
      picture_late_p50: Math.round(quantile(late, 0.5)),
    };
  }
}
await stopBrowser();
console.log(JSON.stringify(figures));
