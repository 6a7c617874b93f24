/** A click on a zone writes it into the note, unless the note names it. */
import type { Point } from './stage/transform.js';
import type { Services } from './studio.js';
import { withPlace } from './note/reading.js';
import { zoneAt, zoneRects } from './note/zone-rects.js';

export function addZone({ store }: Pick<Services, 'store'>, { x, y }: Point): void {
  const { picture, noteReading, note, model } = store.state;
  if (picture === null || model.status !== 'ready' || !model.info.readsNotes) return;
  const zone = zoneAt(zoneRects(picture.width, picture.height, noteReading?.sides ?? 'unknown'), x, y);
  const named = noteReading?.places.some(({ zones }) => zone !== null && (zones & zone.zone) !== 0) ?? false;
  if (zone === null || named) return;
  store.dispatch({ type: 'note/typed', text: withPlace(note.text, `${zone.name} lung`) });
}
