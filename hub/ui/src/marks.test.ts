import { expect, test } from 'vitest';
import type { MarkCheck } from './api/marks';
import { beginAt, emptyDraft, endAt, formOf, lacks, secondOn, toneOf } from './marks';

const START = Date.parse('2026-11-23T02:00:00.400Z');
const play = { start: START, end: START + 5_400_000 };

test('K4 begin and end are set at whole seconds, in either order', () => {
  const begun = beginAt(emptyDraft(), START + 10_700);
  expect(begun.from).toBe(START + 10_600);
  const ended = endAt(begun, START + 20_100);
  expect(ended).toEqual({ from: START + 10_600, to: START + 20_600, note: '' });
  expect(beginAt(ended, START + 30_000).to).toBeNull();
  expect(endAt(ended, START + 5_000).from).toBeNull();
});

test('K4 what a mark lacks is said one after the other', () => {
  const draft = { from: START + 10_000, to: START + 20_000, note: '学生提问' };
  expect(lacks(emptyDraft(), play)).toBe('mark.need.from');
  expect(lacks({ ...draft, to: null }, play)).toBe('mark.need.to');
  expect(lacks({ ...draft, to: draft.from }, play)).toBe('mark.need.order');
  expect(lacks({ ...draft, to: draft.from + 1_801_000 }, play)).toBe('mark.need.shorter');
  expect(lacks({ ...draft, from: START - 60_000 }, play)).toBe('mark.need.within');
  expect(lacks({ ...draft, note: '  ' }, play)).toBe('mark.need.note');
  expect(lacks(draft, play)).toBeNull();
});

test('K4 what is sent lies within the recording', () => {
  const whole = { from: START - 400, to: play.end + 600, note: ' 全程 ' };
  expect(formOf(whole, play)).toEqual({ from: play.start, to: play.end, note: '全程' });
});

test('a typed time is on the day of the recording, in the school’s time', () => {
  expect(secondOn(START, '10:05:09')).toBe(Date.parse('2026-11-23T02:05:09Z'));
  expect(secondOn(START, '10:05')).toBe(Date.parse('2026-11-23T02:05:00Z'));
  expect(secondOn(START, '9：05：07')).toBe(Date.parse('2026-11-23T01:05:07Z'));
  expect(secondOn(START, '')).toBeNull();
  expect(secondOn(START, '25:00')).toBeNull();
});

test('only a genuine mark with unchanged footage, not withdrawn, is good', () => {
  const check: MarkCheck = {
    verdict: 'genuine',
    footage: 'unchanged',
    mark: null,
    withdrawn: null,
    may_watch: false,
  };
  expect(toneOf(check)).toBe('good');
  expect(toneOf({ ...check, footage: 'destroyed' })).toBe('busy');
  expect(toneOf({ ...check, withdrawn: { at: 1, reason: '误标' } })).toBe('busy');
  expect(toneOf({ ...check, footage: 'changed' })).toBe('bad');
  expect(toneOf({ ...check, verdict: 'altered', footage: null })).toBe('bad');
});
