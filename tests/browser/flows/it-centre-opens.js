// The IT centre's page is opened early and never reloaded, to see faults arrive on it later.
import { test } from 'node:test';
import { account, pageAs, visit } from '../campus.js';

export let page;

test('the technician opens the IT centre page', async () => {
  page = await pageAs(account('technician'));
  await visit(page, '/it');
  await page.getByTestId('devices').waitFor();
  await page.evaluate(() => (window.neverReloaded = true));
});
