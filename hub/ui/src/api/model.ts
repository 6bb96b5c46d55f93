// The words of the hub's API that the pages use, taken from the generated schema.
import type { components } from './schema';

type Schemas = components['schemas'];

export type Me = Schemas['Me'];
export type Home = Schemas['Home'];
export type Room = Schemas['Room'];
export type Lesson = Schemas['Lesson'];
export type RoomLessons = Schemas['RoomLessons'];
export type DayLesson = Schemas['DayLesson'];
export type OwnLesson = Schemas['OwnLesson'];
export type Recording = Schemas['Recording'];
export type Purpose = Schemas['Purpose'];
export type Watermark = Schemas['Watermark'];
export type Play = Schemas['Play'];
export type PlaySegment = Schemas['PlaySegment'];
export type PlayPeriod = Schemas['PlayPeriod'];
export type Recordings = Schemas['Recordings'];
export type RecordingChoices = Schemas['RecordingChoices'];
export type Gap = Schemas['Gap'];
export type RecordHeader = Schemas['RecordHeader'];
export type RecordForm = Schemas['RecordForm'];
export type PatrolRecord = Schemas['PatrolRecord'];
export type Device = Schemas['Device'];
export type Fault = Schemas['Fault'];
export type GrantApplication = Schemas['GrantApplication'];
export type ApplicationHeader = Schemas['ApplicationHeader'];
export type ApplicationForm = Schemas['ApplicationForm'];
export type GrantLine = Schemas['GrantLine'];
export type AuditEntry = Schemas['AuditEntry'];
export type AuditPage = Schemas['AuditPage'];
export type DayHead = Schemas['DayHead'];
export type DayHeads = Schemas['DayHeads'];
export type TrailCopy = Schemas['TrailCopy'];
export type Account = Schemas['Account'];
export type SignInLine = Schemas['SignInLine'];
export type Enrolment = Schemas['Enrolment'];
export type Start = Schemas['Start'];
export type StartAccount = Schemas['StartAccount'];
export type PasskeyQuestion = Schemas['PasskeyQuestion'];
export type PasskeyAnswer = Schemas['PasskeyAnswer'];
export type PasskeyForm = Schemas['PasskeyForm'];
export type PasskeyLine = Schemas['PasskeyLine'];
export type StartCode = Schemas['StartCode'];
export type Inspection = Schemas['Inspection'];
export type InspectionDue = Schemas['InspectionDue'];
export type InspectionForm = Schemas['InspectionForm'];
export type InspectionPeriod = Schemas['InspectionPeriod'];
export type InspectionList = Schemas['Inspections'];
export type RiskLine = Schemas['RiskLine'];
export type Watcher = Schemas['Watcher'];
export type OwnAgreement = Schemas['OwnAgreement'];
export type AgreementText = Schemas['AgreementText'];
export type SignedAgreement = Schemas['SignedAgreement'];
export type SignatureForm = Schemas['SignatureForm'];
export type Agreements = Schemas['Agreements'];
export type AgreementSigner = Schemas['AgreementSigner'];
export type AgreementLine = Schemas['AgreementLine'];
export type AgreementDetail = Schemas['AgreementDetail'];
export type PaperForm = Schemas['PaperForm'];
export type TextForm = Schemas['TextForm'];

/** What the hub says when it does not do what was asked: in both languages, with the article. */
export interface Refusal {
  code: string;
  zh: string;
  en: string;
  article?: string | null;
  quote?: string | null;
  field?: string | null;
}
