/** How a note in free text was read, as a table. */
import type { FreeNote, ReadItem, ReadPlace, Span } from '@reclmis/core';
import { formatTable } from '../table.js';

/** @param organ what places are named after: `lung`, or nothing */
export function describeReading(text: string, read: FreeNote, organ: string): string {
  const words = (spans: readonly Span[]): string =>
    spans.map(({ start, end }) => text.slice(start, end)).join(' ');
  const item = (name: string, one: ReadItem<unknown> | null): string[][] =>
    one === null ? [] : [[name, String(one.value === true ? 'yes' : one.value), words([one.span])]];
  const place = (name: string) => (one: ReadPlace) => [name, placeName(one, organ), words(one.spans)];
  const rows = [
    ['language', read.language],
    ...read.findings.flatMap((one) => item('finding', one)),
    ...read.places.map(place('place')),
    ...read.absent.map(place('nothing in')),
    ...item('count', read.count),
    ...item('extent', read.extent),
    ...item('uncertain', read.uncertain),
    ...read.unread.map((span) => ['not understood', '', words([span])]),
  ];
  return formatTable([{ title: 'item' }, { title: 'read as' }, { title: 'in the note' }], rows);
}

/** "upper middle left lung". */
function placeName({ side, zones }: ReadPlace, organ: string): string {
  return [...zones, ...(side === null ? [] : [side]), organ].join(' ').trim();
}
