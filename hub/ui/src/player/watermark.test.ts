import { expect, test } from 'vitest';
import { drawWatermark, watermarkPlace, watermarkText } from './watermark';

const identity = { name: '李督导', staff_number: '1001', address: '10.1.2.3' };

test('R61 the mark names the person, the number, the address and the time', () => {
  expect(watermarkText(identity, Date.UTC(2026, 2, 2, 0, 5, 9))).toBe(
    '李督导 1001 10.1.2.3 2026-03-02 08:05:09',
  );
});

test('R61 the mark moves and stays inside', () => {
  const places = Array.from({ length: 200 }, (_, i) => watermarkPlace(i * 997));
  for (const { x, y } of places) {
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x).toBeLessThanOrEqual(1);
    expect(y).toBeGreaterThanOrEqual(0);
    expect(y).toBeLessThanOrEqual(1);
  }
  expect(new Set(places.map(({ x }) => x.toFixed(2))).size).toBeGreaterThan(30);
});

test('the mark keeps clear of the top twentieth at every time', () => {
  const tops: number[] = [];
  const context = {
    measureText: () => ({ width: 300 }),
    strokeText: () => {},
    fillText: (_: string, __: number, y: number) => tops.push(y),
  } as unknown as CanvasRenderingContext2D;
  for (let s = 0; s < 200; s += 1) drawWatermark(context, 640, 360, identity, s * 1000);
  expect(Math.min(...tops)).toBeGreaterThan(360 / 20);
  expect(Math.max(...tops)).toBeLessThan(360);
  expect(tops).toHaveLength(400);
});
