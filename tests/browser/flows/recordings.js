// A recording of a running lesson plays back with its watermark; proven by the camera's counter.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, demo, givePurpose, pageAs, visit } from '../campus.js';
import { watchCounters } from '../counter.js';

/** The first segments of a lesson are uploaded within about half a minute. */
const RECORDED_WITHIN_MS = 120_000;

async function openFirstRecording(page, room = 0) {
  const until = Date.now() + RECORDED_WITHIN_MS;
  const rows = page.getByTestId('recordings').getByRole('row');
  const line = rows.filter({ hasText: demo.rooms[room].name });
  for (;;) {
    await visit(page, '/');
    await visit(page, '/recordings');
    await page.getByTestId('recordings').or(page.getByTestId('empty')).first().waitFor();
    if (await line.first().isVisible()) break;
    assert.ok(Date.now() < until, 'a recording appears in the list');
    await page.waitForTimeout(2000);
  }
  await line.getByRole('link').first().click();
}

test('R67 R68 a recording plays back inside the page only', async () => {
  const supervisor = account('school_supervisor');
  const page = await pageAs(supervisor);
  await openFirstRecording(page);
  await givePurpose(page);
  const video = page.getByTestId('video');
  await video.waitFor();
  await page.waitForFunction(() => document.querySelector('video')?.currentTime > 0.5, undefined, {
    timeout: 20_000,
  });
  const before = await video.evaluate((v) => v.currentTime);
  const seen = await watchCounters(video, 5);
  assert.equal(seen.length, 5, 'the counter is readable and moves');
  assert.ok((await video.evaluate((v) => v.currentTime)) > before, 'the position advances');
  const mark = await page.getByTestId('playback').getAttribute('data-watermark');
  assert.ok(mark.includes(supervisor.name) && mark.includes(supervisor.login), mark);
  const painted = await page.getByTestId('mark').evaluate((canvas) => {
    const { width, height } = canvas;
    const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;
    return pixels.some((value, i) => i % 4 === 3 && value > 0);
  });
  assert.ok(painted, 'the watermark lies over the picture');
  assert.match(await video.getAttribute('controlslist'), /nodownload/);
  assert.equal(await video.evaluate((v) => v.disablePictureInPicture && !v.controls), true);
  await page.close();
});

test('R67 a recording whose sound came as G.711 is heard', async () => {
  const page = await pageAs(account('school_supervisor'));
  await openFirstRecording(page, 1);
  await givePurpose(page);
  const video = page.getByTestId('video');
  const decoded = () => document.querySelector('video')?.webkitAudioDecodedByteCount > 4096;
  await page.waitForFunction(decoded, undefined, { timeout: 20_000 });
  const seen = await watchCounters(video, 5);
  assert.equal(seen.length, 5, 'and its picture moves');
  await page.close();
});

test('the timeline seeks by click and by keyboard', async () => {
  const page = await pageAs(account('school_supervisor'));
  await openFirstRecording(page);
  await givePurpose(page);
  const video = page.getByTestId('video');
  await page.waitForFunction(() => document.querySelector('video')?.currentTime > 0.3);
  await page.getByTestId('play').click();
  const strip = await page.getByTestId('strip').boundingBox();
  const recorded = await page.locator('.strip-recorded').last().boundingBox();
  const at = recorded.x + recorded.width / 2;
  await page.mouse.click(at, strip.y + strip.height / 2);
  const seconds = await video.evaluate((v) => v.duration);
  const middle = await video.evaluate((v) => v.currentTime);
  const expected = ((at - strip.x) / strip.width) * seconds;
  assert.ok(Math.abs(middle - expected) < Math.max(1, seconds * 0.02), `${middle} of ${seconds}`);
  await page.keyboard.press('ArrowLeft');
  const back = await video.evaluate((v) => v.currentTime);
  assert.ok(back < middle, 'the left arrow goes back');
  await page.getByTestId('strip').focus();
  await page.keyboard.press('End');
  assert.ok((await video.evaluate((v) => v.currentTime)) > middle, 'End goes to the end');
  await page.keyboard.press('>');
  assert.equal(await video.evaluate((v) => v.playbackRate), 1.25);
  await page.keyboard.press('m');
  assert.equal(await video.evaluate((v) => v.muted), true);
  await page.keyboard.press('?');
  await page.getByTestId('keys').waitFor();
  await page.close();
});

test('K4 a link opens a recording at its second', async () => {
  const page = await pageAs(account('school_supervisor'));
  let play;
  page.on('response', async (answer) => {
    if (answer.url().endsWith('/plays')) play = await answer.json();
  });
  await openFirstRecording(page);
  await givePurpose(page);
  await page.getByTestId('video').waitFor();
  await page.waitForFunction(() => document.querySelector('video')?.currentTime > 0.3);
  const one = play.segments.at(-1);
  const moment = one.start + Math.floor(one.duration_ms / 2);
  const address = page.url().split('#')[1];
  await visit(page, '/');
  await page.getByTestId('home').waitFor();
  await visit(page, `${address}?at=${moment}`);
  const second = (moment - play.start) / 1000;
  const isThere = (wanted) => {
    const video = document.querySelector('video');
    return video?.readyState > 1 && Math.abs(video.currentTime - wanted) < 2;
  };
  await page.waitForFunction(isThere, second, { timeout: 10_000 });
  await page.close();
});

test('R67 recordings are found by week, room and words, and the address says how', async () => {
  const page = await pageAs(account('school_supervisor'));
  await openFirstRecording(page);
  await visit(page, '/recordings');
  const rows = page.getByTestId('recordings').getByRole('row');
  await rows.nth(1).waitFor();
  await page.getByRole('button', { name: '本周' }).click();
  await page.waitForURL(/term=[^&]+&week=\d+/);
  await rows.filter({ hasText: demo.rooms[0].name }).first().waitFor();
  await page.getByTestId('filter-room').click();
  await page.getByRole('option', { name: demo.rooms[0].name }).click();
  await page.waitForURL(/room=/);
  await rows.nth(1).waitFor();
  for (const text of (await rows.allInnerTexts()).slice(1))
    assert.ok(text.includes(demo.rooms[0].name), text);
  await page.locator('[name=text]').fill('没有这门课');
  await page.getByTestId('empty').waitFor();
  await page.getByTestId('empty').getByRole('button', { name: '清除其他条件' }).click();
  await rows.nth(1).waitFor();
  await page.goBack();
  await page.waitForURL(/room=/);
  await page.close();
});
