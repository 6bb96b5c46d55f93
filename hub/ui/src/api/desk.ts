// Requests of the enrolment desk.
import { getJson, postJson } from './http';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Desk = Schemas['Desk'];
export type KnownBox = Schemas['KnownBox'];
export type NewCode = Schemas['NewCode'];
export type Step = 'quarantine' | 'release' | 'retire' | 'renew';

export const loadDesk = () => getJson<Desk>('/api/desk');
export const makeCode = (form: Schemas['CodeForm']) => postJson<NewCode>('/api/desk/codes', form);
export const admitBox = (form: Schemas['AdmissionForm']) =>
  postJson<Schemas['LetIn']>('/api/desk/admissions', form);
export const stepBox = (device: string, step: Step, reason: string) =>
  postJson<Schemas['Stepped']>('/api/desk/steps', { device, step, reason });
