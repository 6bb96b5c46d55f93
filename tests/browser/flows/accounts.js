// 我的账号 and 启用: a start code issued, an account set up, used, and changed (R28–R30, X1, X3).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, demo, newPage, pageAs, refusalText, visit } from '../campus.js';
import { totp, untilNextCode } from '../totp.js';

const PASSWORD = 'Xk7#wide-Lake-2026';
const NEXT = 'Qm4-tall-Tree-2027';
// The last teacher: nobody else in these tests is that person.
const teacher = demo.accounts.filter((one) => one.role === 'teacher').at(-1);
let code = '';
let secret = '';
let recovery = [];
let page;

/** Looks somebody up on the page 人员. The hub answers the search; until then rows still move. */
async function personRow(officer, login) {
  await visit(officer, '/people');
  await officer.locator('[name=search]').fill(login);
  const rows = officer.getByTestId('people').locator('tbody tr');
  await rows.filter({ hasText: login }).waitFor();
  await rows.filter({ hasNotText: login }).first().waitFor({ state: 'hidden' });
  return rows.first();
}

test('X3 the system administrator issues a start code for a teacher', async () => {
  const officer = await pageAs(account('technician'));
  const row = await personRow(officer, teacher.login);
  await row.getByTestId('start-code').click();
  await officer.getByTestId('start-code-issue').click();
  assert.match(
    await officer.getByTestId('start-code-dialog').innerText(),
    new RegExp(teacher.login),
  );
  code = await officer.getByTestId('start-code-shown').innerText();
  assert.match(code, /^([0-9A-Z]{4}-){4}[0-9A-Z]{4}$/);
  await officer.close();
});

test('X3 R8 an account that sees classes waits for a second officer', async () => {
  const officer = await pageAs(account('technician'));
  const row = await personRow(officer, account('unit_supervisor').login);
  await row.getByTestId('start-code').click();
  await officer.getByTestId('start-code-issue').click();
  assert.match(await officer.getByTestId('start-code-waiting').innerText(), /安全管理员/);
  await officer.close();
});

test('X1 with the code the teacher sets up password and authenticator', async () => {
  page = await newPage();
  await page.goto(demo.url);
  await page.getByRole('link', { name: '启用码' }).click();
  await page.locator('[name=code]').fill('WRONG-CODE');
  await page.getByTestId('start-next').click();
  assert.match(await refusalText(page), /启用码不正确/);
  await page.locator('[name=code]').fill(code.toLowerCase());
  await page.getByTestId('start-next').click();
  await page.getByTestId('start-account').waitFor();
  assert.match(await page.locator('h1').innerText(), new RegExp(teacher.name));
  secret = (await page.getByTestId('secret').innerText()).replaceAll(' ', '');
  assert.ok(!page.url().includes(secret), 'the secret is in the address');
  await page.locator('[name=new]').fill('password');
  await page.locator('[name=repeat]').fill('password');
  await page.locator('[name=totp]').fill(totp(secret, Date.now()));
  await page.getByTestId('start-finish').click();
  assert.match(await refusalText(page), /附件2 第二条第2项/);
  await page.locator('[name=new]').fill(PASSWORD);
  await page.locator('[name=repeat]').fill(PASSWORD);
  await page.locator('[name=totp]').fill(totp(secret, Date.now()));
  await page.getByTestId('start-finish').click();
  await page.getByTestId('started').waitFor();
  recovery = await page.getByTestId('recovery-codes').locator('code').allInnerTexts();
  assert.equal(recovery.length, 10);
});

test('X1 a recovery code signs in, and the account page counts it', async () => {
  await page.getByTestId('start-sign-in').click();
  await page.locator('[name=login]').fill(teacher.login);
  await page.locator('[name=password]').fill(PASSWORD);
  await page.getByTestId('use-recovery').click();
  await page.locator('[name=recovery]').fill(recovery[0]);
  await page.getByTestId('sign-in').click();
  await page.getByTestId('home').waitFor();
  await page.getByTestId('who').click();
  await page.getByTestId('sign-ins').waitFor();
  assert.match(await page.getByTestId('recovery-left').innerText(), /9/);
  assert.match(await page.getByTestId('sign-ins').innerText(), /密码与恢复代码/);
});

