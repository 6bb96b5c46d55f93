// 时间标记: set by keyboard, checked by whoever holds the document, opened at the second (K4).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, givePurpose, pageAs, visit } from '../campus.js';

/** The document is asked from the browser as the button gives it. */
async function copied(page) {
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: '存为文件' }).first().click();
  const stream = await (await saved).createReadStream();
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

async function check(page, text) {
  await visit(page, '/marks');
  await page.locator('[name=document]').fill(text);
  await page.getByTestId('mark-check-run').click();
  const verdict = page.getByTestId('verdict');
  await verdict.waitFor();
  return verdict;
}

test('K4 R70 a mark is set by keyboard, and its document tells on its own', async () => {
  const page = await pageAs(account('school_supervisor'));
  await visit(page, '/recordings');
  await page.getByTestId('recordings').getByRole('link').first().click();
  await givePurpose(page);
  await page.waitForFunction(() => document.querySelector('video')?.currentTime > 0.5);
  await page.getByTestId('mark-save').click();
  assert.match(await page.getByTestId('mark-lacks').innerText(), /起点/);
  await page.keyboard.press('i');
  await page.waitForTimeout(2500);
  await page.keyboard.press('o');
  await page.locator('[name=mark-note]').fill('学生提问');
  await page.getByTestId('mark-save').click();
  await page.getByTestId('strip-mark').first().waitFor();
  assert.match(await page.getByTestId('mark-said').innerText(), /BJ-\d{5}/);

  const text = await copied(page);
  const genuine = await check(page, text);
  assert.equal(await genuine.getAttribute('data-verdict'), 'genuine');
  assert.match(await genuine.innerText(), /一致/);
  await page.getByTestId('verdict-open').click();
  await page.waitForURL(/recordings\/[0-9a-f-]+\?at=\d+/);
  await page.getByTestId('video').waitFor();

  const outsider = await pageAs(account('technician'));
  const seen = await check(outsider, text);
  assert.equal(await seen.getAttribute('data-verdict'), 'genuine');
  assert.equal(await outsider.getByTestId('verdict-open').count(), 0, 'but may not watch');
  const changed = await check(outsider, text.replace('学生提问', '教师离开'));
  assert.equal(await changed.getAttribute('data-verdict'), 'altered');
  const other = await check(outsider, '{"hello": 1}');
  assert.equal(await other.getAttribute('data-verdict'), 'not_a_mark');
  await outsider.close();

  await visit(page, '/marks');
  await page.getByTestId('own-marks').getByRole('button', { name: '撤回' }).first().click();
  await page.getByTestId('reason').locator('[name=reason]').fill('标错了');
  await page.getByTestId('reason-confirm').click();
  const withdrawn = await check(page, text);
  assert.match(await withdrawn.innerText(), /撤回：标错了/);
  await page.close();
});
