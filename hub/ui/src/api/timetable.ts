// The school's timetable: its terms, and what a file would change.
import { getJson, postJson } from './http';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Timetable = Schemas['Timetable'];
export type TermLine = Schemas['TermLine'];
export type TimetableFile = Schemas['TimetableFile'];
export type TimetablePreview = Schemas['TimetablePreview'];
export type LessonCounts = Schemas['LessonCounts'];
export type SeriesLine = Schemas['SeriesLine'];
export type LessonShape = Schemas['LessonShape'];
export type ConflictLine = Schemas['ConflictLine'];

export const TIMETABLE_TEMPLATE = '/api/timetable/template';
export const loadTimetable = () => getJson<Timetable>('/api/timetable');
export const previewTimetable = (form: TimetableFile) =>
  postJson<TimetablePreview>('/api/timetable/preview', form);
export const importTimetable = (form: Schemas['TimetableImport']) =>
  postJson<LessonCounts>('/api/timetable/import', form);
