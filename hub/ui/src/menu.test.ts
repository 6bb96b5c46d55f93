import { expect, test } from 'vitest';
import { fitting, menuFor } from './menu';

function check(role: string, expected: string[]) {
  expect(menuFor([role]).map((item) => item.path)).toEqual(expected);
}

test('R7 R8 X5 each role is offered its own pages and no others', () => {
  const supervisor = ['/', '/live', '/wall', '/recordings', '/marks', '/records', '/premium', '/agreement'];
  check('school_supervisor', supervisor);
  check('unit_supervisor', supervisor);
  const technician = ['/', '/people', '/completeness', '/alerts', '/fleet', '/it', '/checkup', '/desk'];
  check('technician', [...technician, '/channels', '/sign-in-guard', '/agreement']);
  const audit = ['/', '/audit', '/risks', '/inspections', '/papers', '/destructions'];
  check('audit_administrator', [...audit, '/agreement']);
  const affairs = ['/', '/records', '/applications', '/ledger', '/timetable', '/agreements', '/people'];
  const kept = ['/departures', '/sanctions', '/premium', '/holds', '/exam-locks', '/completeness'];
  check('academic_affairs', [...affairs, ...kept]);
  const security = ['/', '/openings', '/ledger', '/people', '/departures', '/sanctions'];
  check('security_administrator', [...security, '/agreement']);
  check('teacher', ['/', '/records', '/premium', '/watchers']);
});

test('R18 whoever was given a permission to watch is offered what it opens', () => {
  const paths = menuFor(['unit_leader'], true).map((item) => item.path);
  expect(paths).toEqual(['/', '/live', '/wall', '/recordings', '/marks', '/records', '/premium', '/agreement']);
  const without = menuFor(['unit_leader'], false).map((item) => item.path);
  expect(without).toEqual(['/', '/records', '/premium', '/agreement']);
  expect(menuFor(['teacher'], true).map((item) => item.path)).toContain('/agreement');
});

test('two roles are offered the pages of both, each once', () => {
  const paths = menuFor(['teacher', 'unit_supervisor']).map((item) => item.path);
  const both = ['/', '/live', '/wall', '/recordings', '/marks', '/records', '/premium', '/watchers'];
  expect(paths).toEqual([...both, '/agreement']);
});

test('what does not fit beside the others goes behind a button that fits', () => {
  expect(fitting([50, 60, 70], 180, 40)).toBe(3);
  expect(fitting([50, 60, 70], 179, 40)).toBe(2);
  expect(fitting([50, 60, 70], 149, 40)).toBe(1);
  expect(fitting([50, 60, 70], 30, 40)).toBe(0);
  expect(fitting([], 100, 40)).toBe(0);
});
