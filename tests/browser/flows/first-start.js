// An empty hub: three people become the three administrators, and one of them comes back by way of
// the school's own sign-in (X3, X5, X68). A hub of its own, started by XUNKE_TESTS.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { newPage, refusalText } from '../campus.js';
import { totp } from '../totp.js';

const PASSWORD = 'Xk7#wide-Lake-2026';
const NAMES = ['陈立', '刘芳', '孙敏'];
let hub;
let started;
let page;
let recovery = [];

before(async () => {
  const program = process.env.XUNKE_TESTS;
  assert.ok(program, 'XUNKE_TESTS is not set: give the program xunke-tests');
  hub = spawn(program, ['first-start'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: hub.stdout }), 'line');
  started = JSON.parse(line);
  page = await newPage();
});

after(async () => {
  await page?.context().close();
  if (!hub || hub.exitCode !== null) return;
  hub.kill('SIGTERM');
  await once(hub, 'exit');
});

async function fill(number, name) {
  const secret = (await page.getByTestId('secret').innerText()).replaceAll(' ', '');
  await page.locator('[name=number]').fill(number);
  await page.locator('[name=name]').fill(name);
  await page.locator('[name=new]').fill(PASSWORD);
  await page.locator('[name=repeat]').fill(PASSWORD);
  await page.locator('[name=totp]').fill(totp(secret, Date.now()));
  await page.getByTestId('start-finish').click();
}

test('X3 X5 three people become the three administrators, and nobody a fourth', async () => {
  await page.goto(`${started.url}/#/start`);
  await page.locator('[name=code]').fill(started.code);
  await page.getByTestId('start-next').click();
  const posts = page.locator('[name=post]');
  for (const [number, name] of NAMES.entries()) {
    await page.getByTestId('start-account').waitFor();
    assert.equal(await posts.count(), 3);
    assert.equal(await page.locator('[name=post]:disabled').count(), number);
    if (number === 1) {
      await fill('A1', name);
      assert.match(await refusalText(page), /三位管理员须由三个人分别担任/);
    }
    await fill(`A${number + 1}`, name);
    await page.getByTestId('started').waitFor();
    if (number === 0) {
      recovery = await page.getByTestId('recovery-codes').locator('code').allInnerTexts();
    }
    if (number < 2) await page.getByTestId('start-another').click();
  }
  assert.equal(await page.getByTestId('start-another').count(), 0);
  await page.goto(`${started.url}/#/start`);
  await page.reload();
  await page.locator('[name=code]').fill(started.code);
  await page.getByTestId('start-next').click();
  assert.match(await refusalText(page), /启用码不正确/);
});

test('X68 one who says no at the school stays outside', async () => {
  await page.goto(`${started.url}/#/sign-in`);
  await page.getByTestId('single-sign-on').click();
  await page.locator('[name=answer][value=no]').click();
  await page.getByTestId('single-sign-on-form').waitFor();
  assert.ok((await refusalText(page)).length > 6);
});

test('X1 X68 the school vouches, the hub asks for its own code, and is left again', async () => {
  await page.goto(`${started.url}/#/sign-in`);
  await page.getByTestId('single-sign-on').click();
  await page.locator('[name=answer][value=yes]').click();
  const form = page.getByTestId('single-sign-on-form');
  await form.locator('[name=totp]').fill('000000');
  await form.getByTestId('sign-in').click();
  assert.match(await refusalText(page), /验证码|不正确/);
  await form.locator('[name=totp]').fill(recovery[0]);
  await form.getByTestId('sign-in').click();
  await page.getByTestId('home').waitFor();
  assert.ok((await page.getByTestId('who').innerText()).includes(NAMES[0]));
  assert.ok(!/code=|state=/.test(page.url()), page.url());
  await page.getByTestId('sign-out').click();
  await page.getByTestId('sign-in-form').waitFor();
});
