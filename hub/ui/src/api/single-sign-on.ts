// Requests of single sign-on.
import { getJson, postJson } from './http';
import type { components } from './schema';
import type { Me } from './model';
import type { Brought } from '../single-sign-on';

type Schemas = components['schemas'];
export type SingleSignOnLabel = Schemas['SingleSignOnLabel'];

const PATH = '/api/session/single-sign-on';

/** The words on the button; null when the school has no issuer. */
export const getButton = async () =>
  (await getJson<Schemas['SingleSignOn']>(PATH)).label ?? null;
export const setOut = async () =>
  (await postJson<Schemas['SingleSignOnDeparture']>(PATH, {})).address;
/** Null: the hub asks for its own second factor. */
export const comeBack = async (brought: Brought): Promise<Me | null> =>
  (await postJson<Schemas['SingleSignOnArrival']>(`${PATH}/return`, brought)).me ?? null;
export const giveCode = (totp: string) => postJson<Me>(`${PATH}/code`, { totp });
