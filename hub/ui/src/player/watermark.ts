// The moving identity watermark (R61): who watches, from where, when; in every painted picture.
import { dateTime } from '../time';

export interface Identity {
  name: string;
  staff_number: string;
  address: string;
}

/** The top of the picture is kept free: cameras of the demo carry their frame counter there. */
const TOP_FREE = 0.08;
/** Seconds for one sweep; the two axes differ so that no corner stays bare for long. */
const SWEEP_X_S = 37;
const SWEEP_Y_S = 23;

type Context = OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D;

export function watermarkText(identity: Identity, nowMs: number): string {
  const { name, staff_number, address } = identity;
  return `${name} ${staff_number} ${address} ${dateTime(nowMs)}`;
}

/** Where the text's top left corner is, as a share of the free room: 0 to 1 on both axes. */
export function watermarkPlace(nowMs: number): { x: number; y: number } {
  return { x: sweep(nowMs / 1000 / SWEEP_X_S), y: sweep(nowMs / 1000 / SWEEP_Y_S) };
}

/** Back and forth between 0 and 1 at an even speed. */
function sweep(turns: number): number {
  const phase = turns - Math.floor(turns);
  return phase < 0.5 ? phase * 2 : 2 - phase * 2;
}

/** Draws the mark twice, at opposite places, so that cropping one leaves the other. */
export function drawWatermark(
  context: Context,
  width: number,
  height: number,
  identity: Identity,
  nowMs: number,
): void {
  const size = Math.max(11, Math.round(width / 46));
  context.font = `600 ${size}px "Noto Sans CJK SC", "Microsoft YaHei", sans-serif`;
  context.textBaseline = 'top';
  context.lineWidth = Math.max(2, size / 7);
  context.lineJoin = 'round';
  context.strokeStyle = 'rgba(0, 0, 0, 0.32)';
  context.fillStyle = 'rgba(255, 255, 255, 0.46)';
  const text = watermarkText(identity, nowMs);
  const roomX = Math.max(0, width - context.measureText(text).width - size);
  const roomY = height * (1 - TOP_FREE) - size * 2;
  const { x, y } = watermarkPlace(nowMs);
  for (const [left, down] of [
    [x, y],
    [1 - x, 1 - y],
  ] as const) {
    const px = size / 2 + left * roomX;
    const py = height * TOP_FREE + size / 2 + down * roomY;
    context.strokeText(text, px, py);
    context.fillText(text, px, py);
  }
}
