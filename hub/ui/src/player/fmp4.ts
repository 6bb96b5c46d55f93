// Fragmented MP4 of the frames that the hub sends (ISO/IEC 14496-12), for browsers that take
// nothing else: one track per file, one frame per fragment, so that no picture waits for the next.
//
//   ftyp  moov( mvhd  trak( tkhd mdia( mdhd hdlr minf( … stbl( stsd … ) ) ) )  mvex( trex ) )
//   moof( mfhd  traf( tfhd tfdt trun ) )  mdat
//
// Libraries of npm cut fragments at keyframes: seconds late.
import type { CodecConfig } from './frame';

/** Units a second: frames bear microseconds. */
const TIMESCALE = 1_000_000;
const TRACK = 1;
/** sample_depends_on 2: none; for all others 1 and sample_is_non_sync_sample. */
const KEY_FLAGS = 0x02000000;
const DELTA_FLAGS = 0x01010000;
/** Of a matrix that turns and scales nothing, in 16.16 and 2.30. */
const UNITY = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];

type Bytes = Uint8Array<ArrayBuffer>;

/** How a frame of a codec is called in a sample entry, and where its set-up goes; null: unknown. */
function entryOf(codec: string): { kind: 'video' | 'audio'; entry: string; setup: string } | null {
  const name = codec.split('.')[0] ?? '';
  if (name === 'avc1') return { kind: 'video', entry: 'avc1', setup: 'avcC' };
  if (name === 'hvc1') return { kind: 'video', entry: 'hvc1', setup: 'hvcC' };
  if (name === 'mp4a') return { kind: 'audio', entry: 'mp4a', setup: 'esds' };
  if (name === 'flac') return { kind: 'audio', entry: 'fLaC', setup: 'dfLa' };
  return null;
}

/** The type of such a file as MediaSource wants it. */
export function mimeOf(codec: string): string | null {
  const known = entryOf(codec);
  return known && `${known.kind}/mp4; codecs="${codec}"`;
}

/** What comes before the first frame; null when the codec is none of the hub's. */
export function initSegment(config: CodecConfig): Bytes | null {
  const known = entryOf(config.codec);
  const { description } = config;
  if (!known || !description) return null;
  const isVideo = known.kind === 'video';
  const { width = 0, height = 0 } = config;
  const entry = isVideo
    ? videoEntry(known.entry, width, height, box(known.setup, description))
    : audioEntry(known.entry, config, audioSetup(known.setup, description));
  const header = isVideo
    ? full('vmhd', 0, 1, zeros(8))
    : full('smhd', 0, 0, zeros(4));
  const tables = box(
    'stbl',
    full('stsd', 0, 0, u32(1), entry),
    full('stts', 0, 0, u32(0)),
    full('stsc', 0, 0, u32(0)),
    full('stsz', 0, 0, u32(0, 0)),
    full('stco', 0, 0, u32(0)),
  );
  const media = box(
    'mdia',
    full('mdhd', 0, 0, u32(0, 0, TIMESCALE, 0), u16(0x55c4, 0)),
    full('hdlr', 0, 0, u32(0), text(isVideo ? 'vide' : 'soun'), zeros(13)),
    box('minf', header, box('dinf', full('dref', 0, 0, u32(1), full('url ', 0, 1))), tables),
  );
  const volume = isVideo ? 0 : 0x0100;
  const track = box(
    'trak',
    full('tkhd', 0, 7, u32(0, 0, TRACK, 0, 0, 0, 0), u16(0, 0, volume, 0), u32(...UNITY), u32(width * 0x10000, height * 0x10000)),
    media,
  );
  const movie = box(
    'moov',
    full('mvhd', 0, 0, u32(0, 0, TIMESCALE, 0, 0x10000), u16(0x0100, 0), zeros(8), u32(...UNITY), zeros(24), u32(TRACK + 1)),
    track,
    box('mvex', full('trex', 0, 0, u32(TRACK, 1, 0, 0, 0))),
  );
  return join([box('ftyp', text('iso6'), u32(0), text('iso6cmfcmp41')), movie]);
}

