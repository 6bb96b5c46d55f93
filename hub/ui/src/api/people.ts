// Requests about people and their posts.
import { getJson, request } from './http';
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
