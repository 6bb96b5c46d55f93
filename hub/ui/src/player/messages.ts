// What the page and the player's worker say to each other.
import type { Purpose, Refusal } from '../api/model';
import type { Identity } from './watermark';

export type StreamKind = 'main' | 'sub';

/** One of the pictures of a room. */
export interface Picture {
  source: string;
  stream: StreamKind;
}

export interface Target extends Picture {
  room: string;
  purpose: Purpose;
}

export type ToWorker =
  | { op: 'connect'; url: string }
  | { op: 'canvas'; tile: number; canvas: OffscreenCanvas | HTMLCanvasElement }
  | { op: 'size'; tile: number; width: number; height: number }
  | { op: 'open'; tile: number; target: Target; opening: number; clickedMs: number }
  | { op: 'switch'; tile: number; picture: Picture; clickedMs: number }
  | { op: 'visible'; tile: number; visible: boolean }
  | { op: 'pause'; paused: boolean }
  | { op: 'sound'; tile: number; port: MessagePort | null }
  | { op: 'output'; tile: number; contextS: number; heardMs: number }
  | { op: 'close'; tile: number }
  | { op: 'remove'; tile: number };

export type TileState =
  | 'idle'
  | 'opening'
  | 'playing'
  | 'offline'
  | 'reconnecting'
  | 'paused'
  | 'refused'
  | 'closed'
  | 'unsupported';

export interface TileStatus {
  state: TileState;
  /** Which opening of the tile it is about: a word on the one before may still be on its way. */
  opening: number;
  /** Since when the room is offline, ms since the epoch. */
  since: number | null;
  /** Why it is offline, in the hub's word. */
  reason: string | null;
  refusal: Refusal | null;
  identity: Identity | null;
  viewId: string | null;
  /** The hub or this computer left frames out within the last seconds. */
  delayed: boolean;
  codec: string | null;
}

export interface TileNumbers {
  firstFrameMs: number | null;
  frames: number;
  framesPerSecond: number;
  latencyMs: number;
  dropped: number;
  width: number;
  height: number;
}

export type FromWorker =
  | { op: 'status'; tile: number; status: TileStatus }
  | { op: 'numbers'; tile: number; numbers: TileNumbers }
  | { op: 'link'; up: boolean; failures: number };