export interface Sample {
  /** From 1, in this file. */
  number: number;
  /** Since the file's beginning. */
  timeUs: number;
  durationUs: number;
  key: boolean;
  payload: Bytes;
}

/** One frame. */
export function fragment({ number, timeUs, durationUs, key, payload }: Sample): Bytes {
  const movie = (dataOffset: number) =>
    box(
      'moof',
      full('mfhd', 0, 0, u32(number)),
      box(
        'traf',
        // default-base-is-moof
        full('tfhd', 0, 0x020000, u32(TRACK)),
        full('tfdt', 1, 0, u32(Math.floor(timeUs / 2 ** 32), timeUs % 2 ** 32)),
        // data offset, and of the one sample: duration, size, flags
        full(
          'trun',
          0,
          0x000701,
          u32(1, dataOffset, durationUs, payload.length, key ? KEY_FLAGS : DELTA_FLAGS),
        ),
      ),
    );
  const data = box('mdat', payload);
  return join([movie(movie(0).length + 8), data]);
}

function videoEntry(name: string, width: number, height: number, setup: Bytes): Bytes {
  return box(
    name,
    zeros(6),
    u16(1),
    zeros(16),
    u16(width, height),
    // 72 dots an inch, one frame a sample, no name of the encoder, 24 bits.
    u32(0x480000, 0x480000, 0),
    u16(1),
    zeros(32),
    u16(0x18, 0xffff),
    setup,
  );
}

function audioEntry(name: string, { sampleRate = 0, channels = 1 }: CodecConfig, setup: Bytes) {
  // The rate has 16 bits before the point; what is higher stands in the set-up alone.
  const rate = sampleRate < 0x10000 ? sampleRate : 0;
  return box(name, zeros(6), u16(1), zeros(8), u16(channels, 16), zeros(4), u16(rate, 0), setup);
}

/** AAC: an elementary stream descriptor around its AudioSpecificConfig (ISO/IEC 14496-1). FLAC: its
 * metadata blocks without the four letters before them. */
function audioSetup(name: string, description: Bytes): Bytes {
  if (name === 'dfLa') return full('dfLa', 0, 0, description.slice(4));
  const specific = descriptor(5, description);
  // MPEG-4 audio, an audio stream; buffer and bit rates are not said.
  const decoder = descriptor(4, new Uint8Array([0x40, 0x15]), zeros(11), specific);
  return full('esds', 0, 0, descriptor(3, u16(TRACK), zeros(1), decoder, descriptor(6, new Uint8Array([2]))));
}

function descriptor(tag: number, ...parts: Bytes[]): Bytes {
  const body = join(parts);
  return join([new Uint8Array([tag, 0x80, 0x80, 0x80, body.length]), body]);
}

function box(type: string, ...parts: Bytes[]): Bytes {
  const size = parts.reduce((sum, part) => sum + part.length, 8);
  return join([u32(size), text(type), ...parts]);
}

function full(type: string, version: number, flags: number, ...parts: Bytes[]): Bytes {
  return box(type, u32(version * 2 ** 24 + flags), ...parts);
}

function text(ascii: string): Bytes {
  return Uint8Array.from(ascii, (letter) => letter.charCodeAt(0));
}

function zeros(count: number): Bytes {
  return new Uint8Array(count);
}

function u16(...values: number[]): Bytes {
  const view = new DataView(new ArrayBuffer(2 * values.length));
  values.forEach((value, at) => view.setUint16(2 * at, value));
  return new Uint8Array(view.buffer);
}

function u32(...values: number[]): Bytes {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, at) => view.setUint32(4 * at, value));
  return new Uint8Array(view.buffer);
}

function join(parts: Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
