// Live in a browser without WebCodecs: the same pictures by Media Source Extensions, on the same
// canvas, with the same watermark; and a plain sentence where there is neither.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, givePurpose, pageAs, roomButton, visit } from '../campus.js';
import { watchCounters } from '../counter.js';
import { markWithin, unread } from '../mark-reader.js';

const supervisor = account('school_supervisor');

/** A page of a browser that lacks these. */
async function pageWithout(...names) {
  const page = await pageAs(supervisor);
  await page.addInitScript((names) => {
    for (const name of names) delete globalThis[name];
  }, names);
  return page;
}

test('R61 without WebCodecs the picture moves, with the watermark, and cannot be taken out', async () => {
  const page = await pageWithout('VideoDecoder', 'AudioDecoder', 'EncodedVideoChunk');
  await visit(page, '/live');
  await roomButton(page, 0).click();
  await givePurpose(page);
  const tile = page.locator('[data-testid=tile][data-state=playing]');
  await tile.waitFor({ timeout: 15_000 });
  await page.getByText('只能无声观看').waitFor();
  const picture = page.getByTestId('picture');
  for (const stream of ['sub', 'main']) {
    if (stream === 'main') {
      await page.getByTestId('stream-main').click();
      const isSharp = () => Number(document.querySelector('[data-testid=tile]').dataset.height) > 360;
      await page.waitForFunction(isSharp, null, { timeout: 15_000 });
    }
    const seen = await watchCounters(picture, 5);
    assert.equal(seen.length, 5, `${stream}: five different pictures`);
    for (let i = 1; i < seen.length; i += 1)
      assert.ok(seen[i].capturedMs > seen[i - 1].capturedMs, 'pictures only go forward');
    const [name, number, address] = (await tile.getAttribute('data-watermark')).split(' ');
    const mark = await markWithin(picture, { name, number, address });
    assert.deepEqual(unread(mark), [], stream);
    assert.equal(name, supervisor.name);
  }
  assert.equal(await page.locator('video').count(), 0, 'the media element is in no page');
  await page.close();
});

test('R61 without its watermark a picture is found out', async () => {
  const page = await pageWithout('VideoDecoder');
  await page.addInitScript(() => {
    const context = CanvasRenderingContext2D.prototype;
    context.fillText = () => {};
    context.strokeText = () => {};
  });
  await visit(page, '/live');
  await roomButton(page, 0).click();
  await givePurpose(page);
  const tile = page.locator('[data-testid=tile][data-state=playing]');
  await tile.waitFor({ timeout: 15_000 });
  const [name, number, address] = (await tile.getAttribute('data-watermark')).split(' ');
  const mark = await markWithin(page.getByTestId('picture'), { name, number, address }, 4000);
  assert.equal(unread(mark).length, 4, 'nothing is read where nothing was written');
  await page.close();
});

test('X35 without WebCodecs the wall moves too', async () => {
  const page = await pageWithout('VideoDecoder', 'AudioDecoder');
  await visit(page, '/wall');
  await givePurpose(page);
  await page.getByTestId('wall-2').click();
  const playing = page.locator('[data-testid=wall-picture][data-state=playing]');
  await playing.nth(1).waitFor({ timeout: 20_000 });
  for (const at of [0, 1])
    assert.equal((await watchCounters(playing.nth(at).locator('canvas'), 3)).length, 3);
  await page.close();
});

test('with neither the page says so plainly', async () => {
  const page = await pageWithout('VideoDecoder', 'MediaSource');
  await visit(page, '/live');
  await roomButton(page, 0).click();
  await page.getByText('本机浏览器太旧').waitFor();
  await page.close();
});
