import { expect, test } from 'vitest';
import { HELD_MAX, HOLD_US_MAX, PictureHold } from './picture-hold';

class Picture {
  isClosed = false;
  constructor(readonly timestamp: number) {}
  close(): void {
    this.isClosed = true;
  }
}

function held(...ms: number[]) {
  const hold = new PictureHold<Picture>();
  const pictures = ms.map((at) => new Picture(at * 1000));
  for (const picture of pictures) hold.push(picture);
  return { hold, pictures };
}

test('without sound the newest picture is shown at once', () => {
  const { hold, pictures } = held(0, 40, 80);
  expect(hold.take(null)).toBe(pictures[2]);
  expect(pictures.map(({ isClosed }) => isClosed)).toEqual([true, true, false]);
  expect(hold.take(null)).toBeNull();
});

test('a picture waits for its sound, and is let go half a picture early', () => {
  const { hold, pictures } = held(1000);
  expect(hold.take(900_000)).toBeNull();
  expect(hold.waitMs(900_000)).toBe(80);
  expect(hold.take(980_000)).toBe(pictures[0]);
  expect(hold.waitMs(980_000)).toBeNull();
});

test('late pictures are dropped for the one that is due', () => {
  const { hold, pictures } = held(1000, 1040, 1080, 1120);
  expect(hold.take(1_070_000)).toBe(pictures[2]);
  expect(hold.overtaken).toBe(2);
  expect(hold.take(1_070_000)).toBeNull();
  expect(pictures[3]?.isClosed).toBe(false);
});

test('a late picture is better than none', () => {
  const { hold, pictures } = held(1000);
  expect(hold.take(2_000_000)).toBe(pictures[0]);
});

test('sound that is much too late, or of a wrong clock, holds no picture', () => {
  const { hold, pictures } = held(1000, 1040);
  expect(hold.take(1_000_000 - HOLD_US_MAX - 1)).toBe(pictures[1]);
});

test('no more pictures are held than a decoder can spare', () => {
  const many = Array.from({ length: HELD_MAX }, (_, at) => 1000 + at * 10);
  const { hold, pictures } = held(...many);
  expect(hold.take(900_000)).toBeNull();
  hold.push(new Picture(1_200_000));
  expect(hold.take(900_000)).toBe(pictures[0]);
});

test('what is cleared is closed', () => {
  const { hold, pictures } = held(0, 40);
  hold.clear();
  expect(pictures.every(({ isClosed }) => isClosed)).toBe(true);
  expect(hold.waitMs(null)).toBeNull();
});
