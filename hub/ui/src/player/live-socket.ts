// One WebSocket per tab that carries every tile; it reconnects by itself and asks again for what
// was open. Knows the hub's words, nothing of decoding.
import type { Refusal } from '../api/model';
import { readFrame, type Frame } from './frame';
import type { Picture, Target } from './messages';
import type { Identity } from './watermark';

const RETRY_MS_MIN = 300;
const RETRY_MS_MAX = 8000;
/** Openings follow each other at this distance, so that a wall does not begin all at once. */
const OPEN_EVERY_MS = 25;

export interface SocketEvents {
  opened(tile: number, viewId: string, identity: Identity): void;
  refused(tile: number, refusal: Refusal): void;
  closed(tile: number, refusal: Refusal | null): void;
  delayed(tile: number, dropped: number): void;
  offline(tile: number, since: number, reason: string | null): void;
  frame(tile: number, frame: Frame): void;
  /** The line went down or came up; `failures` counts attempts in a row that did not connect. */
  link(up: boolean, failures: number): void;
}

interface HubWord {
  op?: string;
  tile?: number;
  handle?: number;
  view_id?: string;
  watermark?: Identity;
  error?: Refusal | null;
  dropped?: number;
  since?: number;
  reason?: string;
}

export class LiveSocket {
  private socket: WebSocket | null = null;
  private failures = 0;
  private nextNumber = 1;
  private nextOpeningMs = 0;
  private isPaused = false;
  private isOver = false;
  /** Tile → number on the wire. Each opening has a new number: a late answer finds no tile. */
  private readonly numbers = new Map<number, number>();
  private readonly targets = new Map<number, Target>();
  private handles = new Map<number, number>();

  constructor(
    private readonly url: string,
    private readonly events: SocketEvents,
    private readonly make: (url: string) => WebSocket = (u) => new WebSocket(u),
  ) {
    this.connect();
  }

  open(tile: number, target: Target): void {
    this.close(tile);
    this.targets.set(tile, target);
    this.ask(tile);
  }

  /** Another picture of the same room: the same view. */
  switch(tile: number, picture: Picture): void {
    const target = this.targets.get(tile);
    if (!target) return;
    // A line that is made again asks for the new picture.
    this.targets.set(tile, { ...target, ...picture });
    const number = this.numbers.get(tile);
    if (number !== undefined) this.send({ op: 'switch', tile: number, ...picture });
  }

  /** How long the tile's pictures were on the screen, all in all; to be said before it is closed. */
  shown(tile: number, ms: number): void {
    const number = this.numbers.get(tile);
    if (number !== undefined) this.send({ op: 'shown', tile: number, ms: Math.round(ms) });
  }

  /** Closes every view; `resume` opens them again. */
  pause(): void {
    this.isPaused = true;
    for (const number of this.numbers.values()) this.send({ op: 'close', tile: number });
    this.numbers.clear();
    this.handles = new Map();
  }

  /** Opens again what was open or has been asked for meanwhile; returns these tiles. */
  resume(): number[] {
    this.isPaused = false;
    this.askForAll();
    return [...this.targets.keys()];
  }

  close(tile: number): void {
    const number = this.numbers.get(tile);
    this.drop(tile);
    if (number !== undefined) this.send({ op: 'close', tile: number });
  }

  /** Ends the line for good. */
  end(): void {
    this.isOver = true;
    this.socket?.close();
  }

  private askForAll(): void {
    for (const tile of this.targets.keys()) this.ask(tile);
  }

  private ask(tile: number): void {
    if (this.isPaused || this.socket?.readyState !== 1) return;
    const wait = this.nextOpeningMs - Date.now();
    this.nextOpeningMs = Math.max(this.nextOpeningMs, Date.now()) + OPEN_EVERY_MS;
    if (wait <= 0) this.askNow(tile);
    else setTimeout(() => this.askNow(tile), wait);
  }

  /** Unless the tile was closed, asked for or paused while it waited for its turn. */
  private askNow(tile: number): void {
    const target = this.targets.get(tile);
    if (!target || this.isPaused || this.numbers.has(tile)) return;
    const number = this.nextNumber++;
    this.numbers.set(tile, number);
    this.send({ op: 'open', tile: number, ...target });
  }

  private drop(tile: number): void {
    this.targets.delete(tile);
    this.numbers.delete(tile);
    for (const [handle, owner] of this.handles) if (owner === tile) this.handles.delete(handle);
  }

  private send(word: unknown): void {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(word));
  }

  private connect(): void {
    if (this.isOver) return;
    const socket = this.make(this.url);
    this.socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      this.failures = 0;
      this.events.link(true, 0);
      this.askForAll();
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') this.hear(data);
      else this.deliver(data as ArrayBuffer);
    };
    socket.onclose = () => this.lost();
  }

  private lost(): void {
    if (this.isOver) return;
    this.handles = new Map();
    this.numbers.clear();
    this.failures += 1;
    this.events.link(false, this.failures);
    const wait = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** (this.failures - 1));
    setTimeout(() => this.connect(), wait);
  }

  private deliver(data: ArrayBuffer): void {
    const frame = readFrame(data);
    const tile = frame && this.handles.get(frame.handle);
    if (frame && tile !== undefined && tile !== null) this.events.frame(tile, frame);
  }

  private hear(text: string): void {
    const word = parse(text);
    const tile = word && this.tileOf(word.tile);
    if (!word || tile === null) return;
    if (word.op === 'opened' && word.handle !== undefined && word.watermark) {
      this.handles.set(word.handle, tile);
      this.events.opened(tile, word.view_id ?? '', word.watermark);
    } else if (word.op === 'refused' && word.error) {
      this.drop(tile);
      this.events.refused(tile, word.error);
    } else if (word.op === 'closed') {
      this.drop(tile);
      this.events.closed(tile, word.error ?? null);
    } else if (word.op === 'delayed') {
      this.events.delayed(tile, word.dropped ?? 0);
    } else if (word.op === 'offline' && word.since !== undefined) {
      this.events.offline(tile, word.since, word.reason ?? null);
    }
  }

  private tileOf(number: number | undefined): number | null {
    for (const [tile, wire] of this.numbers) if (wire === number) return tile;
    return null;
  }
}

function parse(text: string): HubWord | null {
  try {
    return JSON.parse(text) as HubWord;
  } catch {
    return null;
  }
}
