// Each refusal names its article; a technician finds no content on any page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, demo, pageAs, refusalText, roomsOf, visit } from '../campus.js';

function unitOf(room) {
  return room.unit?.name ?? room.unit;
}

test('R7 R57 a unit supervisor is refused another unit’s room by its address: 第十一条', async () => {
  const page = await pageAs(account('unit_supervisor'));
  await visit(page, '/live');
  await page.getByTestId('room').first().waitFor();
  const listed = await page
    .getByTestId('room')
    .evaluateAll((rooms) => rooms.map((room) => room.dataset.room));
  const own = unitOf(demo.rooms.find((room) => room.id === listed[0]));
  assert.deepEqual(new Set(listed), new Set(roomsOf(own).map((room) => room.id)));
  const other = demo.rooms.find((room) => unitOf(room) !== own);
  await visit(page, `/live/${other.id}`);
  assert.match(await refusalText(page), /第十一条/);
  assert.equal(await page.getByTestId('picture').count(), 0);
  await page.close();
});

test('R19 a supervisor who has not signed is refused: 第十条', async () => {
  const page = await pageAs(account('school_supervisor_unsigned'));
  await visit(page, '/live');
  assert.match(await refusalText(page), /第十条/);
  await visit(page, `/live/${demo.rooms[0].id}`);
  await page.getByTestId('refusal').first().waitFor();
  assert.equal(await page.getByTestId('picture').count(), 0);
  await page.close();
});

test('R8 R58 R89 a technician finds no class content on any page', async () => {
  const page = await pageAs(account('technician'));
  const room = demo.rooms[0].id;
  for (const path of ['/live', `/live/${room}`, '/recordings', '/records']) {
    await visit(page, '/');
    await visit(page, path);
    assert.match(await refusalText(page), /第十一条|第三条/, path);
    assert.equal(await page.locator('canvas, video').count(), 0, path);
    assert.equal(await page.locator('[data-testid=room], [data-testid=records]').count(), 0, path);
  }
  await page.close();
});