test('R29 R30 the password is changed, and the page goes on', async () => {
  const form = page.getByTestId('password-form');
  const change = async (fresh, proof) => {
    await form.locator('[name=old]').fill(PASSWORD);
    await form.locator('[name=new]').fill(fresh);
    await form.locator('[name=repeat]').fill(fresh);
    await form.locator('[name=code]').fill(proof);
    await form.getByTestId('password-change').click();
  };
  await change(PASSWORD, recovery[1]);
  assert.match(await refusalText(page), /最近用过/);
  await change(NEXT, recovery[2]);
  await page.getByTestId('password-done').waitFor();
  await visit(page, '/');
  await page.getByTestId('home').waitFor();
});

test('X1 a passkey is added, signs in instead of the code, and is taken away', async () => {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'usb',
      hasUserVerification: false,
      automaticPresenceSimulation: true,
    },
  });
  await visit(page, '/account');
  const panel = page.getByTestId('passkeys');
  await panel.getByTestId('passkey-begin').click();
  await panel.locator('[name=passkey-name]').fill('办公室电脑');
  await panel.locator('[name=password]').fill(NEXT);
  await panel.locator('[name=code]').fill(recovery[4]);
  await panel.getByTestId('again').click();
  await panel.locator('li', { hasText: '办公室电脑' }).waitFor();
  await page.getByTestId('sign-out').click();
  await page.locator('[name=login]').fill(teacher.login);
  await page.locator('[name=password]').fill(NEXT);
  assert.ok(!page.url().includes('ended'), 'whoever signs out is not told that a session ended');
  await page.getByTestId('use-passkey').click();
  await page.getByTestId('home').waitFor();
  await page.getByTestId('who').click();
  assert.match(await page.getByTestId('sign-ins').innerText(), /密码与通行密钥/);
  await panel.getByTestId('passkey-remove').click();
  await panel.locator('li', { hasText: '办公室电脑' }).waitFor({ state: 'hidden' });
});

test('X1 the authenticator is changed, and only the new one signs in', async () => {
  await visit(page, '/account');
  const panel = page.getByTestId('authenticator');
  await panel.getByTestId('authenticator-begin').click();
  await panel.locator('[name=password]').fill(NEXT);
  await panel.locator('[name=code]').fill(recovery[3]);
  await panel.getByTestId('again').click();
  const fresh = (await panel.getByTestId('secret').innerText()).replaceAll(' ', '');
  await panel.locator('[name=totp]').fill(totp(fresh, Date.now()));
  await panel.getByTestId('authenticator-confirm').click();
  await panel.getByRole('status').waitFor();
  await page.getByTestId('sign-out').click();
  await page.waitForTimeout(untilNextCode(Date.now()) + 500);
  const signIn = async (digits) => {
    await page.locator('[name=login]').fill(teacher.login);
    await page.locator('[name=password]').fill(NEXT);
    await page.locator('[name=totp]').fill(digits);
    await page.getByTestId('sign-in').click();
  };
  await signIn(totp(secret, Date.now()));
  assert.match(await refusalText(page), /不正确/);
  await signIn(totp(fresh, Date.now()));
  await page.getByTestId('home').waitFor();
});

test('X17 who signs out leaves nothing behind', async () => {
  await page.evaluate(() => sessionStorage.setItem('xunke.draft.lesson', '{"attendance_note":"x"}'));
  await page.getByTestId('sign-out').click();
  await page.locator('[name=login]').waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  const cookies = await page.context().cookies();
  assert.ok(!cookies.some((cookie) => cookie.name === '__Host-xunke'), 'the cookie is still there');
  await page.goBack();
  await page.locator('[name=login]').waitFor();
  await page.context().close();
});
