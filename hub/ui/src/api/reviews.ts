// Requests about the review of each term, and rooms with minors.
import { getJson, postJson, request } from './http';
import type { components } from './schema';

type Schemas = components['schemas'];
export type ReviewPage = Schemas['ReviewPage'];
export type ReviewDue = Schemas['ReviewDue'];
export type ReviewLine = Schemas['ReviewLine'];
export type SignedReview = Schemas['SignedReview'];
export type MinorsRoom = Schemas['MinorsRoom'];

export const getReview = () => getJson<ReviewPage>('/api/review');
export const keepGrant = (id: string) =>
  request('POST', `/api/grants/${encodeURIComponent(id)}/review`);
export const signReview = (form: Schemas['ReviewForm']) =>
  postJson<{ number: string }>('/api/review', form);

export const listMinors = async () =>
  (await getJson<Schemas['MinorsList']>('/api/minors')).rooms;
export const markMinors = (room: string, minors: boolean, reason: string) =>
  request('POST', `/api/minors/${encodeURIComponent(room)}`, { minors, reason });
