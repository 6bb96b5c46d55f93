// A password that is too old: nothing opens but the page on which it is changed (R30).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { account, demo, newPage, visit } from '../campus.js';
import { totp, untilNextCode } from '../totp.js';

// The second unit's supervisor: nobody else in these tests is that person.
const who = demo.accounts.filter((one) => one.role === 'unit_supervisor').at(-1);

test('R30 an expired password opens the page to change it, and no other', async () => {
  assert.notEqual(who.login, account('unit_supervisor').login);
  execFileSync('sqlite3', [
    '-cmd',
    '.timeout 10000',
    `${demo.data_dir}/hub/hub.sqlite`,
    `UPDATE credentials SET password_changed_ms = 1 WHERE person_id =
     (SELECT id FROM persons WHERE staff_number = '${who.login}')`,
  ]);
  const page = await newPage();
  await page.goto(demo.url);
  await page.locator('[name=login]').fill(who.login);
  await page.locator('[name=password]').fill(who.password);
  // A code is good once: the one before for signing in, so that the current one is left.
  const left = untilNextCode(Date.now());
  if (left < 8000) await page.waitForTimeout(left + 200);
  await page.locator('[name=totp]').fill(totp(who.totp_secret, Date.now() - 30_000));
  await page.getByTestId('sign-in').click();
  const expired = page.getByTestId('expired');
  await expired.waitFor();
  assert.match(await expired.innerText(), /第十一条/);
  for (const path of ['/', '/live', '/recordings', '/account']) {
    await visit(page, path);
    await expired.waitFor();
    assert.equal(await page.getByTestId('menu').count(), 0, path);
  }
  const form = page.getByTestId('password-form');
  await form.locator('[name=old]').fill(who.password);
  await form.locator('[name=new]').fill('Qm4-tall-Tree-2027');
  await form.locator('[name=repeat]').fill('Qm4-tall-Tree-2027');
  await form.locator('[name=code]').fill(totp(who.totp_secret, Date.now()));
  await form.getByTestId('password-change').click();
  await page.getByTestId('home').waitFor();
  await page.getByTestId('cards').waitFor();
  await page.context().close();
});
