import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { TileStatus } from './messages';
import { TilePlayer } from './tile-player';

const identity = { name: '李', staff_number: '1', address: '::1' };
const refusal = { code: 'other_unit', zh: '不可', en: 'no', article: '第十一条' };
const START = 1_700_000_000_000;
let seen: TileStatus[];
let tile: TilePlayer;

const last = () => seen.at(-1);
const states = () => seen.map(({ state }) => state);
const later = (ms: number) => {
  vi.advanceTimersByTime(ms);
  tile.tick(Date.now());
};
const videoFrame = () =>
  tile.frame({
    kind: 'video',
    key: true,
    handle: 1,
    sequence: 1,
    captureUs: Date.now() * 1000,
    payload: new Uint8Array(),
  });

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  seen = [];
  tile = new TilePlayer({ status: (status) => seen.push(status), numbers: () => {} });
  tile.opening(START);
});
afterEach(() => vi.useRealTimers());

test('no frame for three seconds is OFFLINE since the last one, not a frozen picture', () => {
  tile.opened('v1', identity);
  later(1000);
  videoFrame();
  later(2900);
  expect(last()?.state).toBe('opening');
  later(200);
  expect(last()).toMatchObject({ state: 'offline', since: START + 1000 });
});

test('waiting for the permit is not OFFLINE', () => {
  later(10_000);
  expect(last()?.state).toBe('opening');
});

test('the hub’s own word on an offline room is shown with its time', () => {
  tile.opened('v1', identity);
  tile.offline(START - 420_000, 'absent');
  expect(last()).toMatchObject({ state: 'offline', since: START - 420_000, reason: 'absent' });
});

test('a lost line is reconnecting, and opens again by itself', () => {
  tile.opened('v1', identity);
  tile.lineLost();
  later(5000);
  expect(last()?.state).toBe('reconnecting');
  tile.opened('v2', identity);
  expect(last()).toMatchObject({ state: 'opening', viewId: 'v2' });
});

test('R57 a refused tile keeps its refusal when the line is lost', () => {
  tile.ended('refused', refusal);
  tile.lineLost();
  expect(last()).toMatchObject({ state: 'refused', refusal });
});

test('a view that is closed while watching says why', () => {
  tile.opened('v1', identity);
  tile.ended('closed', refusal);
  later(10_000);
  expect(last()).toMatchObject({ state: 'closed', refusal });
});

test('the delayed mark goes away after three seconds without new drops', () => {
  tile.opened('v1', identity);
  tile.delayed(12);
  expect(last()?.delayed).toBe(true);
  later(1500);
  videoFrame();
  later(1600);
  expect(last()?.delayed).toBe(false);
  expect(states()).not.toContain('offline');
});

test('a paused tile shows nothing, is not OFFLINE, and keeps a refusal', () => {
  tile.opened('v1', identity);
  tile.paused();
  later(10_000);
  expect(last()?.state).toBe('paused');
  tile.ended('refused', refusal);
  tile.paused();
  expect(last()?.state).toBe('refused');
});

test('R60 shown is what was painted on a canvas that could be seen, without pauses', () => {
  const paint = () => tile['painted'](Date.now() * 1000);
  const paintFor = (pictures: number) => {
    for (let n = 0; n < pictures; n += 1) {
      vi.advanceTimersByTime(100);
      paint();
    }
  };
  tile.opened('v1', identity);
  paint();
  paintFor(10);
  expect(tile.shownMs).toBe(1000);
  vi.advanceTimersByTime(5000);
  paintFor(5);
  expect(tile.shownMs).toBe(1400);
  tile.visible(false);
  paintFor(20);
  tile.visible(true);
  paintFor(3);
  expect(tile.shownMs).toBe(1600);
  tile.lineLost();
  expect(tile.shownMs).toBe(0);
});

test('the time to the first picture of another stream begins with the click on it', () => {
  const first: (number | null)[] = [];
  tile = new TilePlayer({ status: () => {}, numbers: (now) => first.push(now.firstFrameMs) });
  tile.opening(START);
  tile.opened('v1', identity);
  tile['painted'](START * 1000);
  vi.advanceTimersByTime(1000);
  tile.switching(performance.timeOrigin + performance.now());
  later(0);
  tile['painted'](START * 1000);
  later(0);
  expect(first.slice(1)).toEqual([null, null]);
  const payload = new TextEncoder().encode('{}');
  tile.frame({ kind: 'video-config', key: false, handle: 1, sequence: 1, captureUs: 0, payload });
  tile['painted'](START * 1000);
  later(0);
  expect(first.at(-1)).toBeGreaterThanOrEqual(0);
});
