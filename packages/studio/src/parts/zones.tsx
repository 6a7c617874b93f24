/** The zones by which masks are checked, as outlines: those that the note names are solid, the others faint dashes. */
import type { JSX } from 'preact';
import { type ZoneRect, zoneRects } from '../note/zone-rects.js';
import { withPlace } from '../note/reading.js';
import type { Size, Transform } from '../stage/transform.js';
import type { NamedPlace } from '../state/state.js';
import { say } from '../strings.js';
import { useDispatch, useStudio } from '../studio.js';

interface ZonesProps {
  readonly transform: Transform;
  readonly stage: Size;
}

/** CSS pixels between neighbouring outlines, so that both are seen. */
const GAP = 5;

export function Zones({ transform, stage }: ZonesProps): JSX.Element | null {
  const dispatch = useDispatch();
  const picture = useStudio((state) => state.picture)!;
  const reading = useStudio((state) => state.noteReading);
  const text = useStudio((state) => state.note.text);
  const marked = useStudio((state) => state.view.marked);
  const readsNotes = useStudio((state) => state.model.status === 'ready' && state.model.info.readsNotes);
  if (!readsNotes) return null;
  const places = reading?.places ?? [];
  const rects = zoneRects(picture.width, picture.height, reading?.sides ?? 'unknown');
  const placeOf = (rect: ZoneRect): NamedPlace | undefined =>
    places.find(({ zones }) => (zones & rect.zone) !== 0);
  const mark = (number: number | null): void => dispatch({ type: 'view/set', view: { marked: number } });
  const add = (name: string): void => dispatch({ type: 'note/typed', text: withPlace(text, `${name} lung`) });
  const at = ({ x, y, width, height }: ZoneRect): Record<'x' | 'y' | 'width' | 'height', number> => ({
    x: transform.left + transform.scale * x + GAP,
    y: transform.top + transform.scale * y + GAP,
    width: Math.max(0, transform.scale * width - 2 * GAP),
    height: Math.max(0, transform.scale * height - 2 * GAP),
  });
  return (
    <>
      <svg class="zones" width={stage.width} height={stage.height} aria-hidden>
        {rects.map((rect) => {
          const place = placeOf(rect);
          const state = place === undefined ? 'other' : place.number === marked ? 'named marked' : 'named';
          return (
            <g key={rect.name} class={state}>
              {place !== undefined && <rect {...at(rect)} rx="8" class="casing" />}
              <rect {...at(rect)} rx="8" />
            </g>
          );
        })}
      </svg>
      {rects.map((rect) => {
        const place = placeOf(rect);
        const box = at(rect);
        const onLeft = rect.x === 0;
        const style = {
          top: `${box.y + box.height / 2 - 12}px`,
          ...(onLeft ? { left: `${box.x + 8}px` } : { left: `${box.x + box.width - 8}px` }),
        };
        const title = say('addPlace', { place: rect.name });
        return place === undefined ? (
          <button
            key={rect.name}
            type="button"
            class={`pill ghost ${onLeft ? '' : 'flush'}`}
            style={style}
            title={title}
            aria-label={title}
            onClick={() => add(rect.name)}
          >
            {rect.name}
          </button>
        ) : (
          <span
            key={rect.name}
            class={`pill ${onLeft ? '' : 'flush'}`}
            style={style}
            onPointerEnter={() => mark(place.number)}
            onPointerLeave={() => mark(null)}
          >
            <span class="number">{place.number}</span>
            <span class="words">{rect.name}</span>
          </span>
        );
      })}
    </>
  );
}
