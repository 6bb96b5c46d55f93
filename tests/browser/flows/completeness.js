// 录像完整率: numbers for whoever maintains boxes and whoever answers for what is kept (K14).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, pageAs, visit } from '../campus.js';

/** The hub reckons half a minute after its start, and then every five minutes. */
const FIRST_NUMBERS_MS = 60_000;

/** The page, once the first days are reckoned. */
async function numbers(page) {
  const until = Date.now() + FIRST_NUMBERS_MS;
  for (;;) {
    await visit(page, '/completeness');
    await page.reload();
    const table = page.getByTestId('completeness');
    await table.or(page.getByTestId('empty')).first().waitFor();
    if (await table.isVisible()) return table;
    assert.ok(Date.now() < until, 'no numbers');
    await page.waitForTimeout(5_000);
  }
}

test('K14 R8 how complete recordings are, in numbers and reasons, without a picture', async () => {
  const page = await pageAs(account('academic_affairs'));
  const table = await numbers(page);
  assert.match(await page.getByTestId('campus-completeness').innerText(), /\d+(\.\d\d)? %/);
  await table.getByRole('button', { name: '按天查看' }).first().click();
  await page.getByTestId('capture-strip').waitFor();
  assert.match(await page.getByTestId('capture-strip').innerText(), /cam0/);
  assert.equal(await page.locator('canvas, video').count(), 0);
  await page.close();
});
