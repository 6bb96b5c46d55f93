// The review of a term, papers and minors of an application, interference, and a leak that is
// traced, each on the page of whoever does it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, demo, pageAs, shanghaiNow, visit } from '../campus.js';
import { totp, untilNextCode } from '../totp.js';

const affairs = account('academic_affairs');
const security = account('security_administrator');
const PDF = Buffer.from('%PDF-1.7\npaper\n%%EOF\n');

test('R17 X29 an application takes a paper and asks for minors with a reason', async () => {
  const page = await pageAs(affairs);
  await visit(page, '/applications');
  const form = page.getByTestId('application-form');
  const leader = form.locator('[name=person] option', { hasText: account('unit_leader').login });
  await form.locator('[name=person]').selectOption(await leader.getAttribute('value'));
  await form.locator('[name=level]').selectOption('1');
  await form.locator('[name=reason]').fill('本学期巡课');
  await form.locator('[name=minors]').check();
  await form.locator('[name=minors_reason]').fill('中职班巡课');
  await form
    .locator('[name=papers]')
    .setInputFiles({ name: '聘书.pdf', mimeType: 'application/pdf', buffer: PDF });
  await page.getByTestId('application-file').click();
  const papers = page.getByTestId('papers');
  await papers.getByText('聘书.pdf').waitFor();
  assert.match(await page.getByTestId('applications').innerText(), /未成年人：中职班巡课/);
  const saved = page.waitForEvent('download');
  await papers.getByText('聘书.pdf').click();
  assert.match((await saved).suggestedFilename(), /^SQ-\d{5}-\w+\.pdf$/);
  await page.close();
});

test('X29 a room with minors is marked and unmarked with a reason', async () => {
  const page = await pageAs(affairs);
  await visit(page, '/applications');
  const room = demo.rooms[demo.rooms.length - 1];
  await page.locator('[name=minors-room]').selectOption(room.id);
  await page.getByTestId('minors-mark').click();
  await page.locator('[name=reason]').last().fill('中职班上课');
  await page.getByTestId('reason-confirm').click();
  await page.getByTestId('minors').getByText(room.name).waitFor();
  await page.getByTestId('minors-clear').click();
  await page.locator('[name=reason]').last().fill('课程已结束');
  await page.getByTestId('reason-confirm').click();
  await page.getByTestId('minors').waitFor({ state: 'detached' });
  await page.close();
});

test('R26 every permission is kept by another, then the review is signed', async () => {
  const page = await pageAs(affairs);
  await visit(page, '/review');
  await page.getByTestId('review').waitFor();
  const keep = page.getByTestId('review-keep');
  for (let left = await keep.count(); left > 0; left -= 1) {
    await keep.first().click();
    await page.waitForFunction(
      (count) => document.querySelectorAll('[data-testid=review-keep]').length === count,
      left - 1,
    );
  }
  assert.match(await page.getByTestId('review-counts').innerText(), /待复核 0/);
  await page.close();
  const signer = await pageAs(security);
  await visit(signer, '/review');
  const form = signer.getByTestId('review-sign');
  const signed = signer.getByTestId('review-signed');
  for (let attempt = 0; ; attempt += 1) {
    await form.locator('[name=password]').fill(security.password);
    await form.locator('[name=code]').fill(totp(security.totp_secret, Date.now()));
    await form.getByTestId('again').click();
    await signed.or(signer.getByTestId('refusal')).first().waitFor();
    if (await signed.isVisible()) break;
    assert.equal(attempt, 0, 'refused twice');
    await signer.waitForTimeout(untilNextCode(Date.now()) + 500);
  }
  assert.match(await signed.innerText(), /FH-\d{5}/);
  await visit(signer, '/');
  await signer.getByTestId('review-done').waitFor();
  await signer.close();
});

test('R105 interference is listed once two people have confirmed it', async () => {
  const page = await pageAs(affairs);
  await visit(page, '/interferences');
  const form = page.getByTestId('interference-form');
  await form.locator('[name=teacher]').fill(account('teacher').login);
  await form.locator('[name=room]').selectOption(demo.rooms[0].id);
  await form.locator('[name=interference-from]').fill('2026-11-20T08:00');
  await form.locator('[name=interference-until]').fill('2026-11-20T08:10');
  await form.locator('[name=interference-evidence]').fill('1');
  await form.locator('[name=what]').fill('上课期间用纸板遮挡摄像机');
  await page.getByTestId('interference-file').click();
  await page.getByTestId('interference-done').waitFor();
  await page.getByTestId('interference-confirm').first().click();
  await page.getByTestId('interference-confirm').waitFor({ state: 'detached' });
  assert.equal(await page.locator('[data-state=noted]').count(), 1);
  const other = await pageAs(security);
  await visit(other, '/interferences');
  await other.getByTestId('interference-confirm').first().click();
  await other.locator('[data-state=listed]').waitFor();
  await other.close();
  await page.locator('[data-state=listed]').waitFor();
  const saved = page.waitForEvent('download');
  await page.getByTestId('interference-export').click();
  assert.match((await saved).suggestedFilename(), /\.json$/);
  await page.close();
});

test('R106 a watermark leads to the views that could have shown it', async () => {
  const page = await pageAs(account('audit_administrator'));
  await visit(page, '/risks');
  const form = page.getByTestId('leak-form');
  const shanghai = shanghaiNow();
  await form.locator('[name=leak-staff-number]').fill(account('school_supervisor').login);
  await form.locator('[name=leak-at]').fill(shanghai);
  await form.locator('[name=leak-minutes]').fill('1440');
  await form.locator('[name=leak-reason]').fill('群里流出截图');
  await page.getByTestId('leak-trace').click();
  await page.getByTestId('leak-count').waitFor();
  const saved = page.waitForEvent('download');
  await page.getByTestId('leak-export').click();
  assert.match((await saved).suggestedFilename(), /\.json$/);
  await visit(page, '/papers');
  await page.getByTestId('papers').getByText('聘书.pdf').waitFor();
  await page.close();
});
