import { expect, test } from 'vitest';
import { command, speedAt, stripCommand, type Command, type Key } from './keys';

const key = (name: string, held: Partial<Key> = {}): Key => ({
  key: name,
  shiftKey: false,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  ...held,
});

function check(name: string, expected: Command | null, held: Partial<Key> = {}) {
  expect(command(key(name, held))).toEqual(expected);
}

test('space and k play or pause, j and l leap ten seconds', () => {
  check(' ', { kind: 'flip' });
  check('k', { kind: 'flip' });
  check('K', { kind: 'flip' });
  check('j', { kind: 'by', seconds: -10 });
  check('l', { kind: 'by', seconds: 10 });
});

test('arrows step five seconds, with shift thirty', () => {
  check('ArrowLeft', { kind: 'by', seconds: -5 });
  check('ArrowRight', { kind: 'by', seconds: 5 });
  check('ArrowLeft', { kind: 'by', seconds: -30 }, { shiftKey: true });
});

test('digits are tenths, signs are speed and stops, also from a Chinese input method', () => {
  check('0', { kind: 'tenth', tenth: 0 });
  check('9', { kind: 'tenth', tenth: 9 });
  check('>', { kind: 'faster', steps: 1 }, { shiftKey: true });
  check('《', { kind: 'faster', steps: -1 });
  check('[', { kind: 'stop', direction: -1 });
  check('】', { kind: 'stop', direction: 1 });
  check('？', { kind: 'help' });
});

test('what the browser or the system uses is left to them', () => {
  check('f', null, { ctrlKey: true });
  check('l', null, { metaKey: true });
  check('ArrowLeft', null, { altKey: true });
  check('x', null);
  check('Enter', null);
});

test('the strip is a slider: its ends and pages are its own', () => {
  expect(stripCommand(key('Home'))).toEqual({ kind: 'begin' });
  expect(stripCommand(key('End'))).toEqual({ kind: 'end' });
  expect(stripCommand(key('PageUp'))).toEqual({ kind: 'by', seconds: 60 });
  expect(stripCommand(key('ArrowDown'))).toEqual({ kind: 'by', seconds: -5 });
  expect(stripCommand(key('a'))).toBeNull();
});

test('speeds go step by step and stop at the ends', () => {
  expect(speedAt(1, 1)).toBe(1.25);
  expect(speedAt(1, -1)).toBe(0.75);
  expect(speedAt(2, 1)).toBe(2);
  expect(speedAt(0.5, -1)).toBe(0.5);
});
