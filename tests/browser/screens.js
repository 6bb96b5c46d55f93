// A picture of every page at two sizes, for people to look at: node screens.js FOLDER
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  account,
  demo,
  givePurpose,
  newPage,
  roomButton,
  shanghaiNow,
  signIn,
  stopBrowser,
  visit,
} from './campus.js';

const folder = process.argv[2];
if (!folder) throw new Error('give the folder for the pictures: node screens.js FOLDER');
mkdirSync(folder, { recursive: true });

const SIZES = [
  { width: 1366, height: 768 },
  { width: 1920, height: 1080 },
];

/** Takes the page as it is now at every size. */
async function take(page, name) {
  for (const size of SIZES) {
    await page.setViewportSize(size);
    await page.waitForTimeout(700);
    await page.screenshot({ path: join(folder, `${name}-${size.width}.png`) });
  }
  await page.setViewportSize(SIZES[0]);
  console.log(name);
}

async function as(role, walk) {
  const page = await newPage();
  await signIn(page, account(role));
  await page.getByTestId('cards').or(page.getByTestId('unsigned')).first().waitFor();
  await walk(page);
  await page.context().close();
}

/** Goes to a page, waits for one of what may stand on it, and takes it. */
async function look(page, path, ...testIds) {
  await visit(page, path);
  const any = testIds.map((testId) => `[data-testid=${testId}]`).join(',');
  await page.locator(any).first().waitFor();
  await take(page, `page${path.replaceAll('/', '-')}`);
}

async function supervisor(page) {
  await take(page, 'home-supervisor');
  await visit(page, '/live');
  await roomButton(page, 0).click();
  await page.getByTestId('purpose').waitFor();
  await take(page, 'live-purpose');
  await givePurpose(page);
  await page.locator('[data-testid=tile][data-state=playing]').waitFor();
  await page.getByTestId('stream-main').click();
  await take(page, 'live');
  await page.locator('[name=present_count]').fill('31');
  await page.locator('[name=present_count]').press('Escape');
  for (const key of ['a', 'b', 'b']) await page.keyboard.press(key);
  await page.locator('[name=abnormal_note]').fill('10:05 起投影无信号，教师改用板书。');
  await page.getByTestId('file').click();
  await take(page, 'live-form-errors');
  await page.locator('[name=abnormal_note]').press('Escape');
  await page.keyboard.press('4');
  await page.getByTestId('file').click();
  await page.getByTestId('filed').waitFor();
  await visit(page, '/records');
  await page.getByTestId('records').waitFor();
  await take(page, 'records');
  await page.getByTestId('records').getByRole('link').first().click();
  await page.getByTestId('official-form').waitFor();
  await take(page, 'record');
  await visit(page, '/recordings');
  await page.getByTestId('recordings').or(page.getByTestId('empty')).first().waitFor();
  await take(page, 'recordings');
  await page.getByRole('button', { name: '本周' }).click();
  await page.getByTestId('recordings').or(page.getByTestId('empty')).first().waitFor();
  await take(page, 'recordings-week');
  await page.locator('[name=text]').fill('没有这门课');
  await page.getByTestId('empty').waitFor();
  await take(page, 'recordings-none');
  await page.getByTestId('empty').getByRole('button').first().click();
  await page.getByTestId('recordings').waitFor();
  const first = page.getByTestId('recordings').getByRole('link').first();
  if (await first.isVisible()) {
    await first.click();
    await page.getByTestId('video').waitFor();
    await page.waitForTimeout(3000);
    await page.keyboard.press('?');
    await take(page, 'playback-keys');
    await page.keyboard.press('?');
    for (const key of ['i', 'l', 'o']) await page.keyboard.press(key);
    await page.locator('[name=mark-note]').fill('学生提问后教师未回应。');
    await page.getByTestId('mark-save').click();
    await take(page, 'playback');
  }
  await look(page, '/marks', 'own-marks', 'empty');
  await page.getByTestId('locale').click();
  await visit(page, '/live');
  await roomButton(page, 0).click();
  await page.locator('[data-testid=tile][data-state=playing]').waitFor();
  await take(page, 'live-english');
}

async function refused(page) {
  await take(page, 'home-unsigned');
  await visit(page, '/live');
  await page.getByTestId('refusal').first().waitFor();
  await take(page, 'live-unsigned');
  await visit(page, '/agreement');
  await page.getByTestId('agreement-form').waitFor();
  await take(page, 'agreement');
}

const door = await newPage();
await door.goto(demo.url);
await door.getByTestId('sign-in-form').waitFor();
await take(door, 'sign-in');
await look(door, '/start', 'start-code');
await door.context().close();

