// Live: click, purpose, a moving picture with the watermark; proven by the camera's own counter.
import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import { account, demo, givePurpose, pageAs, roomButton, visit } from '../campus.js';
import { watchCounters } from '../counter.js';
import { hearPhases, quantile, sample } from '../lip-sync.js';
import { hearWhatIsPlayed, loudness } from '../listener.js';
import { markWithin, unread } from '../mark-reader.js';

const supervisor = account('school_supervisor');

const tileOf = (page) => page.getByTestId('tile');

/** Waits for a moving picture of another view than `before`; returns the view's id. */
async function playing(page, before = '') {
  const tile = page.locator(`[data-state=playing]:not([data-view-id="${before}"])`);
  await tile.waitFor({ timeout: 15_000 });
  return tile.getAttribute('data-view-id');
}

/** Asks for the main stream and waits for its first picture. */
async function sharpen(page) {
  await page.getByTestId('stream-main').click();
  const isSharp = () => Number(document.querySelector('[data-testid=tile]').dataset.height) > 360;
  await page.waitForFunction(isSharp, null, { timeout: 15_000 });
}

test('R56 the school supervisor sees every room and R55 a moving picture', async () => {
  const page = await pageAs(supervisor);
  await visit(page, '/live');
  await page.getByTestId('room').first().waitFor();
  assert.equal(await page.getByTestId('room').count(), demo.rooms.length);
  await roomButton(page, 0).click();
  await givePurpose(page);
  await playing(page);
  const seen = await watchCounters(page.getByTestId('picture'), 10);
  assert.equal(seen.length, 10, 'ten different pictures');
  for (let i = 1; i < seen.length; i += 1)
    assert.ok(seen[i].capturedMs > seen[i - 1].capturedMs, 'pictures only go forward');
  const firstFrameMs = Number(await tileOf(page).getAttribute('data-first-frame-ms'));
  assert.ok(firstFrameMs > 0 && firstFrameMs < 5000, `first picture after ${firstFrameMs} ms`);
  await page.close();
});

test('R61 every picture carries the identity watermark', async () => {
  const page = await pageAs(supervisor);
  await visit(page, '/live');
  await roomButton(page, 0).click();
  await givePurpose(page);
  await playing(page);
  const mark = await tileOf(page).getAttribute('data-watermark');
  assert.ok(mark.includes(supervisor.name), mark);
  assert.ok(mark.includes(supervisor.login), mark);
  await page.close();
});

/** Who is to stand in the picture; the address is the one that the hub saw. */
async function watermarkOf(tile) {
  const mark = await tile.getAttribute('data-watermark');
  const address = mark.split(' ').at(-1);
  assert.ok(isIP(address), mark);
  return { name: supervisor.name, number: supervisor.login, address };
}

test('R61 name, number, address and time are read back from the pixels, and move', async () => {
  const page = await pageAs(supervisor);
  await visit(page, '/live');
  await roomButton(page, 0).click();
  await givePurpose(page);
  await playing(page);
  const who = await watermarkOf(tileOf(page));
  const picture = page.getByTestId('picture');
  for (const stream of ['sub', 'main']) {
    if (stream === 'main') await sharpen(page);
    const first = await markWithin(picture, who);
    assert.deepEqual(unread(first), [], stream);
    await page.waitForTimeout(3000);
    const second = await markWithin(picture, who);
    assert.deepEqual(unread(second), [], stream);
    const moved = Math.hypot(second.x - first.x, second.y - first.y);
    assert.ok(moved > 4, `${stream}: moved by ${moved.toFixed(1)} pixels`);
  }
  const stranger = await markWithin(picture, { ...who, name: '陈未在场', number: '4918273' }, 4000);
  assert.ok(unread(stranger).length >= 2, 'who does not watch is not read');
  await page.close();
});

test('the purpose is asked once per tab, and the main stream plays too', async () => {
  const page = await pageAs(supervisor);
  await visit(page, '/live');
  await roomButton(page, 0).click();
  await givePurpose(page);
  const first = await playing(page);
  await roomButton(page, 1).click();
  const second = await playing(page, first);
  assert.equal(await page.getByTestId('purpose').isVisible(), false, 'not asked again');
  await sharpen(page);
  assert.equal(await tileOf(page).getAttribute('data-view-id'), second, 'R60 the same visit');
  const seen = await watchCounters(page.getByTestId('picture'), 3);
  assert.equal(seen.length, 3, 'the main stream moves');
  await page.close();
});

test('R55 sound is heard when it is asked for: AAC, and FLAC made of G.711', async () => {
  const page = await pageAs(supervisor);
  await hearWhatIsPlayed(page);
  await visit(page, '/live');
  let view = '';
  for (const room of [0, 1]) {
    await roomButton(page, room).click();
    if (!view) await givePurpose(page);
    view = await playing(page, view);
    await sharpen(page);
    await page.getByTestId('sound').click();
    const heard = await loudness(page);
    assert.ok(heard > 0.01 && heard < 0.1, `room ${room} plays at ${heard}`);
  }
  await page.close();
});

test('R55 sound and picture are together', async () => {
  const page = await pageAs(supervisor);
  await hearPhases(page);
  await visit(page, '/live');
  await roomButton(page, 0).click();
  await givePurpose(page);
  await playing(page);
  await sharpen(page);
  await page.getByTestId('sound').click();
  await page.waitForTimeout(6000);
  const apart = (await sample(page, 40, 30_000)).map((one) => one.apart);
  assert.equal(apart.length, 40, 'sound is heard and pictures come');
  // EBU R37, at the end of distribution: sound 40 ms before its picture to 60 ms after it.
  const middle = quantile(apart, 0.5);
  assert.ok(middle > -40 && middle < 60, `sound is ${middle.toFixed(0)} ms after its picture`);
  await page.close();
});

test('F2§2.1 there is no way to save or detach the picture', async () => {
  const page = await pageAs(supervisor);
  await visit(page, '/live');
  await roomButton(page, 0).click();
  await givePurpose(page);
  await playing(page);
  assert.equal(await page.locator('a[download], [data-testid*=screenshot]').count(), 0);
  const isMenuPrevented = await page.getByTestId('picture').evaluate((picture) => {
    const click = new MouseEvent('contextmenu', { bubbles: true, cancelable: true });
    picture.dispatchEvent(click);
    return click.defaultPrevented;
  });
  assert.ok(isMenuPrevented);
  assert.equal(await page.locator('video').count(), 0, 'nothing to save or to take out');
  const ofOthers = await page.evaluate(async () => {
    globalThis.foreign = false;
    const inline = document.createElement('script');
    inline.textContent = 'globalThis.foreign = true';
    document.head.append(inline);
    const blob = new Blob(['globalThis.foreign = true'], { type: 'text/javascript' });
    const other = document.createElement('script');
    other.src = URL.createObjectURL(blob);
    const ended = new Promise((done) => (other.onload = other.onerror = done));
    document.head.append(other);
    await ended;
    return globalThis.foreign;
  });
  assert.equal(ofOthers, false, 'no script but ours runs, so none reads the canvas');
  await page.close();
});
