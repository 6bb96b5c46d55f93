// The player's worker: the tab's one line to the hub, and every tile's decoding and painting.
import { LiveSocket } from './live-socket';
import type { FromWorker, ToWorker } from './messages';
import { TilePlayer } from './tile-player';

const TICK_MS = 500;
/** The hub hears this often how long a picture was shown, in case the tab ends without a word. */
const SHOWN_EVERY_TICKS = 10;

const say = (message: FromWorker) => (self as unknown as Worker).postMessage(message);
const tiles = new Map<number, TilePlayer>();
let socket: LiveSocket | null = null;

function tileFor(number: number): TilePlayer {
  const known = tiles.get(number);
  if (known) return known;
  const player = new TilePlayer({
    status: (status) => say({ op: 'status', tile: number, status }),
    numbers: (numbers) => say({ op: 'numbers', tile: number, numbers }),
  });
  tiles.set(number, player);
  return player;
}

function connect(url: string): LiveSocket {
  return new LiveSocket(url, {
    opened: (tile, viewId, identity) => tiles.get(tile)?.opened(viewId, identity),
    refused: (tile, refusal) => tiles.get(tile)?.ended('refused', refusal),
    closed: (tile, refusal) => tiles.get(tile)?.ended('closed', refusal),
    delayed: (tile, dropped) => tiles.get(tile)?.delayed(dropped),
    offline: (tile, since, reason) => tiles.get(tile)?.offline(since, reason),
    frame: (tile, frame) => tiles.get(tile)?.frame(frame),
    link: (up, failures) => {
      if (!up) for (const tile of tiles.values()) tile.lineLost();
      say({ op: 'link', up, failures });
    },
  });
}

function sayShown(number: number): void {
  const tile = tiles.get(number);
  if (tile && tile.shownMs > 0) socket?.shown(number, tile.shownMs);
}

function pause(isPaused: boolean): void {
  if (!isPaused) {
    const nowMs = performance.timeOrigin + performance.now();
    for (const number of socket?.resume() ?? []) tiles.get(number)?.opening(nowMs);
    return;
  }
  for (const [number, tile] of tiles) {
    sayShown(number);
    tile.paused();
  }
  socket?.pause();
}

function hear(message: ToWorker): void {
  if (message.op === 'connect') {
    socket ??= connect(message.url);
    return;
  }
  if (message.op === 'pause') {
    pause(message.paused);
    return;
  }
  const tile = tileFor(message.tile);
  if (message.op === 'canvas') tile.painter.attach(message.canvas);
  else if (message.op === 'size') tile.painter.fit(message.width, message.height);
  else if (message.op === 'sound') tile.listen(message.port);
  else if (message.op === 'output') tile.inStep.output(message.contextS, message.heardMs);
  else if (message.op === 'visible') tile.visible(message.visible);
  else if (message.op === 'switch') {
    tile.switching(message.clickedMs);
    socket?.switch(message.tile, message.picture);
  } else if (message.op === 'open') {
    sayShown(message.tile);
    tile.opening(message.clickedMs);
    socket?.open(message.tile, message.target);
  } else {
    sayShown(message.tile);
    socket?.close(message.tile);
    tile.stop();
    if (message.op === 'remove') tiles.delete(message.tile);
  }
}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => hear(data);
let ticks = 0;
setInterval(() => {
  ticks += 1;
  for (const [number, tile] of tiles) {
    tile.tick(Date.now());
    if (ticks % SHOWN_EVERY_TICKS === 0) sayShown(number);
  }
}, TICK_MS);
