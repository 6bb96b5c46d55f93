// 人员、移交、违规处理: a list previewed and written, a post changed, a hand-over closed, a breach
// filed and put into force (R16, R23, R25, R27, R44, R104).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, demo, newPage, pageAs, visit } from '../campus.js';

const GOOD = '工号,姓名,教学单位,角色\nN9001,新同事,信息工程学院,任课教师\nN9002,另一位,机电工程学院,任课教师\n';
const BAD = '工号,姓名,教学单位,角色\nN9003,某人,不存在学院,任课教师\n,无工号,信息工程学院,任课教师\n';

const csv = (text) => ({ name: '人员.csv', mimeType: 'text/csv', buffer: Buffer.from(text) });

test('R27 a list with problems says where they are, and writes nothing', async () => {
  const page = await pageAs(account('technician'));
  await visit(page, '/people/import');
  await page.locator('[name=file]').setInputFiles(csv(BAD));
  await page.getByTestId('staff-preview').click();
  const said = await page.getByTestId('line-problems').innerText();
  assert.match(said, /教学单位/);
  assert.match(said, /不存在学院/);
  assert.equal(await page.getByTestId('staff-confirm').count(), 0);
  await page.close();
});

test('R27 a good list is previewed, confirmed and there', async () => {
  const page = await pageAs(account('technician'));
  await visit(page, '/people/import');
  await page.locator('[name=file]').setInputFiles(csv(GOOD));
  await page.getByTestId('staff-preview').click();
  await page.getByTestId('staff-steps').getByText('新同事').waitFor();
  await page.getByTestId('staff-confirm').click();
  await page.getByTestId('staff-done').waitFor();
  await visit(page, '/people');
  await page.locator('[name=search]').fill('N9001');
  await page.getByTestId('people').getByText('新同事').waitFor();
  await page.close();
});

test('R16 the security administrator makes somebody a unit leader, on a paper', async () => {
  const page = await pageAs(account('security_administrator'));
  await visit(page, '/people');
  await page.locator('[name=search]').fill('N9002');
  const row = page.getByTestId('people').locator('tr', { hasText: 'N9002' });
  await row.waitFor();
  await row.getByTestId('people-change').click();
  await page.getByTestId('post').locator('[value=unit_leader]').check();
  await page.getByTestId('post').locator('[name=basis]').fill('教务〔2026〕12号');
  await page.getByTestId('post-confirm').click();
  await page.getByTestId('people-done').waitFor();
  await row.filter({ hasText: '教学单位负责人' }).waitFor();
  await page.close();
});

test('R23 R44 a departure opens a list that closes when its lines are done', async () => {
  const page = await pageAs(account('academic_affairs'));
  await visit(page, '/departures');
  const form = page.getByTestId('departure-form');
  await form.locator('[name=staff_number]').fill('N9001');
  await form.locator('[name=reason]').fill('退休');
  await page.getByTestId('departure-open').click();
  await page.getByTestId('departure-done').waitFor();
  const card = page.getByTestId('departure').filter({ hasText: 'N9001' });
  await card.locator('[name=what]').fill('听课笔记');
  await card.getByTestId('handover-add').click();
  await card.locator('[name=receiver]').fill(account('academic_affairs').login);
  await card.getByTestId('departure-close').click();
  await card.getByTestId('refusal').waitFor();
  await card.getByTestId('handed-over').click();
  await card.getByTestId('handed-over').waitFor({ state: 'hidden' });
  await card.getByTestId('departure-close').click();
  await card.getByText('已办结').waitFor();
  await page.close();
});

test('R104 a breach is filed by one office and put into force by the other', async () => {
  const page = await pageAs(account('academic_affairs'));
  await visit(page, '/sanctions');
  const form = page.getByTestId('sanction-form');
  await form.locator('[name=number]').fill('教务〔2026〕33号');
  await form.locator('[name=staff_number]').fill('N9002');
  await form.locator('[name=facts]').fill('将账号借给他人。');
  await form.locator('[name=evidence]').fill('1');
  await page.getByTestId('sanction-file').click();
  await page.getByTestId('sanction-done').waitFor();
  const security = await pageAs(account('security_administrator'));
  await visit(security, '/sanctions');
  await security.getByTestId('sanction-decide').click();
  await security.locator('[data-state=in_force]').waitFor();
  await security.close();
  await page.getByTestId('sanction-export').waitFor();
  await page.close();
});

test('X4 the system administrator sees that every account is in use', async () => {
  const page = await pageAs(account('technician'));
  await visit(page, '/people');
  const stale = page.getByTestId('stale');
  await stale.getByText('没有长期未用的账号').waitFor();
  assert.match(await stale.innerText(), /90 天未登录/);
  assert.ok(await page.getByTestId('stale-export').isDisabled());
  await page.close();
});

test('X2 an account that strangers guess at is released with a reason', async () => {
  const stranger = await newPage();
  await stranger.goto(demo.url);
  const who = account('unit_leader');
  for (let tries = 0; tries < 6; tries += 1) {
    await stranger.locator('[name=login]').fill(who.login);
    await stranger.locator('[name=password]').fill('not the password');
    await stranger.locator('[name=totp]').fill('000000');
    await stranger.getByTestId('sign-in').click();
    await stranger.getByTestId('refusal').waitFor();
  }
  await stranger.context().close();
  const page = await pageAs(account('technician'));
  await visit(page, '/sign-in-guard');
  const line = page.getByTestId('lockouts').locator('tr', { hasText: who.login });
  await line.getByTestId('lockout-release').first().click();
  await page.locator('[name=reason]').fill('已向本人核实');
  await page.getByTestId('reason-confirm').click();
  await page.getByTestId('lockout-done').waitFor();
  await line.getByTestId('lockout-release').first().waitFor({ state: 'hidden' });
  await page.close();
});
