import { expect, test } from 'vitest';
import { toBytes, toText } from './passkey';

test('X1 bytes go to the hub and back as base64url', () => {
  const bytes = Uint8Array.from([251, 255, 190, 0, 1]);
  expect(toText(bytes.buffer)).toBe('-_--AAE');
  expect(Array.from(toBytes('-_--AAE'))).toEqual([251, 255, 190, 0, 1]);
});
