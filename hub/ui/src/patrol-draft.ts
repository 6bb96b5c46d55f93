// The draft of a patrol record: saved at each change, survives a reload, leaves with the tab (R86).
import type { RecordHeader } from './api/model';
import type { Answers } from './patrol';

const stored = (lesson: string) => `xunke.draft.${lesson}`;

/** The draft of this lesson, or a new form with the timetable's words filled in. */
export function startAnswers(header: RecordHeader, room: string, lesson: string): Answers {
  const fresh: Answers = {
    room,
    lesson,
    view_id: null,
    class_groups: [...header.class_groups],
    teacher: header.teacher,
    course: header.course,
    time_from: header.time_from,
    time_to: header.time_to,
    due_count: header.due_count,
    present_count: null,
    teacher_presence: '',
    interaction: '',
    conditions: '',
    abnormal_note: '',
    grade: '',
    attendance_note: '',
  };
  const draft = sessionStorage.getItem(stored(lesson));
  if (!draft) return fresh;
  try {
    return { ...fresh, ...(JSON.parse(draft) as Partial<Answers>), room, lesson };
  } catch {
    return fresh;
  }
}

export function keepDraft(answers: Answers): void {
  sessionStorage.setItem(stored(answers.lesson), JSON.stringify(answers));
}

export function dropDraft(lesson: string): void {
  sessionStorage.removeItem(stored(lesson));
}
