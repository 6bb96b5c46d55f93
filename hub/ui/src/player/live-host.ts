// Where a tab's live pictures are made: the one line to the hub, and every tile's decoding and
// painting. Lives in a worker, or in the page itself where the browser needs a media element.
import { LiveSocket } from './live-socket';
import type { FromWorker, ToWorker } from './messages';
import type { PictureEvents, Pictures } from './picture-track';
import { TilePlayer } from './tile-player';

const TICK_MS = 500;
/** The hub hears this often how long a picture was shown, in case the tab ends without a word. */
const SHOWN_EVERY_TICKS = 10;

export class LiveHost {
  private readonly tiles = new Map<number, TilePlayer>();
  private readonly timer: ReturnType<typeof setInterval>;
  private socket: LiveSocket | null = null;
  private ticks = 0;

  /** `decode` makes the way from encoded video to pictures; the usual one when it is left out. */
  constructor(
    private readonly say: (message: FromWorker) => void,
    private readonly decode?: (events: PictureEvents) => Pictures,
  ) {
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  hear(message: ToWorker): void {
    if (message.op === 'connect') this.socket ??= this.connect(message.url);
    else if (message.op === 'pause') this.pause(message.paused);
    else this.hearOf(this.tileFor(message.tile), message);
  }

  /** Ends the line and every tile on it. */
  stop(): void {
    clearInterval(this.timer);
    this.socket?.end();
    for (const tile of this.tiles.values()) tile.stop();
    this.tiles.clear();
  }

  private hearOf(tile: TilePlayer, message: Exclude<ToWorker, { op: 'connect' | 'pause' }>): void {
    if (message.op === 'canvas') tile.painter.attach(message.canvas);
    else if (message.op === 'size') tile.painter.fit(message.width, message.height);
    else if (message.op === 'sound') tile.listen(message.port);
    else if (message.op === 'output') tile.inStep.output(message.contextS, message.heardMs);
    else if (message.op === 'visible') tile.visible(message.visible);
    else if (message.op === 'switch') {
      tile.switching(message.clickedMs);
      this.socket?.switch(message.tile, message.picture);
    } else if (message.op === 'open') {
      this.sayShown(message.tile);
      tile.opening(message.clickedMs, message.opening);
      this.socket?.open(message.tile, message.target);
    } else {
      this.sayShown(message.tile);
      this.socket?.close(message.tile);
      tile.stop();
      if (message.op === 'remove') this.tiles.delete(message.tile);
    }
  }

  private tileFor(number: number): TilePlayer {
    const known = this.tiles.get(number);
    if (known) return known;
    const player = new TilePlayer(
      {
        status: (status) => this.say({ op: 'status', tile: number, status }),
        numbers: (numbers) => this.say({ op: 'numbers', tile: number, numbers }),
      },
      this.decode,
    );
    this.tiles.set(number, player);
    return player;
  }

  private connect(url: string): LiveSocket {
    const { tiles } = this;
    return new LiveSocket(url, {
      opened: (tile, viewId, identity) => tiles.get(tile)?.opened(viewId, identity),
      refused: (tile, refusal) => tiles.get(tile)?.ended('refused', refusal),
      closed: (tile, refusal) => tiles.get(tile)?.ended('closed', refusal),
      delayed: (tile, dropped) => tiles.get(tile)?.delayed(dropped),
      offline: (tile, since, reason) => tiles.get(tile)?.offline(since, reason),
      frame: (tile, frame) => tiles.get(tile)?.frame(frame),
      link: (up, failures) => {
        if (!up) for (const tile of tiles.values()) tile.lineLost();
        this.say({ op: 'link', up, failures });
      },
    });
  }

  private sayShown(number: number): void {
    const tile = this.tiles.get(number);
    if (tile && tile.shownMs > 0) this.socket?.shown(number, tile.shownMs);
  }

  private pause(isPaused: boolean): void {
    if (!isPaused) {
      const nowMs = performance.timeOrigin + performance.now();
      for (const number of this.socket?.resume() ?? []) this.tiles.get(number)?.opening(nowMs);
      return;
    }
    for (const [number, tile] of this.tiles) {
      this.sayShown(number);
      tile.paused();
    }
    this.socket?.pause();
  }

  private tick(): void {
    this.ticks += 1;
    for (const [number, tile] of this.tiles) {
      tile.tick(Date.now());
      if (this.ticks % SHOWN_EVERY_TICKS === 0) this.sayShown(number);
    }
  }
}
