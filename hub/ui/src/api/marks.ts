// Requests about time marks: moments of a recording, signed, as evidence without a picture (K4).
import { getJson, postJson, request } from './http';
import type { components } from './schema';


type Schemas = components['schemas'];
export type Mark = Schemas['Mark'];
/** What is to be said of a document and of the footage that it is about. */
export type MarkCheck = Schemas['MarkCheck'];
type MarkForm = Schemas['MarkForm'];

const one = (id: string) => encodeURIComponent(id);

export const setMark = (play: string, form: MarkForm) =>
  postJson<Mark>(`/api/plays/${one(play)}/marks`, form);
export const listMarksOf = async (recording: string) =>
  (await getJson<Schemas['MarkList']>(`/api/recordings/${one(recording)}/marks`)).marks;
export const listOwnMarks = async () => (await getJson<Schemas['MarkList']>('/api/marks')).marks;
export const withdrawMark = (id: string, reason: string) =>
  request('POST', `/api/marks/${one(id)}/withdraw`, { reason });
export const checkMark = (document: string) =>
  postJson<MarkCheck>('/api/marks/check', { document });
