// The running demo as the tests see it: its people, its rooms, and a browser signed in as any of
// them. XUNKE_DEMO_JSON names the file with the line that `./dev demo --json` printed.
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { totp, untilNextCode } from './totp.js';

const file = process.env.XUNKE_DEMO_JSON;
if (!file) throw new Error('XUNKE_DEMO_JSON is not set: give the file with the line of the demo');

export const demo = JSON.parse(readFileSync(file, 'utf8'));

export const PURPOSE_TEXT = '浏览器测试';

let browser;
const contexts = new Map();

export async function startBrowser() {
  browser ??= await chromium.launch({
    executablePath: process.env.XUNKE_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return browser;
}

export async function stopBrowser() {
  await browser?.close();
  browser = undefined;
  contexts.clear();
}

/** The account of a role; `unit` picks among several of the same role by part of its name. */
export function account(role, pick = () => true) {
  const found = demo.accounts.find((one) => one.role === role && pick(one));
  if (!found) throw new Error(`the demo has no account of role ${role}`);
  return found;
}

/** A page signed in as this account; the session is shared by all pages of the same account. */
export async function pageAs(who) {
  const known = contexts.get(who.login);
  if (known) return known.newPage();
  const page = await newPage();
  await signIn(page, who);
  contexts.set(who.login, page.context());
  return page;
}

/** A page of a fresh browser profile, signed in as nobody. */
export async function newPage(size = { width: 1366, height: 768 }) {
  const chrome = await startBrowser();
  const context = await chrome.newContext({
    ignoreHTTPSErrors: true,
    viewport: size,
    locale: 'zh-CN',
  });
  const page = await context.newPage();
  page.on('pageerror', (error) => console.error(`page error: ${error.message}`));
  return page;
}

/** Signs in as a person does: login, password, six digits. A used code waits for the next. */
export async function signIn(page, who) {
  await page.goto(demo.url);
  await page.locator('[name=login]').fill(who.login);
  await page.locator('[name=password]').fill(who.password);
  for (let attempt = 0; ; attempt += 1) {
    await page.locator('[name=totp]').fill(totp(who.totp_secret, Date.now()));
    await page.getByTestId('sign-in').click();
    const home = page.getByTestId('home');
    await home.or(page.getByTestId('refusal')).first().waitFor();
    if (await home.isVisible()) return;
    if (attempt > 0) throw new Error(`sign-in failed: ${await refusalText(page)}`);
    await page.waitForTimeout(untilNextCode(Date.now()) + 500);
  }
}

export function refusalText(page) {
  return page.getByTestId('refusal').first().innerText();
}

/** Goes to a page by its address, as a bookmark would. */
export async function visit(page, path) {
  await page.goto(`${demo.url.replace(/\/$/, '')}/#${path}`);
  // Addresses change without a load; the pages listen for that once the first one is there.
  await page.locator('main, form, .door-card').first().waitFor();
}

/** Answers the purpose prompt if it is asked. */
export async function givePurpose(page) {
  const prompt = page.getByTestId('purpose');
  await prompt.waitFor();
  await prompt.locator('label:has(input[value=other])').click();
  await prompt.locator('[name=reason]').fill(PURPOSE_TEXT);
  await page.getByTestId('purpose-confirm').click();
}

/** The button of a room in the list of the live page. The demo lets its first rooms be: the camera
 * of the last one fails, and the one before it is covered. */
export function roomButton(page, index) {
  return page.locator(`[data-testid=room][data-room="${demo.rooms[index].id}"]`);
}

/** The rooms whose unit has this name. */
export function roomsOf(unitName) {
  return demo.rooms.filter((room) => (room.unit?.name ?? room.unit) === unitName);
}

/** Now at the school, as its time field takes it: without seconds on the full minute, for the
 * browser writes none then and would call them malformed. */
export function shanghaiNow() {
  const now = new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 19);
  return now.replace(/:00$/, '');
}
