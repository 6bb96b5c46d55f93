import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LiveSocket, type SocketEvents } from './live-socket';
import type { Target } from './messages';

class FakeSocket {
  readyState = 0;
  binaryType = '';
  sent: Record<string, unknown>[] = [];
  onopen = () => {};
  onclose = () => {};
  onmessage = (_: { data: string | ArrayBuffer }) => {};
  send(text: string) {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  up() {
    this.readyState = 1;
    this.onopen();
  }
  down() {
    this.readyState = 3;
    this.onclose();
  }
  says(word: unknown) {
    this.onmessage({ data: JSON.stringify(word) });
  }
}

const target: Target = {
  room: 'r1',
  source: 'cam0',
  stream: 'sub',
  purpose: { kind: 'plan', reason: '' },
};
const watermark = { name: '李', staff_number: '1', address: '::1' };
let sockets: FakeSocket[];
let heard: string[];

function start(): LiveSocket {
  const note =
    (name: string) =>
    (...rest: unknown[]) => {
      heard.push(`${name} ${rest.map((r) => (typeof r === 'object' ? '' : r)).join(' ')}`.trim());
    };
  const events = Object.fromEntries(
    ['opened', 'refused', 'closed', 'delayed', 'offline', 'frame', 'link'].map((n) => [n, note(n)]),
  ) as unknown as SocketEvents;
  return new LiveSocket('wss://hub/api/live', events, () => {
    const socket = new FakeSocket();
    sockets.push(socket);
    return socket as unknown as WebSocket;
  });
}

function videoFrame(handle: number): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(17));
  view.setUint8(0, 2);
  view.setUint16(2, handle);
  return view.buffer;
}

beforeEach(() => {
  sockets = [];
  heard = [];
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

test('frames reach the tile that the hub named for the handle, others are dropped', () => {
  const live = start();
  sockets[0]?.up();
  live.open(4, target);
  expect(sockets[0]?.sent).toEqual([{ op: 'open', tile: 1, ...target }]);
  sockets[0]?.says({ op: 'opened', tile: 1, handle: 7, view_id: 'v', watermark });
  sockets[0]?.onmessage({ data: videoFrame(7) });
  sockets[0]?.onmessage({ data: videoFrame(8) });
  expect(heard).toEqual(['link true 0', 'opened 4 v', 'frame 4']);
});

test('a late answer to an opening that was replaced finds no tile', () => {
  const live = start();
  sockets[0]?.up();
  live.open(1, target);
  live.open(1, { ...target, stream: 'main' });
  vi.advanceTimersByTime(25);
  expect(sockets[0]?.sent.map((w) => `${w.op} ${w.tile}`)).toEqual(['open 1', 'close 1', 'open 2']);
  sockets[0]?.says({ op: 'opened', tile: 1, handle: 7, view_id: 'old', watermark });
  sockets[0]?.says({ op: 'closed', tile: 1, error: null });
  sockets[0]?.says({ op: 'opened', tile: 2, handle: 8, view_id: 'new', watermark });
  sockets[0]?.onmessage({ data: videoFrame(7) });
  expect(heard).toEqual(['link true 0', 'opened 1 new']);
});

test('a lost line is made again with growing waits and asks for what was open', () => {
  const live = start();
  live.open(1, target);
  sockets[0]?.up();
  sockets[0]?.down();
  vi.advanceTimersByTime(300);
  sockets[1]?.down();
  vi.advanceTimersByTime(599);
  expect(sockets).toHaveLength(2);
  vi.advanceTimersByTime(1);
  sockets[2]?.up();
  expect(sockets[2]?.sent.map((w) => w.op)).toEqual(['open']);
  expect(heard).toEqual(['link true 0', 'link false 1', 'link false 2', 'link true 0']);
});

test('another picture of the room is the same view, also after the line was made again', () => {
  const live = start();
  sockets[0]?.up();
  live.switch(1, { source: 'cam0', stream: 'main' });
  live.open(1, target);
  live.switch(1, { source: 'cam1', stream: 'main' });
  const asked = sockets[0]?.sent.at(-1);
  expect(asked).toEqual({ op: 'switch', tile: 1, source: 'cam1', stream: 'main' });
  sockets[0]?.down();
  vi.advanceTimersByTime(300);
  sockets[1]?.up();
  expect(sockets[1]?.sent).toMatchObject([{ op: 'open', source: 'cam1', stream: 'main' }]);
});

test('a wall does not begin all at once, and leaves out what was closed meanwhile', () => {
  const live = start();
  sockets[0]?.up();
  for (const tile of [1, 2, 3]) live.open(tile, target);
  expect(sockets[0]?.sent).toHaveLength(1);
  live.close(2);
  vi.advanceTimersByTime(100);
  expect(sockets[0]?.sent.map((w) => `${w.op} ${w.tile}`)).toEqual(['open 1', 'open 2']);
});

test('a page that is paused holds no view, and has all of them again afterwards', () => {
  const live = start();
  sockets[0]?.up();
  live.open(1, target);
  live.shown(1, 1234.5);
  live.pause();
  live.open(2, target);
  vi.advanceTimersByTime(1000);
  expect(sockets[0]?.sent.slice(1)).toEqual([
    { op: 'shown', tile: 1, ms: 1235 },
    { op: 'close', tile: 1 },
  ]);
  expect(live.resume()).toEqual([1, 2]);
  vi.advanceTimersByTime(100);
  expect(sockets[0]?.sent.slice(3).map((w) => w.op)).toEqual(['open', 'open']);
});

test('what was refused or closed is not asked for again', () => {
  const live = start();
  sockets[0]?.up();
  live.open(1, target);
  live.open(2, target);
  vi.advanceTimersByTime(25);
  const error = { code: 'scope', zh: '', en: '', article: '第十一条' };
  sockets[0]?.says({ op: 'refused', tile: 1, error });
  sockets[0]?.says({ op: 'closed', tile: 2, error });
  sockets[0]?.down();
  vi.advanceTimersByTime(300);
  sockets[1]?.up();
  expect(sockets[1]?.sent).toEqual([]);
});

test('words that cannot be read change nothing', () => {
  start();
  sockets[0]?.up();
  sockets[0]?.onmessage({ data: '{' });
  sockets[0]?.says({ op: 'opened', tile: 99 });
  sockets[0]?.onmessage({ data: new ArrayBuffer(3) });
  expect(heard).toEqual(['link true 0']);
});
