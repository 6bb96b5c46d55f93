// Every request the pages make, named by what it asks for.
import { getJson, postJson, request } from './http';
import type {
  AgreementDetail,
  Agreements,
  AgreementText,
  Account,
  ApplicationForm,
  ApplicationHeader,
  AuditPage,
  DayHeads,
  Device,
  Enrolment,
  Fault,
  GrantApplication,
  GrantLine,
  Home,
  InspectionForm,
  InspectionList,
  InspectionPeriod,
  Me,
  OwnAgreement,
  PaperForm,
  PasskeyAnswer,
  PasskeyForm,
  PasskeyLine,
  PasskeyQuestion,
  PatrolRecord,
  RecordForm,
  RecordHeader,
  RiskLine,
  Room,
  RoomLessons,
  SignatureForm,
  TextForm,
  Start,
  StartAccount,
  StartCode,
  Watcher,
} from './model';

export const signInWithPassword = (login: string, password: string, totp: string) =>
  postJson<Me>('/api/session', { login, password, totp });
export const signInWithLink = (token: string) => postJson<Me>('/api/session/link', { token });
export const endSession = () => request('DELETE', '/api/session');
export const getMe = () => getJson<Me>('/api/me');
export const beginStart = (code: string) => postJson<Start>('/api/start', { code });
export const finishStart = (chosen: StartAccount) =>
  postJson<{ codes: string[] }>('/api/start/account', chosen);
export const issueStartCode = async (person: string) =>
  (await request('POST', `/api/people/${encodeURIComponent(person)}/start-code`)).json() as
    Promise<StartCode>;

type Again = { password: string; code: string };
export const getAccount = () => getJson<Account>('/api/account');
export const putPassword = (old: string, fresh: string, code: string) =>
  postJson<Me>('/api/account/password', { old, new: fresh, code });
export const beginAuthenticator = (again: Again) =>
  postJson<Enrolment>('/api/account/authenticator', again);
export const putAuthenticator = async (code: string) =>
  (await request('PUT', '/api/account/authenticator', { code })).json() as Promise<Me>;
export const renewRecoveryCodes = (again: Again) =>
  postJson<{ codes: string[] }>('/api/account/recovery-codes', again);

export const askPasskeySignIn = (login: string, password: string) =>
  postJson<PasskeyQuestion>('/api/session/passkey/question', { login, password });
export const answerPasskey = (answer: PasskeyAnswer) =>
  postJson<Me>('/api/session/passkey', answer);
export const listPasskeys = async () =>
  (await getJson<{ passkeys: PasskeyLine[] }>('/api/account/passkeys')).passkeys;
export const askPasskey = (again: Again) =>
  postJson<PasskeyQuestion>('/api/account/passkeys/question', again);
export const addPasskey = (form: PasskeyForm) => request('POST', '/api/account/passkeys', form);
export const removePasskey = (id: string) =>
  request('DELETE', `/api/account/passkeys/${encodeURIComponent(id)}`);

export const getHome = () => getJson<Home>('/api/home');

export const listRooms = async () => (await getJson<{ rooms: Room[] }>('/api/rooms')).rooms;
export const getRoomLessons = (id: string) =>
  getJson<RoomLessons>(`/api/rooms/${encodeURIComponent(id)}/lessons`);
export const getRoom = (id: string) => getJson<Room>(`/api/rooms/${encodeURIComponent(id)}`);

export const newRecord = (room: string) =>
  getJson<RecordHeader>(`/api/records/new?room=${encodeURIComponent(room)}`);
export const fileRecord = (form: RecordForm) => postJson<{ id: string }>('/api/records', form);
export const listRecords = async () =>
  (await getJson<{ records: PatrolRecord[] }>('/api/records')).records;
export const getRecord = (id: string) =>
  getJson<PatrolRecord>(`/api/records/${encodeURIComponent(id)}`);

export const listDevices = async () =>
  (await getJson<{ devices: Device[] }>('/api/devices')).devices;
export const setCapture = (room: string, mode: string, reason: string) =>
  request('POST', `/api/rooms/${encodeURIComponent(room)}/capture`, { mode, reason });
export const recordUntil = (room: string, until: number, reason: string) =>
  request('POST', `/api/rooms/${encodeURIComponent(room)}/record-until`, { until, reason });
export const listOpenFaults = async () =>
  (await getJson<{ faults: Fault[] }>('/api/faults?open=true')).faults;

