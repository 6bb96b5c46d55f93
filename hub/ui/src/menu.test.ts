import { expect, test } from 'vitest';
import { menuFor } from './menu';

function check(role: string, expected: string[]) {
  expect(menuFor([role]).map((item) => item.path)).toEqual(expected);
}

test('R7 R8 X5 each role is offered its own pages and no others', () => {
  check('school_supervisor', ['/', '/live', '/recordings', '/records', '/agreement']);
  check('unit_supervisor', ['/', '/live', '/recordings', '/records', '/agreement']);
  check('technician', ['/', '/people', '/it', '/sign-in-guard', '/agreement']);
  check('audit_administrator', ['/', '/audit', '/risks', '/inspections', '/papers', '/agreement']);
  const affairs = ['/', '/records', '/applications', '/ledger', '/agreements', '/people'];
  check('academic_affairs', [...affairs, '/departures', '/sanctions']);
  const security = ['/', '/openings', '/ledger', '/people', '/departures', '/sanctions'];
  check('security_administrator', [...security, '/agreement']);
  check('teacher', ['/', '/records', '/watchers']);
});

test('R18 whoever was given a permission to watch is offered what it opens', () => {
  const paths = menuFor(['unit_leader'], true).map((item) => item.path);
  expect(paths).toEqual(['/', '/live', '/recordings', '/records', '/agreement']);
  const without = menuFor(['unit_leader'], false).map((item) => item.path);
  expect(without).toEqual(['/', '/records', '/agreement']);
  expect(menuFor(['teacher'], true).map((item) => item.path)).toContain('/agreement');
});

test('two roles are offered the pages of both, each once', () => {
  const paths = menuFor(['teacher', 'unit_supervisor']).map((item) => item.path);
  expect(paths).toEqual(['/', '/live', '/recordings', '/records', '/watchers', '/agreement']);
});
