// The page's hand on the player: one line per tab, one LiveTile per picture on the page. Pictures
// are made in a worker, or beside the page itself where only Media Source Extensions are there.
import { Attention } from './attention';
import { LiveHost } from './live-host';
import type { FromWorker, Picture, Target, TileNumbers, TileStatus, ToWorker } from './messages';
import { mseTakes, MseTrack } from './mse-track';
import { Sound } from './sound';
import type { Way } from './support';

export interface TileEvents {
  status(status: TileStatus): void;
  numbers(numbers: TileNumbers): void;
}

export interface ClientEvents {
  /** The line could not be made several times in a row. */
  unreachable(): void;
  /** WebCodecs lack a codec that Media Source Extensions have: another client is to be made. */
  otherWay(): void;
}

export class LiveClient {
  private readonly maker: { hear(message: ToWorker, transfer: Transferable[]): void; end(): void };
  private readonly tiles = new Map<number, TileEvents>();
  private readonly attention = new Attention((away) => this.say({ op: 'pause', paused: away }));
  private nextTile = 1;

  constructor(
    readonly way: Way,
    private readonly events: ClientEvents,
  ) {
    const hear = (message: FromWorker) => this.hear(message);
    this.maker = way === 'mse' ? inPage(hear) : inWorker(hear);
    const url = new URL('/api/live', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.say({ op: 'connect', url: url.href });
  }

  /** Hands the canvas to the worker for good; a canvas can be given once only. */
  tile(canvas: HTMLCanvasElement, events: TileEvents): LiveTile {
    const number = this.nextTile++;
    if (this.way === 'mse') this.say({ op: 'canvas', tile: number, canvas });
    else {
      const offscreen = canvas.transferControlToOffscreen();
      this.say({ op: 'canvas', tile: number, canvas: offscreen }, [offscreen]);
    }
    const tile = new LiveTile(number, (message, transfer) => this.say(message, transfer), () =>
      this.tiles.delete(number),
    );
    this.tiles.set(number, {
      ...events,
      status: (status) => tile.isAbout(status) && events.status(status),
    });
    return tile;
  }

  /** Ends the line and every tile on it. */
  stop(): void {
    this.attention.stop();
    this.maker.end();
    this.tiles.clear();
  }

  private hear(message: FromWorker): void {
    if (message.op === 'numbers') this.tiles.get(message.tile)?.numbers(message.numbers);
    else if (message.op === 'link') {
      if (!message.up && message.failures === 2) this.events.unreachable();
    } else if (this.isBetterBy(message.status)) this.events.otherWay();
    else this.tiles.get(message.tile)?.status(message.status);
  }

  private isBetterBy({ state, codec }: TileStatus): boolean {
    return this.way === 'webcodecs' && state === 'unsupported' && mseTakes(codec ?? '');
  }

  private say(message: ToWorker, transfer: Transferable[] = []): void {
    this.maker.hear(message, transfer);
  }
}

function inWorker(heard: (message: FromWorker) => void) {
  const worker = new Worker(new URL('./live-worker.ts', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => heard(data);
  return {
    hear: (message: ToWorker, transfer: Transferable[]) => worker.postMessage(message, transfer),
    end: () => worker.terminate(),
  };
}

function inPage(heard: (message: FromWorker) => void) {
  const host = new LiveHost(heard, (events) => new MseTrack(events));
  return { hear: (message: ToWorker) => host.hear(message), end: () => host.stop() };
}

export class LiveTile {
  private readonly sound = new Sound();
  private opening = 0;

  constructor(
    private readonly number: number,
    private readonly say: (message: ToWorker, transfer?: Transferable[]) => void,
    private readonly forget: () => void,
  ) {}

  open(target: Target): void {
    const clickedMs = performance.timeOrigin + performance.now();
    this.opening += 1;
    this.say({ op: 'open', tile: this.number, target, opening: this.opening, clickedMs });
  }

  /** Whether a word is about what was opened last. */
  isAbout({ opening }: TileStatus): boolean {
    return opening === this.opening;
  }

  /** Shows another picture of the same room, in the same view. */
  switch(picture: Picture): void {
    const clickedMs = performance.timeOrigin + performance.now();
    this.say({ op: 'switch', tile: this.number, picture, clickedMs });
  }

  /** Whether the canvas can be seen; only then its pictures count as shown. */
  visible(isVisible: boolean): void {
    this.say({ op: 'visible', tile: this.number, visible: isVisible });
  }

  /** The canvas on the screen in device pixels. */
  fit(width: number, height: number): void {
    this.say({ op: 'size', tile: this.number, width, height });
  }

  /** Must be called from a click when turning on. */
  async listen(on: boolean): Promise<void> {
    if (!on) {
      this.say({ op: 'sound', tile: this.number, port: null });
      this.sound.stop();
      return;
    }
    const port = await this.sound.start((contextS, heardMs) =>
      this.say({ op: 'output', tile: this.number, contextS, heardMs }),
    );
    this.say({ op: 'sound', tile: this.number, port }, [port]);
  }

  close(): void {
    this.sound.stop();
    this.say({ op: 'close', tile: this.number });
  }

  remove(): void {
    this.sound.stop();
    this.say({ op: 'remove', tile: this.number });
    this.forget();
  }
}