export const listApplications = async () =>
  (await getJson<{ applications: GrantApplication[] }>('/api/applications')).applications;
export const newApplication = () => getJson<ApplicationHeader>('/api/applications/new');
export const fileApplication = (form: ApplicationForm) =>
  postJson<{ id: string; number: string }>('/api/applications', form);
export const openApplication = (id: string) =>
  request('POST', `/api/applications/${encodeURIComponent(id)}/opening`);
export const refuseApplication = (id: string, reason: string) =>
  request('POST', `/api/applications/${encodeURIComponent(id)}/refusal`, { reason });
export const listGrants = async () =>
  (await getJson<{ grants: GrantLine[] }>('/api/grants')).grants;
export const revokeGrant = (id: string, reason: string) =>
  request('POST', `/api/grants/${encodeURIComponent(id)}/revocation`, { reason });

export const listWatchers = async () =>
  (await getJson<{ views: Watcher[] }>('/api/watchers')).views;

/** The browser saves it; the hub writes a line for it. */
export const AUDIT_EXPORT = '/api/audit/export';
/** What of the trail is asked for; what is empty asks for nothing. */
export interface AuditFilter {
  person: string;
  action: string;
  outcome: string;
  object: string;
  from: number | null;
  until: number | null;
}
export function listAudit(
  before: number | null,
  limit: number,
  filter: Partial<AuditFilter> = {},
): Promise<AuditPage> {
  const query = asQuery(filter);
  query.set('limit', String(limit));
  if (before !== null) query.set('before', String(before));
  return getJson<AuditPage>(`/api/audit?${query}`);
}

function asQuery(filter: Partial<AuditFilter>): URLSearchParams {
  const asked = Object.entries(filter).filter(([, value]) => value !== null && value !== '');
  return new URLSearchParams(asked.map(([name, value]) => [name, String(value)]));
}

/** The lines that a filter asks for, as a file; taking them is a line of the trail. */
export async function getExcerpt(
  kind: 'xlsx' | 'json',
  filter: Partial<AuditFilter>,
): Promise<Blob> {
  const answer = await request('GET', `/api/audit/excerpt.${kind}?${asQuery(filter)}`);
  return answer.blob();
}

/** The signed head of each day, and whether it still holds. */
export const listDays = (): Promise<DayHeads> => getJson<DayHeads>('/api/audit/days');

export const getAgreement = () => getJson<OwnAgreement>('/api/agreement');
export const beginReading = () => postJson<{ id: string }>('/api/agreement/reading', {});
export const signAgreement = (form: SignatureForm) =>
  postJson<{ number: string }>('/api/agreement/signature', form);
export const listAgreements = () => getJson<Agreements>('/api/agreements');
export const getAgreementDetail = (id: string) =>
  getJson<AgreementDetail>(`/api/agreements/${encodeURIComponent(id)}`);
export const endAgreement = (id: string, reason: string) =>
  request('POST', `/api/agreements/${encodeURIComponent(id)}/end`, { reason });
export const readIdentityNumber = (id: string, reason: string) =>
  postJson<{ identity_number: string }>(`/api/agreements/${encodeURIComponent(id)}/identity`, {
    reason,
  });
export const listAgreementTexts = async () =>
  (await getJson<{ texts: AgreementText[] }>('/api/agreements/texts')).texts;
export const publishText = (form: TextForm) =>
  postJson<{ version: string }>('/api/agreements/texts', form);
export const keepScan = (scan: Blob) => postJson<{ id: string }>('/api/agreements/scans', scan);
export const enterPaper = (form: PaperForm) =>
  postJson<{ number: string }>('/api/agreements/paper', form);
/** The browser saves it; the hub writes a line for it. */
export const originalPath = (id: string, party: string) =>
  `/api/agreements/${encodeURIComponent(id)}/originals/${party}`;
export const listInspections = () => getJson<InspectionList>('/api/inspections');
export const inspectionPeriod = (from: number, until: number) =>
  getJson<InspectionPeriod>(`/api/inspections/period?from=${from}&until=${until}`);
export const signInspection = (form: InspectionForm) =>
  postJson<{ number: string }>('/api/inspections', form);

export const listRisks = async () => (await getJson<{ risks: RiskLine[] }>('/api/risks')).risks;
export const judgeRisk = (id: string, state: string, note: string) =>
  request('POST', `/api/risks/${encodeURIComponent(id)}/judgement`, { state, note });