await as('school_supervisor', supervisor);
await as('school_supervisor_unsigned', refused);
await as('unit_supervisor', async (page) => {
  const listed = page.locator('.line-link');
  await listed.first().waitFor();
  const own = await listed.allInnerTexts();
  const other = demo.rooms.find((room) => !own.some((text) => text.includes(room.name)));
  await visit(page, `/live/${other?.id ?? 'none'}`);
  await page.getByTestId('refusal').first().waitFor();
  await take(page, 'live-other-unit');
});
await as('technician', async (page) => {
  await take(page, 'home-technician');
  await visit(page, '/it');
  await page.getByTestId('devices').waitFor();
  await take(page, 'it-centre');
  await page.locator('[data-testid^=commands-]').first().click();
  await page.getByTestId('command-selftest').click();
  await page.locator('[data-testid=command] [data-state=done]').waitFor();
  await page.getByTestId('show-result').first().click();
  await take(page, 'commands');
  await page.getByTestId('command-reboot').click();
  await page.getByTestId('reason').waitFor();
  await take(page, 'commands-reboot');
  await page.keyboard.press('Escape');
  await visit(page, '/checkup');
  await page.getByTestId('checkup-now').click();
  await page.getByTestId('checkup-running').waitFor();
  await page.getByTestId('checkup-running').waitFor({ state: 'detached', timeout: 180_000 });
  await take(page, 'checkup');
  await look(page, '/fleet', 'fleet-map');
  await page.getByTestId('room-tile').first().click();
  await page.getByTestId('history').waitFor();
  await take(page, 'page-fleet-room');
  await look(page, '/alerts', 'alerts', 'empty');
  await look(page, '/alerts/silences', 'silences', 'empty');
  await look(page, '/alerts/duty', 'roster');
  await look(page, '/alerts/work-orders', 'work-orders', 'empty');
  await look(page, '/desk', 'boxes');
  await look(page, '/people', 'people');
  await look(page, '/people/import', 'staff-form');
  await look(page, '/sign-in-guard', 'lockouts', 'empty');
  await look(page, '/channels', 'channels', 'empty');
  await look(page, '/account', 'passkeys');
});
await as('audit_administrator', async (page) => {
  await look(page, '/destructions', 'destructions', 'empty');
  await take(page, 'home-audit');
  await visit(page, '/audit');
  await page.getByTestId('audit').waitFor();
  await take(page, 'audit');
  await visit(page, '/risks');
  await page.getByTestId('risks').or(page.getByTestId('empty')).first().waitFor();
  await take(page, 'risks');
  await page.locator('[name=leak-staff-number]').fill(account('school_supervisor').login);
  const shanghai = shanghaiNow();
  await page.locator('[name=leak-at]').fill(shanghai);
  await page.locator('[name=leak-minutes]').fill('600');
  await page.locator('[name=leak-reason]').fill('群里流出截图');
  await page.getByTestId('leak-trace').click();
  await page.getByTestId('leak-count').waitFor();
  await take(page, 'risks-leak');
  await visit(page, '/inspections');
  await page.getByTestId('inspection-form').waitFor();
  await take(page, 'inspections');
});
await as('academic_affairs', async (page) => {
  await look(page, '/premium', 'premium', 'empty');
  await look(page, '/holds', 'hold-form');
  await look(page, '/completeness', 'completeness', 'empty');
  await take(page, 'home-academic-affairs');
  await visit(page, '/applications');
  const form = page.getByTestId('application-form');
  const leader = form.locator('[name=person] option', { hasText: account('unit_leader').login });
  await form.locator('[name=person]').selectOption(await leader.getAttribute('value'));
  await form.locator('[name=level]').selectOption('2');
  await form.locator('[name=reason]').fill('本学期巡课');
  await take(page, 'applications-form');
  await form.locator('[name=reason]').press('Enter');
  await page.getByTestId('application-filed').waitFor();
  await take(page, 'applications');
  await visit(page, '/interferences');
  await page.getByTestId('interference-form').waitFor();
  await take(page, 'interferences');
  await look(page, '/departures', 'departure-form');
  await look(page, '/sanctions', 'sanction-form');
  await visit(page, '/agreements');
  await page.getByTestId('agreements').waitFor();
  await take(page, 'agreements');
  await page.getByTestId('agreement-open').first().click();
  await page.getByTestId('agreement-detail').waitFor();
  await take(page, 'agreement-detail');
  await page.keyboard.press('Escape');
  await page.getByTestId('paper-open').click();
  await page.getByTestId('paper').waitFor();
  await take(page, 'agreement-paper');
});
await as('security_administrator', async (page) => {
  await take(page, 'home-security');
  await visit(page, '/openings');
  await page.getByTestId('grant-open').waitFor();
  await take(page, 'openings');
  await page.getByTestId('grant-refuse').click();
  await page.getByTestId('reason').waitFor();
  await take(page, 'openings-refuse');
  await page.keyboard.press('Escape');
  await page.getByTestId('grant-open').click();
  await visit(page, '/ledger');
  await page.getByTestId('ledger').waitFor();
  await take(page, 'ledger');
  await visit(page, '/review');
  await page.getByTestId('review').waitFor();
  await take(page, 'review');
});
await as('unit_leader', (page) => take(page, 'home-unit-leader'));
await as('teacher', async (page) => {
  await take(page, 'home-teacher');
  await visit(page, '/watchers');
  await page.getByTestId('watchers').or(page.getByTestId('empty')).first().waitFor();
  await take(page, 'watchers');
});

await stopBrowser();
