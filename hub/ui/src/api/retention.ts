// Requests about what is kept longer than the calendar says, and what was destroyed.
import { getJson, postJson, request } from './http';
import type { SignedExport } from './cases';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Premium = Schemas['Premium'];
export type Candidate = Schemas['PremiumCandidate'];
export type Hold = Schemas['Hold'];
export type HoldForm = Schemas['HoldForm'];
export type Destruction = Schemas['Destruction'];

const premium = (id: string) => `/api/premium/${encodeURIComponent(id)}`;
/** `all` for 教务处; everybody else has what they nominated or taught. */
export const listPremium = async (all: boolean) =>
  (await getJson<Schemas['PremiumList']>(all ? '/api/premium' : '/api/premium/own')).premium;
export const listCandidates = async (date: string) =>
  (
    await getJson<Schemas['PremiumCandidates']>(
      `/api/premium/candidates?${new URLSearchParams({ date })}`,
    )
  ).lessons;
export const nominate = (recording: string, reason: string) =>
  postJson<{ number: string }>('/api/premium', { recording, reason });
export const approvePremium = (id: string) => request('POST', `${premium(id)}/approval`);
export const consentPremium = (id: string) => request('POST', `${premium(id)}/consent`);
export const removePremium = (id: string, reason: string) =>
  request('POST', `${premium(id)}/removal`, { reason });
export const withdrawPremium = (id: string, reason: string) =>
  request('POST', `${premium(id)}/withdrawal`, { reason });

export const listHolds = async () => (await getJson<Schemas['HoldList']>('/api/holds')).holds;
export const beginHold = (form: HoldForm) => postJson<{ number: string }>('/api/holds', form);
export const endHold = (id: string, reason: string) =>
  request('POST', `/api/holds/${encodeURIComponent(id)}/end`, { reason });

export const listDestructions = async () =>
  (await getJson<Schemas['DestructionList']>('/api/destructions')).destructions;
export const certificate = (id: string) =>
  getJson<SignedExport>(`/api/destructions/${encodeURIComponent(id)}`);
