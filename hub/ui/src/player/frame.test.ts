import { expect, test } from 'vitest';
import { readConfig, readFrame } from './frame';

function message(bytes: number[]): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

test('a frame message is read big-endian', () => {
  const capture = [0x00, 0x05, 0xd7, 0x2b, 0x31, 0x2c, 0x40, 0x08];
  const frame = readFrame(message([2, 1, 0x01, 0x02, 0, 0, 1, 0, ...capture, 9, 8, 7]));
  expect(frame).toMatchObject({ kind: 'video', key: true, handle: 258, sequence: 256 });
  expect(frame?.captureUs).toBe(Number(0x0005d72b312c4008n));
  expect([...(frame?.payload ?? [])]).toEqual([9, 8, 7]);
});

test('other flag bits do not make a keyframe', () => {
  expect(readFrame(message([2, 2, ...Array(14).fill(0)]))?.key).toBe(false);
});

test('what is no frame message is dropped', () => {
  expect(readFrame(message([]))).toBeNull();
  expect(readFrame(message([2, 0, 0, 1]))).toBeNull();
  expect(readFrame(message([0, ...Array(15).fill(0)]))).toBeNull();
  expect(readFrame(message([5, ...Array(15).fill(0)]))).toBeNull();
});

test('a config message carries what WebCodecs needs', () => {
  const json =
    '{"codec":"avc1.640028","width":1920,"height":1080,"description":"AWQAKA=="}';
  const config = readConfig(new TextEncoder().encode(json));
  expect(config).toMatchObject({ codec: 'avc1.640028', width: 1920, height: 1080 });
  expect([...(config?.description ?? [])]).toEqual([1, 100, 0, 40]);
  const sound = '{"codec":"mp4a.40.2","sample_rate":48000,"channels":1,"description":"EZA="}';
  expect(readConfig(new TextEncoder().encode(sound))).toMatchObject({
    sampleRate: 48000,
    channels: 1,
  });
});

test('a broken config message is none', () => {
  for (const text of ['', '{', '{}', '{"codec":7}', '{"codec":"avc1","description":"*"}'])
    expect(readConfig(new TextEncoder().encode(text))).toBeNull();
});
