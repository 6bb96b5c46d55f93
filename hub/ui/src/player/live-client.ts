// The page's hand on the player: one worker per tab, one LiveTile per picture on the page.
import { Attention } from './attention';
import type { FromWorker, Picture, Target, TileNumbers, TileStatus, ToWorker } from './messages';
import { Sound } from './sound';

export interface TileEvents {
  status(status: TileStatus): void;
  numbers(numbers: TileNumbers): void;
}

export class LiveClient {
  private readonly worker = new Worker(new URL('./live-worker.ts', import.meta.url), {
    type: 'module',
  });
  private readonly tiles = new Map<number, TileEvents>();
  private readonly attention = new Attention((away) => this.say({ op: 'pause', paused: away }));
  private nextTile = 1;

  /** `unreachable` is called when the line could not be made several times in a row. */
  constructor(unreachable: () => void) {
    this.worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.op === 'status') this.tiles.get(data.tile)?.status(data.status);
      else if (data.op === 'numbers') this.tiles.get(data.tile)?.numbers(data.numbers);
      else if (!data.up && data.failures === 2) unreachable();
    };
    const url = new URL('/api/live', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.say({ op: 'connect', url: url.href });
  }

  /** Hands the canvas to the worker for good; a canvas can be given once only. */
  tile(canvas: HTMLCanvasElement, events: TileEvents): LiveTile {
    const number = this.nextTile++;
    this.tiles.set(number, events);
    const offscreen = canvas.transferControlToOffscreen();
    this.say({ op: 'canvas', tile: number, canvas: offscreen }, [offscreen]);
    return new LiveTile(number, (message, transfer) => this.say(message, transfer), () =>
      this.tiles.delete(number),
    );
  }

  /** Ends the line and every tile on it. */
  stop(): void {
    this.attention.stop();
    this.worker.terminate();
    this.tiles.clear();
  }

  private say(message: ToWorker, transfer: Transferable[] = []): void {
    this.worker.postMessage(message, transfer);
  }
}

export class LiveTile {
  private readonly sound = new Sound();

  constructor(
    private readonly number: number,
    private readonly say: (message: ToWorker, transfer?: Transferable[]) => void,
    private readonly forget: () => void,
  ) {}

  open(target: Target): void {
    const clickedMs = performance.timeOrigin + performance.now();
    this.say({ op: 'open', tile: this.number, target, clickedMs });
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
