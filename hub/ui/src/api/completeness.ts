// Requests about how complete the recordings are, and where each second went.
import { getJson } from './http';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Completeness = Schemas['Completeness'];
export type RoomCompleteness = Schemas['RoomCompleteness'];
export type Amount = Schemas['Amount'];
export type CaptureLedger = Schemas['CaptureLedger'];
export type CaptureSpan = Schemas['CaptureSpan'];

const query = (values: Record<string, string | undefined>) => {
  const given = Object.entries(values).filter((one): one is [string, string] => !!one[1]);
  return given.length > 0 ? `?${new URLSearchParams(given)}` : '';
};
export const getCompleteness = (term?: string) =>
  getJson<Completeness>(`/api/completeness${query({ term })}`);
export const getRoomDay = (room: string, date: string) =>
  getJson<CaptureLedger>(`/api/completeness/${encodeURIComponent(room)}${query({ date })}`);
export const getRecordingLedger = (recording: string) =>
  getJson<CaptureLedger>(`/api/recordings/${encodeURIComponent(recording)}/ledger`);
