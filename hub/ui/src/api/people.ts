// Requests about people and their posts.
import { getJson, postJson, request } from './http';
import type { components } from './schema';

type Schemas = components['schemas'];
export type People = Schemas['People'];
export type PersonLine = Schemas['PersonLine'];
export type PostForm = Schemas['PostForm'];

export interface PeopleFilter {
  search: string;
  role: string;
  unit: string;
  state: string;
  page: number;
}

const one = (id: string) => `/api/people/${encodeURIComponent(id)}`;

export function listPeople(filter: PeopleFilter): Promise<People> {
  const query = new URLSearchParams({ page: String(filter.page) });
  for (const key of ['search', 'role', 'unit', 'state'] as const) {
    if (filter[key].trim()) query.set(key, filter[key].trim());
  }
  return getJson<People>(`/api/people?${query}`);
}
export const appoint = (id: string, form: PostForm) => request('POST', `${one(id)}/post`, form);

export type StaffPreview = Schemas['StaffPreview'];
export type StaffStep = Schemas['StaffStep'];
export type LineProblem = Schemas['LineProblem'];
export type StaffCounts = Schemas['StaffCounts'];

export const STAFF_TEMPLATE = '/api/people/import/template';
export const previewStaff = (file: string, whole: boolean) =>
  postJson<StaffPreview>('/api/people/import/preview', { file, whole });
export const importStaff = (form: Schemas['StaffImport']) =>
  postJson<StaffCounts>('/api/people/import', form);

export type StaleReport = Schemas['StaleReport'];
export type StaleAccount = Schemas['StaleAccount'];
export type Lockouts = Schemas['Lockouts'];
export type LockoutLine = Schemas['LockoutLine'];

export const listStale = () => getJson<StaleReport>('/api/people/stale');
export const getStaleWorkbook = async () =>
  (await request('GET', '/api/people/stale.xlsx')).blob();
export const disableAccount = (id: string, reason: string) =>
  request('POST', `${one(id)}/disabling`, { reason });
export const listLockouts = () => getJson<Lockouts>('/api/lockouts');
export const release = (form: Schemas['ReleaseForm']) =>
  request('POST', '/api/lockouts/release', form);

/** A file as the hub takes it. */
export function base64(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onerror = () => reject(new Error(`${file.name} cannot be read`));
    reader.onload = () => resolve(String(reader.result).split(',', 2)[1] ?? '');
    reader.readAsDataURL(file);
  });
}
