// The rooms of the campus by state: by building and floor, found by words, walked through by keys.
import { severityRank } from './alerts';
import type { FleetRoom } from './api/fleet';

export type Look = 'ok' | 'in_class' | 'fault' | 'offline' | 'not_enrolled';
export const LOOKS: Look[] = ['offline', 'fault', 'in_class', 'ok', 'not_enrolled'];

/** What a tile shows: what is wrong before what runs. */
export function lookOf(room: FleetRoom): Look {
  if (room.state !== 'ok') return room.state as Look;
  return room.in_class ? 'in_class' : 'ok';
}

/** Since when something is wrong; null while nothing is: a box in order says only since when it is there. */
export function lasts(room: FleetRoom): number | null {
  return room.state === 'ok' ? null : (room.since ?? null);
}

/** The floor that a room's number tells: 3 of 博学楼301, 12 of A-1204; null without such a number. */
export function floorOf(name: string): number | null {
  const match = /(\d{1,2})\d{2}\D*$/.exec(name);
  return match ? Number(match[1]) : null;
}

/** A name without its building, for a tile that stands under it. */
export function shortName(room: FleetRoom): string {
  const short = room.name.startsWith(room.building) ? room.name.slice(room.building.length) : '';
  return short.trim() || room.name;
}

export interface Floor {
  /** Null for rooms whose number tells none. */
  floor: number | null;
  rooms: FleetRoom[];
}
export interface House {
  name: string;
  floors: Floor[];
}

/** By building, of each the lowest floor first. */
export function byFloor(rooms: readonly FleetRoom[]): House[] {
  const names = [...new Set(rooms.map((room) => room.building))];
  names.sort((a, b) => a.localeCompare(b, 'zh', { numeric: true }));
  return names.map((name) => {
    const there = rooms.filter((room) => room.building === name);
    const floors = [...new Set(there.map((room) => floorOf(room.name)))];
    floors.sort((a, b) => (a ?? 1000) - (b ?? 1000));
    const on = (floor: number | null) =>
      there
        .filter((room) => floorOf(room.name) === floor)
        .sort((a, b) => a.name.localeCompare(b.name, 'zh', { numeric: true }));
    return { name, floors: floors.map((floor) => ({ floor, rooms: on(floor) })) };
  });
}

/** What is wrong first, the gravest before the others; where nothing is, by building and name. */
export function byState(rooms: readonly FleetRoom[]): FleetRoom[] {
  const rank = (room: FleetRoom) =>
    LOOKS.indexOf(lookOf(room)) * 10 + severityRank(room.severity ?? '');
  const name = (room: FleetRoom) => `${room.building} ${room.name}`;
  return [...rooms].sort(
    (a, b) => rank(a) - rank(b) || name(a).localeCompare(name(b), 'zh', { numeric: true }),
  );
}

/** Rooms of one look, or of any, in whose name or building every typed word stands. */
export function find(rooms: readonly FleetRoom[], look: Look | '', typed: string): FleetRoom[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (room: FleetRoom) => {
    const text = `${room.building} ${room.name} ${room.device ?? ''}`.toLowerCase();
    return (!look || lookOf(room) === look) && words.every((word) => text.includes(word));
  };
  return rooms.filter(fits);
}

/** How many rooms have each look. */
export function counts(rooms: readonly FleetRoom[]): Record<Look, number> {
  const all = { ok: 0, in_class: 0, fault: 0, offline: 0, not_enrolled: 0 };
  for (const room of rooms) all[lookOf(room)] += 1;
  return all;
}

/** The place in a list after a key; null when the key goes nowhere. Rows are as long as shown. */
export function stepBy(key: string, at: number, count: number): number | null {
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: count - 1 }[key];
  return to === undefined ? null : Math.min(count - 1, Math.max(0, to));
}
