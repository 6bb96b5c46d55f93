// 教室状态 and one room's page: every room by its state, the numbers over time (R64). The demo's
// camera has failed by now.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, demo, pageAs, visit } from '../campus.js';

/** The hub looks once a minute, and writes a step when its five minutes are over. */
const NUMBERS_WITHIN_MS = 420_000;

let page;

test('R64 every room is a tile with its state in words, walked through by arrows', async () => {
  page = await pageAs(account('technician'));
  await visit(page, '/fleet');
  const tiles = page.getByTestId('room-tile');
  await tiles.first().waitFor();
  assert.equal(await tiles.count(), demo.rooms.length);
  await page.locator('[data-look=fault]').first().waitFor();
  for (const text of await tiles.allInnerTexts()) assert.match(text, /正常|上课中|故障|离线|未入网/);
  await page.locator('.tile-room[tabindex="0"]').focus();
  await page.keyboard.press('End');
  const last = await page.evaluate(() => document.activeElement.dataset.room);
  assert.equal(last, await tiles.last().getAttribute('data-room'));
  await page.getByTestId('look-fault').click();
  for (const look of await tiles.evaluateAll((all) => all.map((one) => one.dataset.look)))
    assert.equal(look, 'fault');
});

test('R64 one room shows its numbers, faults, box and certificate, and nothing of its class', async () => {
  await page.locator('[data-look=fault]').first().focus();
  await page.keyboard.press('Enter');
  await page.getByTestId('room-title').waitFor();
  await page.getByTestId('fault').first().waitFor();
  await page.getByTestId('room-numbers').getByText('处理器占用').first().waitFor();
  assert.match(await page.getByTestId('room-box').innerText(), /证书/);
  const text = await page.locator('main').innerText();
  assert.ok(!text.includes(account('teacher').name), text);
  assert.equal(await page.locator('video').count(), 0);
});

test('R64 numbers over time are drawn, and can be read as a table', async () => {
  const chart = page.locator('[data-chart=cpu_ratio]');
  await chart.locator('canvas').waitFor({ timeout: NUMBERS_WITHIN_MS });
  assert.match(await chart.locator('[role=img]').getAttribute('aria-label'), /最新 [\d.]+/);
  await chart.locator('summary').click();
  assert.ok((await chart.locator('tbody tr').count()) > 0);
  await page.getByTestId('span-month').click();
  await chart.locator('canvas').waitFor();
  await page.close();
});
