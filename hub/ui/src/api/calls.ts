// Every request the pages make, named by what it asks for.
import { getJson, postJson, request } from './http';
import type {
  ApplicationForm,
  ApplicationHeader,
  AuditPage,
  Device,
  Fault,
  GrantApplication,
  GrantLine,
  Home,
  Me,
  PatrolRecord,
  Play,
  Purpose,
  RecordForm,
  RecordHeader,
  Recording,
  Room,
  Watcher,
} from './model';

export const signInWithPassword = (login: string, password: string, totp: string) =>
  postJson<Me>('/api/session', { login, password, totp });
export const signInWithLink = (token: string) => postJson<Me>('/api/session/link', { token });
export const endSession = () => request('DELETE', '/api/session');
export const getMe = () => getJson<Me>('/api/me');
export const getHome = () => getJson<Home>('/api/home');

export const listRooms = async () => (await getJson<{ rooms: Room[] }>('/api/rooms')).rooms;
export const getRoom = (id: string) => getJson<Room>(`/api/rooms/${encodeURIComponent(id)}`);

export async function listRecordings(date: string, room: string): Promise<Recording[]> {
  const query = new URLSearchParams({ date });
  if (room) query.set('room', room);
  return (await getJson<{ recordings: Recording[] }>(`/api/recordings?${query}`)).recordings;
}
export const getRecording = (id: string) =>
  getJson<Recording>(`/api/recordings/${encodeURIComponent(id)}`);
export const startPlay = (id: string, purpose: Purpose) =>
  postJson<Play>(`/api/recordings/${encodeURIComponent(id)}/plays`, { purpose });

export async function fetchSegment(
  playId: string,
  segmentId: string,
  signal: AbortSignal,
): Promise<ArrayBuffer> {
  const path = `/api/plays/${encodeURIComponent(playId)}/segments/${encodeURIComponent(segmentId)}`;
  const response = await fetch(path, { signal, credentials: 'same-origin', cache: 'no-store' });
  if (!response.ok) throw new Error(`segment ${segmentId}: HTTP ${response.status}`);
  return response.arrayBuffer();
}

export const newRecord = (room: string) =>
  getJson<RecordHeader>(`/api/records/new?room=${encodeURIComponent(room)}`);
export const fileRecord = (form: RecordForm) => postJson<{ id: string }>('/api/records', form);
export const listRecords = async () =>
  (await getJson<{ records: PatrolRecord[] }>('/api/records')).records;
export const getRecord = (id: string) =>
  getJson<PatrolRecord>(`/api/records/${encodeURIComponent(id)}`);

export const listDevices = async () =>
  (await getJson<{ devices: Device[] }>('/api/devices')).devices;
export const listOpenFaults = async () =>
  (await getJson<{ faults: Fault[] }>('/api/faults?open=true')).faults;

export const listApplications = async () =>
  (await getJson<{ applications: GrantApplication[] }>('/api/applications')).applications;
export const newApplication = () => getJson<ApplicationHeader>('/api/applications/new');
export const fileApplication = (form: ApplicationForm) =>
  postJson<{ number: string }>('/api/applications', form);
export const openApplication = (id: string) =>
  request('POST', `/api/applications/${encodeURIComponent(id)}/opening`);
export const refuseApplication = (id: string, reason: string) =>
  request('POST', `/api/applications/${encodeURIComponent(id)}/refusal`, { reason });
export const listGrants = async () =>
  (await getJson<{ grants: GrantLine[] }>('/api/grants')).grants;
export const revokeGrant = (id: string, reason: string) =>
  request('POST', `/api/grants/${encodeURIComponent(id)}/revocation`, { reason });

export const listWatchers = async () =>
  (await getJson<{ views: Watcher[] }>('/api/watchers')).views;

/** The browser saves it; the hub writes a line for it. */
export const AUDIT_EXPORT = '/api/audit/export';
export function listAudit(before: number | null, limit: number): Promise<AuditPage> {
  const query = new URLSearchParams({ limit: String(limit) });
  if (before !== null) query.set('before', String(before));
  return getJson<AuditPage>(`/api/audit?${query}`);
}
