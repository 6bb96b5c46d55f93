// 权限: applied for by Academic Affairs, opened by the security administrator, taken back, each on
// the page of their own (R17, R18, R23, R26).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, demo, pageAs, refusalText, roomsOf, visit } from '../campus.js';

const REASON = '本学期巡课';
const leader = account('unit_leader');

/** The row of the unit leader in a table. */
function row(page, table) {
  return page.getByTestId(table).locator('tr', { hasText: leader.name }).first();
}

test('R17 Academic Affairs applies for a permission, and sees it waiting', async () => {
  const page = await pageAs(account('academic_affairs'));
  await visit(page, '/applications');
  const form = page.getByTestId('application-form');
  const option = form.locator('[name=person] option', { hasText: leader.login });
  await form.locator('[name=person]').selectOption(await option.getAttribute('value'));
  await form.locator('[name=level]').selectOption('2');
  await form.locator('[name=reason]').fill(REASON);
  await form.locator('[name=reason]').press('Enter');
  await page.getByTestId('application-filed').waitFor();
  assert.match(await row(page, 'applications').innerText(), /待开通/);
  await page.close();
});

test('R18 the security administrator opens exactly that, and the leader sees the own unit', async () => {
  const page = await pageAs(account('security_administrator'));
  await visit(page, '/openings');
  await row(page, 'applications').getByTestId('grant-open').click();
  await page.locator('[data-state=opened]').first().waitFor();
  await visit(page, '/ledger');
  await row(page, 'ledger').waitFor();
  const watching = await pageAs(leader);
  await visit(watching, '/live');
  await watching.getByTestId('room').first().waitFor();
  const own = roomsOf(demo.rooms[0].unit?.name ?? demo.rooms[0].unit).length;
  assert.equal(await watching.getByTestId('room').count(), own);
  await watching.getByRole('link', { name: '实时巡课' }).waitFor();
  await watching.close();
  await page.close();
});

test('R23 taken back in the ledger, the rooms are gone', async () => {
  const page = await pageAs(account('security_administrator'));
  await visit(page, '/ledger');
  await row(page, 'ledger').getByTestId('grant-revoke').click();
  await page.locator('[name=reason]').fill('本学期巡课结束');
  await page.getByTestId('reason-confirm').click();
  await page.getByTestId('reason-confirm').waitFor({ state: 'hidden' });
  const watching = await pageAs(leader);
  await visit(watching, '/live');
  assert.match(await refusalText(watching), /第十一条/);
  await watching.close();
  await page.close();
});
