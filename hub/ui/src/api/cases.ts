// Requests about papers of applications, interference with patrols, and leaks.
import { getJson, postJson, request } from './http';
import { saveFile } from '../saving';
import type { components } from './schema';

type Schemas = components['schemas'];
export type PaperLine = Schemas['PaperLine'];
export type Interference = Schemas['Interference'];
export type InterferenceForm = Schemas['InterferenceForm'];
export type Suspect = Schemas['Suspect'];
export type TraceForm = Schemas['TraceForm'];
export type SignedExport = Schemas['SignedExport'];

export const listPapers = async () => (await getJson<Schemas['PaperList']>('/api/papers')).papers;
export const addPaper = (application: string, file: File) => {
  const name = new URLSearchParams({ name: file.name });
  const path = `/api/applications/${encodeURIComponent(application)}/papers?${name}`;
  return postJson<{ id: string }>(path, file);
};
/** The browser saves it; the hub writes a line for it. */
export const paperPath = (id: string) => `/api/papers/${encodeURIComponent(id)}`;

const one = (id: string) => `/api/interferences/${encodeURIComponent(id)}`;
export const listInterferences = async () =>
  (await getJson<Schemas['InterferenceList']>('/api/interferences')).interferences;
export const fileInterference = (form: InterferenceForm) =>
  postJson<{ number: string }>('/api/interferences', form);
export const confirmInterference = (id: string) => request('POST', `${one(id)}/confirmation`);
export const withdrawInterference = (id: string, reason: string) =>
  request('POST', `${one(id)}/withdrawal`, { reason });
export const exportInterferences = () => getJson<SignedExport>('/api/interferences/export');

export const traceLeak = async (form: TraceForm) =>
  (await postJson<Schemas['Suspects']>('/api/incidents/trace', form)).views;
export const exportIncident = (form: TraceForm) =>
  postJson<SignedExport>('/api/incidents/file', form);

/** The browser saves what the hub has signed. */
export function saveSigned(signed: SignedExport, name: string) {
  const text = JSON.stringify(signed, null, 2);
  saveFile(new Blob([text], { type: 'application/json' }), `${name}.json`);
}
