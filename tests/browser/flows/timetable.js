// 课表: what a file would change is shown line by line, conflicts and mistakes with their place, and
// then all of it is written or nothing (R74).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, demo, pageAs, visit } from '../campus.js';

const HEAD = '课程名称,教学班,班级,任课教师工号,任课教师,星期,开始节,结束节,周次,教室编号,应到人数';
const file = (...lines) => ({
  name: '课表.csv',
  mimeType: 'text/csv',
  buffer: Buffer.from([HEAD, ...lines].join('\n')),
});

let page;
let form;

async function preview(...lines) {
  await form.locator('[name=file]').setInputFiles(file(...lines));
  await page.getByTestId('timetable-preview').click();
  const result = page.getByTestId('timetable-result');
  await result.waitFor();
  return result.innerText();
}

test('R74 mistakes are named by line and column, and nothing can be confirmed', async () => {
  page = await pageAs(account('academic_affairs'));
  await visit(page, '/timetable');
  await page.getByTestId('terms').getByText('本学期').waitFor();
  form = page.getByTestId('timetable-form');
  const said = await preview(
    `程序设计,CS-01,软件2301,T404,,6,1,2,1-16,${demo.rooms[0].name},40`,
    '程序设计,CS-01,软件2301,,李明,6,1,2,每周,没有的教室,40',
  );
  for (const part of ['任课教师工号', 'T404', '周次', '每周']) assert.ok(said.includes(part), said);
  assert.equal(await page.getByTestId('timetable-confirm').count(), 0);
});

test('R74 a timetable is shown with its conflicts, and written once', async () => {
  const [first, second] = demo.rooms;
  const lines = [
    `程序设计,CS-01,软件2301,,李明,6,1,2,14-16,${first.name},40`,
    `数据结构,CS-02,软件2302,,李明,6,1,2,14-16,${second.name},36`,
  ];
  const said = await preview(...lines);
  assert.match(said, /新增 6 次课，变更 0 次，取消 0 次/);
  assert.match(await page.getByTestId('timetable-conflicts').innerText(), /教师 李明/);
  await page.getByTestId('timetable-confirm').click();
  await page.getByTestId('timetable-done').waitFor();
  assert.match(await preview(...lines), /没有需要更新的内容/);
  assert.ok(await page.getByTestId('timetable-confirm').isDisabled());
  await page.close();
});
