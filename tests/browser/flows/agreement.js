// 附件2: application → opening → agreement → view → revocation, each on a page (R17–R19, R23,
// R34–R40, R46).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  account,
  demo,
  givePurpose,
  pageAs,
  refusalText,
  roomButton,
  visit,
} from '../campus.js';
import { totp, untilNextCode } from '../totp.js';

const supervisor = account('school_supervisor_unsigned');
const NUMBER = '440524188001010014';

/** The row of the supervisor in a table. */
function row(page, table) {
  return page.getByTestId(table).locator('tr', { hasText: supervisor.name }).first();
}

/** The line of what came of the application; the demo's own grants have other numbers. */
function opened(page) {
  const lines = page.getByTestId('ledger').locator('tr', { hasText: supervisor.name });
  return lines.filter({ hasText: 'SQ-0' }).first();
}

async function apply(page) {
  await visit(page, '/applications');
  const form = page.getByTestId('application-form');
  const option = form.locator('[name=person] option', { hasText: supervisor.login });
  await form.locator('[name=person]').selectOption(await option.getAttribute('value'));
  await form.locator('[name=level]').selectOption('1');
  await form.locator('[name=reason]').fill('本学期巡课');
  await form.locator('[name=reason]').press('Enter');
  await page.getByTestId('application-filed').waitFor();
}

/** Types a signature; a used code waits for the next. */
async function sign(page) {
  const form = page.getByTestId('agreement-form');
  await form.locator('[name=accepted]').check();
  await form.locator('[name=name]').fill(supervisor.name);
  await form.locator('[name=identity]').fill(NUMBER);
  await form.locator('[name=password]').fill(supervisor.password);
  for (let attempt = 0; ; attempt += 1) {
    await form.locator('[name=totp]').fill(totp(supervisor.totp_secret, Date.now()));
    await page.getByTestId('agreement-sign').click();
    const signed = page.getByTestId('agreement-signed');
    await signed.or(form.getByTestId('refusal')).first().waitFor();
    if (await signed.isVisible()) return;
    if (attempt > 0) throw new Error(`not signed: ${await refusalText(page)}`);
    await page.waitForTimeout(untilNextCode(Date.now()) + 500);
  }
}

test('R19 a permission is opened before the agreement is signed, and shows nothing', async () => {
  await apply(await pageAs(account('academic_affairs')));
  const page = await pageAs(account('security_administrator'));
  await visit(page, '/openings');
  await row(page, 'applications').getByTestId('grant-open').click();
  await page.locator('[data-state=opened]').first().waitFor();
  assert.match(await row(page, 'applications').innerText(), /已开通\s*待签协议/);
  await visit(page, '/ledger');
  await opened(page).waitFor();
  assert.match(await opened(page).innerText(), /有效\s*待签协议/);
  await page.close();
  const watching = await pageAs(supervisor);
  await visit(watching, '/live');
  assert.match(await refusalText(watching), /第十条/);
  await watching.getByTestId('go-sign').first().waitFor();
  await watching.close();
});

test('R35 R37 the home page leads to the agreement, which is read and then signed', async () => {
  const page = await pageAs(supervisor);
  await visit(page, '/');
  await page.getByTestId('unsigned').getByTestId('go-sign').click();
  const button = page.getByTestId('agreement-sign');
  await button.waitFor();
  assert.ok(await button.isDisabled(), 'nobody signs at once');
  assert.match(await page.getByTestId('agreement-end').innerText(), /滚动到末尾/);
  const paper = page.getByTestId('agreement-text');
  await paper.evaluate((box) => box.scrollTo(0, box.scrollHeight));
  await page.getByText('已阅读到末尾').waitFor();
  await page.getByText('已达到最短阅读时间').waitFor();
  await sign(page);
  await page.getByTestId('agreement-state').filter({ hasText: '有效' }).waitFor();
  const own = page.getByTestId('own-agreements');
  assert.match(await own.innerText(), /440\*{11}0014/);
  assert.ok(!(await page.content()).includes(NUMBER), 'R46: in full nowhere');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByTestId('own-original').click(),
  ]);
  assert.match(download.suggestedFilename(), /^BM-\d+-person\.pdf$/);
  await page.close();
});

test('R19 signed, the rooms are there', async () => {
  const page = await pageAs(supervisor);
  await visit(page, '/live');
  await page.getByTestId('room').first().waitFor();
  assert.equal(await page.getByTestId('room').count(), demo.rooms.length);
  await page.close();
});

test('R39 R46 Academic Affairs keeps the register, and reads a number for a reason', async () => {
  const page = await pageAs(account('academic_affairs'));
  await visit(page, '/agreements');
  await row(page, 'agreements').waitFor();
  assert.match(await row(page, 'agreements').innerText(), /电子签署/);
  assert.ok(!(await page.content()).includes('0014'), 'not even masked in a list');
  await row(page, 'agreements').getByTestId('agreement-open').click();
  await page.getByTestId('agreement-detail').waitFor();
  assert.match(await page.getByTestId('identity-number').innerText(), /440\*{11}0014/);
  await page.getByTestId('identity-reveal').click();
  await page.locator('[name=reason]').fill('核对人事档案');
  await page.getByTestId('reason-confirm').click();
  await page.getByText(NUMBER).waitFor();
  await page.close();
});

test('R23 the picture is there, and gone at once when it is taken back', async () => {
  const watching = await pageAs(supervisor);
  await visit(watching, '/live');
  await roomButton(watching, 0).click();
  await givePurpose(watching);
  await watching.locator('[data-testid=tile][data-state=playing]').waitFor();
  const page = await pageAs(account('security_administrator'));
  await visit(page, '/ledger');
  await opened(page).getByTestId('grant-revoke').click();
  await page.locator('[name=reason]').fill('本学期巡课结束');
  await page.getByTestId('reason-confirm').click();
  await page.getByTestId('reason-confirm').waitFor({ state: 'hidden' });
  assert.match(await refusalText(watching), /第十一条/);
  assert.equal(await watching.locator('[data-testid=tile][data-state=playing]').count(), 0);
  await watching.close();
  await page.close();
});
