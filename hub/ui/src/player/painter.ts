// Paints the newest picture with the identity watermark on the tile's canvas; never one without it.
import { drawWatermark, type Identity } from './watermark';

/** A decoded picture, wherever it was decoded; it must be closed. */
export interface Painting {
  readonly image: CanvasImageSource;
  /** Capture time, µs since the epoch. */
  readonly timestamp: number;
  readonly width: number;
  readonly height: number;
  close(): void;
}

type Context = OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D;

export class Painter {
  /** Pictures painted since the tile was opened. */
  frames = 0;
  width = 0;
  height = 0;
  private context: Context | null = null;
  private boxWidth = Infinity;
  private boxHeight = Infinity;
  private waiting: Painting | null = null;
  private asked = false;

  constructor(
    private readonly identity: () => Identity | null,
    private readonly painted: (captureUs: number) => void,
  ) {}

  attach(canvas: OffscreenCanvas | HTMLCanvasElement): void {
    this.context = canvas.getContext('2d', { alpha: false }) as Context | null;
  }

  /** The size on the screen in device pixels: a larger picture is not worth its painting. */
  fit(width: number, height: number): void {
    this.boxWidth = width || Infinity;
    this.boxHeight = height || Infinity;
  }

  /** Takes the picture; the one still waiting is older and is dropped unpainted. */
  show(picture: Painting): void {
    this.waiting?.close();
    this.waiting = picture;
    if (this.frames === 0) this.paint();
    else if (!this.asked) {
      this.asked = true;
      requestAnimationFrame(() => this.paint());
    }
  }

  /** Dark instead of a frozen last picture. */
  blank(): void {
    this.waiting?.close();
    this.waiting = null;
    this.frames = 0;
    const context = this.context;
    if (!context) return;
    context.fillStyle = '#10161d';
    context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  }

  private paint(): void {
    this.asked = false;
    const picture = this.waiting;
    const identity = this.identity();
    const context = this.context;
    if (!picture) return;
    this.waiting = null;
    if (context && identity) {
      this.size(context.canvas, picture);
      const { width, height } = context.canvas;
      context.drawImage(picture.image, 0, 0, width, height);
      drawWatermark(context, width, height, identity, Date.now());
      this.frames += 1;
      this.painted(picture.timestamp);
    }
    picture.close();
  }

  private size(canvas: Context['canvas'], picture: Painting): void {
    this.width = picture.width;
    this.height = picture.height;
    const shrink = Math.min(1, this.boxWidth / this.width, this.boxHeight / this.height);
    const width = Math.max(1, Math.round(this.width * shrink));
    const height = Math.max(1, Math.round(this.height * shrink));
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
  }
}
