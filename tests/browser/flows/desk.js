// 设备入网: a code that is shown once, and what can be done to a box (X19).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, pageAs, visit } from '../campus.js';

const CODE = /^XK1-[A-Z2-7]{32}-[A-Z2-7]{52}$/;

test('X19 a technician makes a code for a room, and it is shown once', async () => {
  const page = await pageAs(account('technician'));
  await visit(page, '/desk');
  const form = page.getByTestId('code-form');
  await form.locator('[name=room]').selectOption({ index: 1 });
  await form.locator('[name=reason]').fill('备用设备');
  await page.getByTestId('make-code').click();
  const made = page.getByTestId('code-made');
  assert.match(await made.locator('code').first().innerText(), CODE);
  await page.getByTestId('boxes').getByText('待入网').first().waitFor();
  await page.reload();
  await form.waitFor();
  assert.equal(await made.count(), 0);
  await page.close();
});

test('X19 a code that no waiting box shows lets nobody in', async () => {
  const page = await pageAs(account('technician'));
  await visit(page, '/desk');
  const form = page.getByTestId('admit-form');
  await form.locator('[name=room]').selectOption({ index: 1 });
  await form.locator('[name=code]').fill('XB1-AAAA-BBBB-CCCC-DDDD-EEEE-FFFF');
  await form.locator('[name=reason]').fill('新装设备');
  await page.getByTestId('admit').click();
  await form.getByText('没有设备在等待这个代码').waitFor();
  assert.equal(await page.getByTestId('admitted').count(), 0);
  await page.close();
});

test('X20 a box renews its certificate when it is asked to, with a reason', async () => {
  const page = await pageAs(account('technician'));
  await visit(page, '/desk');
  await page.locator('[data-testid^=renew-]').first().click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('[name=reason]').fill('例行检查');
  await dialog.getByRole('button', { name: '更新证书' }).click();
  await page.getByTestId('desk-said').waitFor();
  assert.match(await page.getByTestId('desk-said').innerText(), /更新证书已完成/);
  await page.close();
});
