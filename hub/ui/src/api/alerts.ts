// Requests about alerts, silences, duties and work orders.
import { getJson, postJson, request } from './http';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Alert = Schemas['Alert'];
export type AlertPart = Schemas['AlertPart'];
export type AlertStory = Schemas['AlertStory'];
export type AlertLine = Schemas['AlertLine'];
export type InboxWord = Schemas['InboxWord'];
export type Silences = Schemas['Silences'];
export type SilenceLine = Schemas['SilenceLine'];
export type SilenceForm = Schemas['SilenceForm'];
export type Matcher = Schemas['MatcherForm'];
export type Duty = Schemas['Duty'];
export type DutyStep = Schemas['DutyStep'];
export type DutyShift = Schemas['DutyShift'];
export type ShiftForm = Schemas['ShiftForm'];
export type WorkOrder = Schemas['WorkOrder'];
export type WorkOrderSheet = Schemas['WorkOrderSheet'];

const alert = (id: string) => `/api/alerts/${encodeURIComponent(id)}`;
const order = (id: string) => `/api/work-orders/${encodeURIComponent(id)}`;

export const listAlerts = async (open: boolean) =>
  (await getJson<{ alerts: Alert[] }>(`/api/alerts?open=${open}`)).alerts;
export const getAlert = (id: string) => getJson<AlertStory>(alert(id));
export const takeAlert = (id: string, minutes: number, note: string) =>
  request('POST', `${alert(id)}/acknowledgement`, { minutes, note });
export const assignAlert = (id: string, person: string) =>
  request('POST', `${alert(id)}/assignment`, { person });
export const commentAlert = (id: string, text: string) =>
  request('POST', `${alert(id)}/comments`, { text });

export const getInbox = async () =>
  (await getJson<{ words: InboxWord[] }>('/api/inbox')).words;
export const readWord = (id: string) =>
  request('POST', `/api/inbox/${encodeURIComponent(id)}/read`);

export const listSilences = () => getJson<Silences>('/api/silences');
export const matchesOf = async (matcher: Matcher) =>
  (await postJson<{ alerts: Alert[] }>('/api/silences/matches', matcher)).alerts;
export const addSilence = (form: SilenceForm) => postJson<{ id: string }>('/api/silences', form);
export const endSilence = (id: string) =>
  request('POST', `/api/silences/${encodeURIComponent(id)}/end`);

export const getDuty = () => getJson<Duty>('/api/duty');
export const setSteps = (steps: DutyStep[]) => request('POST', '/api/duty/steps', { steps });
export const addShift = (form: ShiftForm) => postJson<{ id: string }>('/api/duty/shifts', form);
export const endShift = (id: string) =>
  request('POST', `/api/duty/shifts/${encodeURIComponent(id)}/end`);

export const listWorkOrders = async () =>
  (await getJson<{ orders: WorkOrder[] }>('/api/work-orders')).orders;
export const getWorkOrder = (id: string) => getJson<WorkOrderSheet>(order(id));
export const openWorkOrder = (
  alertId: string,
  form: { device: string; component: string; note: string },
) => postJson<{ id: string; number: string }>(`${alert(alertId)}/work-orders`, form);
export const closeWorkOrder = (id: string, note: string) =>
  request('POST', `${order(id)}/done`, { note });
