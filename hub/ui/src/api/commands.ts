// Requests about commands to boxes, and about the check-up before the first lesson.
import { getJson, postJson, request } from './http';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Commands = Schemas['Commands'];
export type CommandView = Schemas['CommandView'];
export type CommandForm = Schemas['CommandForm'];
export type WaitingCommand = Schemas['WaitingCommand'];
export type Commanded = Schemas['Commanded'];
export type Checkup = Schemas['CheckupView'];
export type CheckedRoom = Schemas['CheckedRoom'];

const of = (device: string) => `/api/devices/${encodeURIComponent(device)}/commands`;

export const listCommands = (device: string) => getJson<Commands>(of(device));
export const listWaiting = () => getJson<WaitingCommand[]>('/api/commands/waiting');
export const giveCommand = (device: string, form: CommandForm) =>
  postJson<Commanded>(of(device), form);
export const judgeCommand = (id: string, agreed: boolean, reason: string) =>
  postJson<Commanded>(`/api/commands/${id}/consent`, { agreed, reason });
export const getCheckup = () => getJson<Checkup>('/api/checkup');
export const beginCheckup = () => request('POST', '/api/checkup');
