// The frame message: one encoded picture or sound as it comes from the box, all big-endian.
//
// kind u8, flags u8 (bit 0: keyframe), handle u16, sequence u32, capture time i64 in µs, payload.

export const FRAME_HEADER_BYTES = 16;

export type FrameKind = 'video-config' | 'video' | 'audio-config' | 'audio';

const KINDS: (FrameKind | undefined)[] = [
  undefined,
  'video-config',
  'video',
  'audio-config',
  'audio',
];

export interface Frame {
  kind: FrameKind;
  key: boolean;
  handle: number;
  sequence: number;
  /** Capture time in microseconds since the epoch. */
  captureUs: number;
  payload: Uint8Array<ArrayBuffer>;
}

/** Reads one message; null when it is no frame message, which the caller drops. */
export function readFrame(message: ArrayBuffer): Frame | null {
  if (message.byteLength < FRAME_HEADER_BYTES) return null;
  const view = new DataView(message);
  const kind = KINDS[view.getUint8(0)];
  if (!kind) return null;
  return {
    kind,
    key: (view.getUint8(1) & 1) === 1,
    handle: view.getUint16(2),
    sequence: view.getUint32(4),
    captureUs: Number(view.getBigInt64(8)),
    payload: new Uint8Array(message, FRAME_HEADER_BYTES),
  };
}

/** The JSON of a config message as WebCodecs wants it. */
export interface CodecConfig {
  codec: string;
  width?: number;
  height?: number;
  sampleRate?: number;
  channels?: number;
  description?: Uint8Array<ArrayBuffer>;
}

export function readConfig(payload: Uint8Array): CodecConfig | null {
  try {
    const json = JSON.parse(new TextDecoder().decode(payload)) as Record<string, unknown>;
    if (typeof json.codec !== 'string') return null;
    return {
      codec: json.codec,
      width: numberOr(json.width),
      height: numberOr(json.height),
      sampleRate: numberOr(json.sample_rate),
      channels: numberOr(json.channels),
      description: typeof json.description === 'string' ? fromBase64(json.description) : undefined,
    };
  } catch {
    return null;
  }
}

function numberOr(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
