// Requests about rooms by state, and one room's numbers over time.
import { getJson } from './http';
import type { Fault } from './model';
import type { components } from './schema';

type Schemas = components['schemas'];
export type FleetRoom = Schemas['FleetRoom'];
export type History = Schemas['History'];
export type Series = Schemas['Series'];

export const listFleet = async () =>
  (await getJson<{ rooms: FleetRoom[] }>('/api/fleet')).rooms;
export const getHistory = (room: string, span: string) =>
  getJson<History>(`/api/rooms/${encodeURIComponent(room)}/health/history?span=${span}`);
export const listFaultsOf = async (device: string) =>
  (await getJson<{ faults: Fault[] }>(`/api/faults?device=${encodeURIComponent(device)}`)).faults;
