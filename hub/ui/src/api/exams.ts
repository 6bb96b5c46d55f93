// Requests about the rooms that nobody watches live while an examination goes on.
import { getJson, postJson, request } from './http';
import type { components } from './schema';

type Schemas = components['schemas'];
export type ExamLock = Schemas['ExamLock'];

export const listExamLocks = async () =>
  (await getJson<Schemas['ExamLockList']>('/api/exam-locks')).locks;
export const setExamLock = (form: Schemas['ExamLockForm']) =>
  postJson<{ number: string }>('/api/exam-locks', form);
export const liftExamLock = (id: string, reason: string) =>
  request('POST', `/api/exam-locks/${encodeURIComponent(id)}/lifting`, { reason });
