// The patrol wall: rooms in lesson side by side, the round, one room large with its record.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, givePurpose, pageAs, visit } from '../campus.js';
import { watchCounters } from '../counter.js';
import { markWithin, unread } from '../mark-reader.js';

const supervisor = account('school_supervisor');
const PLAYING = '[data-testid=wall-picture][data-state=playing]';

/** The wall with as many tiles on a side, its first picture moving. */
async function wall(side) {
  const page = await pageAs(supervisor);
  await visit(page, '/wall');
  await givePurpose(page);
  await page.getByTestId(`wall-${side}`).click();
  await page.locator(PLAYING).first().waitFor({ timeout: 15_000 });
  return page;
}

/** Name, number, address and time are in the pixels of the tile. */
async function assertMarked(tile) {
  const [name, number, address] = (await tile.getAttribute('data-watermark')).split(' ');
  const mark = await markWithin(tile.locator('canvas'), { name, number, address });
  assert.deepEqual(unread(mark), []);
}

/** What the trail of one's own page cannot say, the page itself does: which rooms are on the wall. */
const roomsOn = (page) =>
  page
    .getByTestId('wall-picture')
    .evaluateAll((all) => all.map((one) => one.dataset.room).filter(Boolean));

test('X35 R61 rooms in lesson move side by side, each with the watermark', async () => {
  const page = await wall(3);
  assert.equal(await page.getByTestId('wall-cell').count(), 9);
  await page.locator(PLAYING).nth(1).waitFor({ timeout: 15_000 });
  for (const at of [0, 1]) {
    const tile = page.locator(PLAYING).nth(at);
    const mark = await tile.getAttribute('data-watermark');
    assert.ok(mark.includes(supervisor.name) && mark.includes(supervisor.login), mark);
    assert.equal((await watchCounters(tile.locator('canvas'), 3)).length, 3, 'it moves');
    await assertMarked(tile);
  }
  await page.close();
});

test('X36 the day stands under the large picture: periods, now, and words by the keyboard', async () => {
  const page = await wall(2);
  await page.getByTestId('wall-cell').first().click();
  await page.keyboard.press('Enter');
  const now = page.locator('[data-testid=day-cell][data-when=now]');
  await now.waitFor();
  const cells = page.getByTestId('day-cell');
  assert.ok((await cells.count()) > 2, 'the whole day');
  await now.locator('button').focus();
  const told = await page.getByTestId('day-told').innerText();
  assert.ok((await now.innerText()).split('\n').some((word) => word.length > 2 && told.includes(word)));
  await page.close();
});

test('R56 rooms are found by building, unit, course and teacher', async () => {
  const page = await wall(2);
  for (const by of ['building', 'unit', 'course', 'teacher']) {
    await page.getByTestId(`wall-by-${by}`).click();
    await page.getByTestId('wall-group').first().waitFor();
  }
  const before = (await roomsOn(page)).length;
  assert.ok(before > 1, `${before} rooms`);
  await page.getByTestId('wall-group').first().click();
  await page.getByTestId('wall-room').first().waitFor();
  await page.waitForTimeout(500);
  assert.equal((await roomsOn(page)).length, 1, 'one teacher is in one room');
  await page.close();
});

test('keys choose a tile, enlarge it sharp, bring the record, and lead back', async () => {
  const page = await wall(2);
  await page.getByTestId('wall-cell').first().click();
  await page.keyboard.press('Enter');
  const large = page.locator('.wall-cell.large').getByTestId('wall-picture');
  await page.waitForFunction(
    () => Number(document.querySelector('.wall-cell.large .front')?.dataset.height) > 360,
  );
  assert.equal((await watchCounters(large.locator('canvas'), 3)).length, 3, 'the main stream moves');
  assert.equal((await roomsOn(page)).length, 1, 'what nobody sees is closed');
  await assertMarked(large);
  await page.keyboard.press('f');
  await page.getByTestId('patrol-form').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await page.getByTestId('wall-enlarged').waitFor({ state: 'detached' });
  await page.locator(PLAYING).nth(1).waitFor({ timeout: 15_000 });
  await page.close();
});

test('a page in the background holds no picture, and has them again', async () => {
  const page = await wall(2);
  const hide = (hidden) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { configurable: true, value });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  await hide(true);
  await page.locator('[data-testid=wall-picture][data-state=paused]').first().waitFor();
  assert.equal(await page.locator(PLAYING).count(), 0);
  await hide(false);
  await page.locator(PLAYING).first().waitFor({ timeout: 15_000 });
  await page.close();
});

test('X35 the round brings the next room without a dark moment', async () => {
  const page = await wall(1);
  const [first] = await roomsOn(page);
  await page.getByTestId('wall-seconds').selectOption('5');
  await page.getByTestId('wall-round').click();
  await page.waitForFunction(
    (room) => document.querySelector('.wall-picture.front')?.dataset.room !== room,
    first,
    { timeout: 10_000 },
  );
  const state = await page.getByTestId('wall-picture').first().getAttribute('data-state');
  assert.equal(state, 'playing', 'it was made ready before it was due');
  await page.close();
});
