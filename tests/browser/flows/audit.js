// The audit page shows what was refused before, with its article, on a chain that verifies.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, pageAs, visit } from '../campus.js';

test('R60 X5 refused attempts are lines of the trail, with person and article', async () => {
  const page = await pageAs(account('audit_administrator'));
  await visit(page, '/audit');
  await page.getByTestId('audit').waitFor();
  await page.getByTestId('audit-filter').getByText('拒绝').click();
  const rows = page.getByTestId('audit').locator('tbody tr');
  await rows.first().waitFor();
  // The hub answers the filter; until then every line is shown.
  await rows.locator('[data-outcome]:not([data-outcome=refused])').first().waitFor({ state: 'hidden' });
  const text = await page.getByTestId('audit').innerText();
  assert.match(text, /第十一条/);
  assert.match(text, /第十条/);
  const unsigned = account('school_supervisor_unsigned');
  assert.ok(text.includes(unsigned.login), 'the unsigned supervisor’s attempt is there');
  const outcomes = await rows.locator('[data-outcome]').evaluateAll((cells) =>
    cells.map((cell) => cell.dataset.outcome),
  );
  assert.deepEqual([...new Set(outcomes)], ['refused']);
  await page.close();
});

test('the head of the chain is shown and verifies', async () => {
  const page = await pageAs(account('audit_administrator'));
  await visit(page, '/audit');
  const head = page.getByTestId('trail-head');
  await head.waitFor();
  assert.equal(await head.getAttribute('data-verified'), 'true');
  assert.match(await head.innerText(), /[0-9a-f]{16}/);
  await page.close();
});

test('R116 what the filters find is saved as a workbook, and that is an entry', async () => {
  const page = await pageAs(account('audit_administrator'));
  await visit(page, '/audit');
  await page.getByTestId('audit').waitFor();
  await page.getByTestId('audit-filter').getByText('拒绝').click();
  await page.locator('[data-outcome=refused]').first().waitFor();
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByTestId('excerpt-xlsx').click(),
  ]);
  assert.match(saved.suggestedFilename(), /^xunke-trail-excerpt-[\d-]+\.xlsx$/);
  await page.getByTestId('audit-clear').click();
  await page.getByTestId('audit').getByText('筛选结果，xlsx').first().waitFor();
  await page.close();
});

test('X8 the home page says that there is no copy on another machine', async () => {
  const page = await pageAs(account('audit_administrator'));
  await visit(page, '/');
  await page.locator('[data-testid=copy][data-state=off]').waitFor();
  await page.close();
});
