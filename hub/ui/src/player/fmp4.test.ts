import { expect, test } from 'vitest';
import { fragment, initSegment, mimeOf } from './fmp4';

/** Boxes that hold boxes, and how many bytes stand before the first of them. */
const INNER: Record<string, number> = {
  moov: 0,
  trak: 0,
  mdia: 0,
  minf: 0,
  dinf: 0,
  stbl: 0,
  mvex: 0,
  moof: 0,
  traf: 0,
  dref: 8,
  stsd: 8,
  avc1: 78,
  hvc1: 78,
  mp4a: 28,
  fLaC: 28,
};

/** Path of every box → its body. Fails where a length does not fit. */
function boxes(bytes: Uint8Array, path = ''): Map<string, DataView> {
  const found = new Map<string, DataView>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at < bytes.length) {
    const size = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (size < 8 || at + size > bytes.length) throw new Error(`${path}/${name} has ${size} bytes`);
    const body = bytes.subarray(at + 8, at + size);
    found.set(`${path}/${name}`, new DataView(body.buffer, body.byteOffset, body.byteLength));
    const before = INNER[name];
    if (before !== undefined)
      for (const [inner, data] of boxes(body.subarray(before), `${path}/${name}`))
        found.set(inner, data);
    at += size;
  }
  return found;
}

const video = (codec: string) => ({
  codec,
  width: 640,
  height: 360,
  description: new Uint8Array([1, 0x4d, 0x40, 0x1e]),
});
const sound = (codec: string, description: number[]) => ({
  codec,
  sampleRate: 48_000,
  channels: 1,
  description: new Uint8Array(description),
});
const bytesOf = (view?: DataView) =>
  view ? [...new Uint8Array(view.buffer, view.byteOffset, view.byteLength)] : [];

test.each([
  ['avc1.4d401e', 'avc1', 'avcC'],
  ['hvc1.1.6.L93.90', 'hvc1', 'hvcC'],
])('the set-up of %s stands in its sample entry as the hub sent it', (codec, entry, setup) => {
  const init = initSegment(video(codec));
  const tree = boxes(init ?? new Uint8Array());
  const stsd = '/moov/trak/mdia/minf/stbl/stsd';
  const sample = tree.get(`${stsd}/${entry}`);
  expect([sample?.getUint16(24), sample?.getUint16(26)]).toEqual([640, 360]);
  expect(bytesOf(tree.get(`${stsd}/${entry}/${setup}`))).toEqual([1, 0x4d, 0x40, 0x1e]);
  expect(tree.get('/moov/trak/mdia/mdhd')?.getUint32(12)).toBe(1_000_000);
});

test('AAC stands in an elementary stream descriptor, FLAC without its four letters', () => {
  const aac = boxes(initSegment(sound('mp4a.40.2', [0x11, 0x88])) ?? new Uint8Array());
  const stsd = '/moov/trak/mdia/minf/stbl/stsd';
  const esds = bytesOf(aac.get(`${stsd}/mp4a/esds`));
  expect(esds.join()).toContain([5, 0x80, 0x80, 0x80, 2, 0x11, 0x88].join());
  expect(aac.get(`${stsd}/mp4a`)?.getUint16(24)).toBe(48_000);
  const letters = [0x66, 0x4c, 0x61, 0x43];
  const flac = boxes(initSegment(sound('flac', [...letters, 0x80, 0, 0, 1, 7])) ?? new Uint8Array());
  expect(bytesOf(flac.get(`${stsd}/fLaC/dfLa`))).toEqual([0, 0, 0, 0, 0x80, 0, 0, 1, 7]);
});

test('a fragment holds one frame at its time, however far from the beginning', () => {
  const payload = new Uint8Array([9, 8, 7]);
  const timeUs = 7 * 3600 * 1e6 + 40_000;
  const bytes = fragment({ number: 5, timeUs, durationUs: 40_000, key: false, payload });
  const tree = boxes(bytes);
  expect(tree.get('/moof/mfhd')?.getUint32(4)).toBe(5);
  expect(Number(tree.get('/moof/traf/tfdt')?.getBigUint64(4))).toBe(timeUs);
  const run = tree.get('/moof/traf/trun');
  const [count, offset, duration, size, flags] = [4, 8, 12, 16, 20].map((at) => run?.getUint32(at));
  expect([count, duration, size]).toEqual([1, 40_000, 3]);
  expect([...bytes.subarray(offset, (offset ?? 0) + 3)]).toEqual([9, 8, 7]);
  expect((flags ?? 0) & 0x10000).toBe(0x10000);
  const key = boxes(fragment({ number: 1, timeUs: 0, durationUs: 1, key: true, payload }));
  expect((key.get('/moof/traf/trun')?.getUint32(20) ?? 1) & 0x10000).toBe(0);
});

test('what the hub does not send has no file', () => {
  expect(initSegment(video('vp8'))).toBeNull();
  expect(initSegment({ codec: 'avc1.4d401e' })).toBeNull();
  expect(mimeOf('opus')).toBeNull();
  expect(mimeOf('avc1.4d401e')).toBe('video/mp4; codecs="avc1.4d401e"');
  expect(mimeOf('flac')).toBe('audio/mp4; codecs="flac"');
});
