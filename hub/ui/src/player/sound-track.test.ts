import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ToWorklet } from './sound-worklet';
import { SoundTrack } from './sound-track';

/** Stamps what it gives out by counting from the first piece, as Chromium's does. */
class Decoder {
  state = 'unconfigured';
  decodeQueueSize = 0;
  private at = 0;
  constructor(private readonly to: { output(data: unknown): void }) {
    made.push(this);
  }
  configure(): void {
    this.state = 'configured';
  }
  close(): void {
    this.state = 'closed';
  }
  decode({ data }: { data: Uint8Array }): void {
    this.at += 1;
    const length = data[0] === 0 ? 0 : 1024;
    if (length === 0) return;
    this.to.output({
      numberOfFrames: length,
      sampleRate: 48_000,
      timestamp: this.at,
      copyTo: () => {},
      close: () => {},
    });
  }
}

let made: Decoder[];
let said: ToWorklet[];
let track: SoundTrack;

const config = { codec: 'mp4a.40.2', sample_rate: 48_000, channels: 1, description: 'EYg=' };
const piece = (ms: number, first = 1) =>
  track.push({
    kind: 'audio',
    key: false,
    handle: 1,
    sequence: 0,
    captureUs: ms * 1000,
    payload: new Uint8Array([first]),
  });
const captured = () =>
  said.map((one) => (one.op === 'play' ? one.captureUs / 1000 : one.op));

beforeEach(() => {
  made = [];
  said = [];
  vi.stubGlobal('AudioDecoder', Decoder);
  vi.stubGlobal('EncodedAudioChunk', class {
    constructor(init: object) {
      Object.assign(this, init);
    }
  });
  track = new SoundTrack(() => {});
  track.configure(new TextEncoder().encode(JSON.stringify(config)));
  track.listen({
    postMessage: (message: ToWorklet) => said.push(message),
    close: () => {},
  } as unknown as MessagePort);
});
afterEach(() => vi.unstubAllGlobals());

test('sound bears its capture time also behind a loss', () => {
  piece(1000);
  piece(1021);
  piece(3000);
  expect(captured()).toEqual([1000, 1021, 3000]);
});

test('a piece that nothing came of does not shift the others for good', () => {
  piece(1000);
  for (const ms of [1021, 1042, 1063, 1084]) piece(ms, 0);
  for (const ms of [2000, 2021, 2042, 2063]) piece(ms);
  const late = captured().map((ms, at) => [1000, 2000, 2021, 2042, 2063][at]! - Number(ms));
  expect(late.at(-1)).toBeLessThanOrEqual(43);
});

test('other sound begins with an empty store and a decoder of its own', () => {
  piece(1000);
  const other = { ...config, sample_rate: 44_100 };
  track.configure(new TextEncoder().encode(JSON.stringify(other)));
  piece(500);
  expect(captured()).toEqual([1000, 'restart', 500]);
  expect(made.map(({ state }) => state)).toEqual(['closed', 'configured']);
});

test('nothing is decoded while nobody listens', () => {
  track.listen(null);
  piece(1000);
  expect(made).toEqual([]);
});
