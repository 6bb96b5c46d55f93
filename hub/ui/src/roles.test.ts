import { expect, test } from 'vitest';
import { losesPost, mayGive } from './roles';

test('R16 X5 roles that decide are offered to the security administrator alone', () => {
  expect(mayGive('teacher', ['technician'])).toBe(true);
  expect(mayGive('unit_supervisor', ['technician'])).toBe(true);
  expect(mayGive('unit_leader', ['technician'])).toBe(false);
  expect(mayGive('audit_administrator', ['technician'])).toBe(false);
  expect(mayGive('audit_administrator', ['security_administrator'])).toBe(true);
});

test('R23 a post less means a hand-over', () => {
  expect(losesPost(['teacher', 'unit_supervisor'], ['teacher'])).toBe(true);
  expect(losesPost(['teacher'], [])).toBe(false);
  expect(losesPost(['technician'], ['teacher'])).toBe(true);
});
