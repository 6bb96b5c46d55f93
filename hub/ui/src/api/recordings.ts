// Requests about recordings: which there are, and the playback of one.
import { getJson, postJson, request } from './http';
import type { Wanted } from '../library';
import type { Jump } from '../playback/jumps';
import type {
  Play,
  PlaySegment,
  Purpose,
  Recording,
  RecordingChoices,
  Recordings,
} from './model';

const play = (id: string) => `/api/plays/${encodeURIComponent(id)}`;

export const listRecordings = (wanted: Partial<Wanted>) =>
  getJson<Recordings>(`/api/recordings?${new URLSearchParams(wanted)}`);
export const getChoices = (term: string) =>
  getJson<RecordingChoices>(`/api/recordings/choices${term ? `?${new URLSearchParams({ term })}` : ''}`);
export const getRecording = (id: string) =>
  getJson<Recording>(`/api/recordings/${encodeURIComponent(id)}`);
export const startPlay = (id: string, purpose: Purpose) =>
  postJson<Play>(`/api/recordings/${encodeURIComponent(id)}/plays`, { purpose });

/** A segment as it arrives: whole, or from the last keyframe at or before `from`. */
export async function openSegment(
  playId: string,
  segment: PlaySegment,
  from: number | null,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const part = from === null ? '' : `?from=${from}`;
  const path = `${play(playId)}/segments/${encodeURIComponent(segment.id)}${part}`;
  const { body } = await request('GET', path, undefined, signal);
  if (!body) throw new Error(`segment ${segment.id} is empty`);
  return body;
}

export const reportJump = (playId: string, jump: Jump) =>
  request('POST', `${play(playId)}/jumps`, jump);
