import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Attention, pausesWithoutFocus, pauseWithoutFocus } from './attention';

let told: boolean[];
let attention: Attention;
let page: EventTarget & { hidden: boolean; hasFocus(): boolean };
let view: EventTarget;

const hide = (hidden: boolean) => {
  page.hidden = hidden;
  page.dispatchEvent(new Event('visibilitychange'));
};

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
  told = [];
  page = Object.assign(new EventTarget(), { hidden: false, hasFocus: () => true });
  view = new EventTarget();
  attention = new Attention((away) => told.push(away), page, view);
});
afterEach(() => vi.unstubAllGlobals());

test('a page in the background is away, and told once', () => {
  hide(true);
  hide(true);
  hide(false);
  expect(told).toEqual([true, false]);
});

test('without the focus a page is away only where the person wants it so', () => {
  view.dispatchEvent(new Event('blur'));
  expect(told).toEqual([]);
  pauseWithoutFocus(true);
  expect(pausesWithoutFocus()).toBe(true);
  view.dispatchEvent(new Event('blur'));
  view.dispatchEvent(new Event('focus'));
  pauseWithoutFocus(false);
  view.dispatchEvent(new Event('blur'));
  expect(told).toEqual([true, false]);
});

test('after the end nothing is told', () => {
  attention.stop();
  hide(true);
  expect(told).toEqual([]);
});
