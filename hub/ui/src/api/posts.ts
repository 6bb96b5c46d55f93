// Requests about departures, hand-over lists and decisions about a breach.
import { getJson, postJson, request } from './http';
import type { components } from './schema';

type Schemas = components['schemas'];
export type DepartureLine = Schemas['DepartureLine'];
export type HandoverItem = Schemas['HandoverItem'];
export type Sanction = Schemas['Sanction'];
export type SanctionForm = Schemas['SanctionForm'];

const departure = (id: string) => `/api/departures/${encodeURIComponent(id)}`;
const sanction = (id: string) => `/api/sanctions/${encodeURIComponent(id)}`;

export const listDepartures = async () =>
  (await getJson<Schemas['DepartureList']>('/api/departures')).departures;
export const openDeparture = (form: Schemas['DepartureForm']) =>
  postJson<{ number: string }>('/api/departures', form);
export const closeOwn = (reason: string, items: string[]) =>
  postJson<{ number: string }>('/api/departures/own', { reason, items });
export const addHandover = (id: string, what: string) =>
  request('POST', `${departure(id)}/items`, { what });
export const settleHandover = (id: string, receiver: string, outcome: string) =>
  request('POST', `/api/handovers/${encodeURIComponent(id)}/settlement`, { receiver, outcome });
export const closeDeparture = (id: string) => request('POST', `${departure(id)}/closing`);

export const listSanctions = async () =>
  (await getJson<Schemas['SanctionList']>('/api/sanctions')).sanctions;
export const ownSanctions = async () =>
  (await getJson<Schemas['SanctionList']>('/api/sanctions/own')).sanctions;
export const fileSanction = (form: SanctionForm) => request('POST', '/api/sanctions', form);
export const decideSanction = (id: string) => request('POST', `${sanction(id)}/decision`);
export type SaidStep = 'withdrawal' | 'lifting' | 'objection' | 'answer';
export const saySanction = (id: string, step: SaidStep, reason: string) =>
  request('POST', `${sanction(id)}/${step}`, { reason });
export const exportSanction = (id: string) =>
  getJson<Schemas['SignedExport']>(`${sanction(id)}/export`);
