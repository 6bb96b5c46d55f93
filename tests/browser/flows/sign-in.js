// Signing in as each role, and being told plainly when it does not work.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, demo, newPage, pageAs, refusalText, visit } from '../campus.js';

const SUPERVISOR = [
  '首页',
  '实时巡课',
  '巡课墙',
  '录像回放',
  '时间标记',
  '巡课记录',
  '精品课程',
  '保密协议',
];
const MENUS = {
  school_supervisor: SUPERVISOR,
  unit_supervisor: SUPERVISOR,
  school_supervisor_unsigned: SUPERVISOR,
  technician: [
    '首页',
    '人员',
    '录像完整率',
    '告警',
    '教室状态',
    '信息中心',
    '早间体检',
    '设备入网',
    '告警通道',
    '登录防护',
    '保密协议',
  ],
  security_administrator: ['首页', '权限开通', '权限台账', '人员', '移交', '违规处理', '保密协议'],
  audit_administrator: [
    '首页',
    '审计记录',
    '泄露风险',
    '日志检查',
    '申请附件',
    '销毁证明',
    '保密协议',
  ],
  academic_affairs: [
    '首页',
    '巡课记录',
    '权限申请',
    '权限台账',
    '课表',
    '协议管理',
    '人员',
    '移交',
    '违规处理',
    '精品课程',
    '保全',
    '考试锁定',
    '录像完整率',
  ],
  unit_leader: ['首页', '巡课记录', '精品课程', '保密协议'],
  teacher: ['首页', '巡课记录', '精品课程', '谁看过我的课'],
};

for (const [role, menu] of Object.entries(MENUS)) {
  test(`${role} signs in and is offered the pages of the role`, async () => {
    const who = account(role);
    const page = await pageAs(who);
    await visit(page, '/');
    await page.getByTestId('home').waitFor();
    // Who has not signed the agreement is told so instead of being shown numbers (第十条).
    await page.getByTestId(role.endsWith('_unsigned') ? 'unsigned' : 'cards').waitFor();
    const more = page.getByTestId('menu-more');
    if (await more.count()) await more.click();
    assert.deepEqual(await page.getByTestId('menu').getByRole('link').allInnerTexts(), menu);
    assert.ok((await page.getByTestId('who').innerText()).includes(who.name));
    await page.close();
  });
}

test('a wrong password is refused with a plain sentence', async () => {
  const page = await newPage();
  await page.goto(demo.url);
  await page.locator('[name=login]').fill(account('teacher').login);
  await page.locator('[name=password]').fill('Wrong-password-1');
  await page.locator('[name=totp]').fill('000000');
  await page.getByTestId('sign-in').click();
  assert.match(await refusalText(page), /密码|验证码/);
  await page.context().close();
});

test('a link that was used or never existed says so and offers the password', async () => {
  const page = await newPage();
  await visit(page, '/link/no-such-token');
  await page.getByTestId('spent').waitFor();
  await page.getByRole('link', { name: '用密码登录' }).click();
  await page.getByTestId('sign-in-form').waitFor();
  await page.context().close();
});

test('English is complete: the switch changes the page at once', async () => {
  const page = await pageAs(account('school_supervisor'));
  await visit(page, '/');
  await page.getByTestId('locale').click();
  await page.getByRole('link', { name: 'Live patrol' }).waitFor();
  await page.getByTestId('locale').click();
  await page.getByRole('link', { name: '实时巡课' }).waitFor();
  await page.close();
});
