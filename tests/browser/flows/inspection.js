// The audit administrator's console: filters by click, hints judged, an inspection signed (R115–R118).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, pageAs, visit } from '../campus.js';
import { totp, untilNextCode } from '../totp.js';

const auditor = account('audit_administrator');

test('R118 a click on a person or an object shows only what concerns it', async () => {
  const page = await pageAs(auditor);
  await visit(page, '/audit');
  const rows = page.getByTestId('audit').locator('tbody tr');
  await rows.first().waitFor();
  const person = page.getByTestId('audit-person').first();
  const name = (await person.innerText()).trim();
  await person.click();
  await page.getByTestId('audit-clear').waitFor();
  await page.waitForFunction(
    (wanted) =>
      [...document.querySelectorAll('[data-testid=audit] [data-testid=audit-person]')].every(
        (cell) => cell.innerText.trim() === wanted,
      ),
    name,
  );
  await page.getByTestId('audit-clear').click();
  await page.getByTestId('audit-object').first().click();
  await page.getByTestId('audit-clear').waitFor();
  await rows.first().waitFor();
  await page.close();
});

test('R115 an inspection is signed with password and code, and can be printed', async () => {
  const page = await pageAs(auditor);
  await visit(page, '/inspections');
  const form = page.getByTestId('inspection-form');
  await page.getByTestId('period').first().waitFor();
  await form.locator('textarea').nth(0).fill('抽查被拒绝的访问，未发现异常。');
  await form.locator('textarea').nth(1).fill('无需处理。');
  const signed = page.getByTestId('inspection-signed');
  for (let attempt = 0; ; attempt += 1) {
    await form.locator('[name=password]').fill(auditor.password);
    await form.locator('[name=totp]').fill(totp(auditor.totp_secret, Date.now()));
    await page.getByTestId('inspection-sign').click();
    await signed.or(page.getByTestId('refusal')).first().waitFor();
    if (await signed.isVisible()) break;
    assert.equal(attempt, 0, 'refused twice');
    await page.waitForTimeout(untilNextCode(Date.now()) + 500);
  }
  assert.match(await signed.innerText(), /JC-\d{5}/);
  await page.getByTestId('inspections').getByRole('link').first().click();
  const paper = page.getByTestId('inspection-paper');
  await paper.waitFor();
  assert.match(await paper.innerText(), /系统日志检查记录/);
  assert.match(await paper.innerText(), /未发现异常/);
  await page.close();
});

test('R117 hints are marked as hints, and a person decides', async () => {
  const page = await pageAs(auditor);
  await visit(page, '/risks');
  const risks = page.getByTestId('risks');
  await risks.or(page.getByTestId('empty')).first().waitFor();
  assert.match(await page.locator('.page-head').innerText(), /不是结论/);
  const look = page.getByTestId('risk-look').first();
  if (await look.isVisible()) {
    await look.click();
    await page.locator('[name=reason]').fill('已与本人核实');
    await page.getByTestId('reason-confirm').click();
    await page.getByTestId('reason-confirm').waitFor({ state: 'hidden' });
    await page.locator('[data-state=looked_at]').first().waitFor();
  }
  await page.close();
});
