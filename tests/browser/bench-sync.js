// Measures how far sound and picture are apart, for AAC and G.711. Prints one JSON line:
// milliseconds, positive where the sound comes later.
import { account, givePurpose, pageAs, roomButton, stopBrowser, visit } from './campus.js';
import { hearPhases, sample } from './lip-sync.js';

const SAMPLES = Number(process.env.XUNKE_SAMPLES ?? 150);
/** The pace of the sound and the hold of the pictures have settled by then. */
const SETTLE_MS = 8_000;

await pageAs(account('school_supervisor'));
// A page that has not been loaded yet.
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
  await page.getByTestId('stream-main').click();
  await page.getByTestId('sound').click();
  await page.waitForTimeout(SETTLE_MS);
  const found = await sample(page, SAMPLES);
  figures[codec] = found.map((one) => Math.round(one.apart));
}
await stopBrowser();
console.log(JSON.stringify(figures));
