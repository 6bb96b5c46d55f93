// The patrol record 附件1: its choices in the order of the paper, and what must be filled in.
// The official words stay Chinese in both languages: they are the college's form (R73).
import type { MessageKey } from './i18n';
import type { RecordForm } from './api/model';

export interface Choice {
  value: string;
  label: string;
}

const choices = (...pairs: [string, string][]): Choice[] =>
  pairs.map(([value, label]) => ({ value, label }));

export const TEACHER_PRESENCE = choices(['A', '正常'], ['B', '异常']);
export const INTERACTION = choices(['A', '经常'], ['B', '偶尔'], ['C', '无']);
export const CONDITIONS = choices(['A', '正常'], ['B', '异常']);
export const GRADES = choices(
  ['A', '优'],
  ['B', '优-'],
  ['C', '良+'],
  ['D', '良'],
  ['E', '良-'],
  ['F', '中'],
  ['G', '差'],
);

export const WEEKDAYS = ['一', '二', '三', '四', '五', '六', '日'];

/** "D 良" for grade D; the letter alone when it is none of the seven. */
export function gradeText(grade: string): string {
  const choice = GRADES.find(({ value }) => value === grade);
  return choice ? `${choice.value} ${choice.label}` : grade;
}

/** What the supervisor fills in beside the picture; the rest comes from the timetable. */
export type Answers = Omit<RecordForm, 'due_count' | 'present_count'> & {
  due_count: number | null;
  present_count: number | null;
};

export type FieldErrors = Partial<Record<keyof RecordForm, MessageKey>>;

/** R75–R84: what is still missing, by field. The hub checks the same again. */
export function missing(form: Answers): FieldErrors {
  const errors: FieldErrors = {};
  if (form.class_groups.length === 0) errors.class_groups = 'form.need.classGroups';
  if (!form.teacher.trim()) errors.teacher = 'form.need.teacher';
  if (!form.course.trim()) errors.course = 'form.need.course';
  if (form.due_count === null || form.due_count < 0) errors.due_count = 'form.need.count';
  if (form.present_count === null || form.present_count < 0)
    errors.present_count = 'form.need.count';
  if (needsAttendanceNote(form) && !form.attendance_note.trim())
    errors.attendance_note = 'form.need.attendanceNote';
  if (!form.teacher_presence) errors.teacher_presence = 'form.need.choice';
  if (!form.interaction) errors.interaction = 'form.need.choice';
  if (!form.conditions) errors.conditions = 'form.need.choice';
  if (isAbnormal(form) && !form.abnormal_note.trim())
    errors.abnormal_note = 'form.need.abnormalNote';
  if (!form.grade) errors.grade = 'form.need.choice';
  return errors;
}

/** R83: a note is needed as soon as one answer is B 异常. */
export function isAbnormal(form: Pick<Answers, 'teacher_presence' | 'conditions'>): boolean {
  return form.teacher_presence === 'B' || form.conditions === 'B';
}

/** R79: more present than due needs a reason, such as guests or a merged class. */
export function needsAttendanceNote(form: Pick<Answers, 'due_count' | 'present_count'>): boolean {
  return (
    form.due_count !== null && form.present_count !== null && form.present_count > form.due_count
  );
}
