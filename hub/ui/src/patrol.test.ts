import { expect, test } from 'vitest';
import { GRADES, gradeText, missing, type Answers } from './patrol';

const complete: Answers = {
  room: 'r',
  lesson: 'l',
  view_id: null,
  class_groups: ['软件2401'],
  teacher: '王老师',
  course: '程序设计',
  time_from: 0,
  time_to: 1,
  due_count: 40,
  present_count: 38,
  teacher_presence: 'A',
  interaction: 'B',
  conditions: 'A',
  abnormal_note: '',
  grade: 'D',
  attendance_note: '',
};

function check(change: Partial<Answers>, fields: string[]) {
  expect(Object.keys(missing({ ...complete, ...change })).sort()).toEqual(fields);
}

test('R75–R84 a complete form misses nothing, an empty answer is named', () => {
  check({}, []);
  check({ class_groups: [] }, ['class_groups']);
  check({ teacher: ' ' }, ['teacher']);
  check({ present_count: null }, ['present_count']);
  check({ teacher_presence: '', interaction: '', conditions: '', grade: '' }, [
    'conditions',
    'grade',
    'interaction',
    'teacher_presence',
  ]);
});

test('R79 more present than due needs a reason', () => {
  check({ present_count: 41 }, ['attendance_note']);
  check({ present_count: 41, attendance_note: '旁听 1 人' }, []);
  check({ present_count: 40 }, []);
});

test('R83 a B 异常 needs its note; B 偶尔 does not', () => {
  check({ teacher_presence: 'B' }, ['abnormal_note']);
  check({ conditions: 'B' }, ['abnormal_note']);
  check({ conditions: 'B', abnormal_note: '投影仪不亮' }, []);
});

test('R84 seven grades in the official wording', () => {
  expect(GRADES.map((g) => g.value + g.label).join(' ')).toBe('A优 B优- C良+ D良 E良- F中 G差');
  expect(gradeText('G')).toBe('G 差');
});
