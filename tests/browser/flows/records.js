// A patrol record is filed beside the picture and read again in the official layout.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, givePurpose, pageAs, roomButton, visit } from '../campus.js';

test('R73–R85 a record is filed by keyboard and appears in the list', async () => {
  const supervisor = account('school_supervisor');
  const page = await pageAs(supervisor);
  await visit(page, '/live');
  await roomButton(page, 0).click();
  await givePurpose(page);
  const form = page.getByTestId('patrol-form');
  await form.waitFor();
  for (const field of ['class_groups', 'teacher', 'course', 'due_count'])
    assert.ok(await form.locator(`[name=${field}]`).inputValue(), `${field} is prefilled`);
  await page.locator('[data-testid=tile][data-state=playing]').waitFor();

  await page.getByTestId('file').click();
  assert.ok((await form.locator('.wrong').count()) >= 5, 'each empty answer is named');
  await form.locator('[name=present_count]').fill('31');
  await form.locator('[name=present_count]').press('Escape');
  for (const key of ['a', 'b', 'b', '4']) await page.keyboard.press(key);
  const note = `第 ${Date.now() % 1_000_000} 号：投影无信号`;
  await form.locator('[name=abnormal_note]').fill(note);
  const course = await form.locator('[name=course]').inputValue();
  await page.getByTestId('file').click();
  await page.getByTestId('filed').waitFor();

  await visit(page, '/records');
  const line = page.getByTestId('records').getByRole('row').filter({ hasText: course }).first();
  assert.match(await line.innerText(), new RegExp(supervisor.name));
  await line.getByRole('link').click();
  const paper = page.getByTestId('official-form');
  await paper.waitFor();
  const text = await paper.innerText();
  for (const part of ['教学督导巡课记录表', course, '实到 31 人', '■ B 偶尔', '■ D良', note])
    assert.ok(text.includes(part), `${part} in ${text}`);
  await page.close();
});

test('R79 R83 more present than due and a B 异常 ask for their reasons', async () => {
  const page = await pageAs(account('school_supervisor'));
  await visit(page, '/live');
  await roomButton(page, 1).click();
  await givePurpose(page);
  const form = page.getByTestId('patrol-form');
  await form.waitFor();
  assert.equal(await form.locator('[name=attendance_note]').count(), 0);
  await form.locator('[name=present_count]').fill('999');
  await form.locator('[name=attendance_note]').waitFor();
  assert.equal(await form.locator('[name=abnormal_note]').count(), 0);
  await form.locator('[data-field=conditions] label').filter({ hasText: '异常' }).click();
  await form.locator('[name=abnormal_note]').waitFor();
  await page.close();
});
