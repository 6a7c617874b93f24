/** What is drawn of the editing tools: the brush's ring under the pointer, the keyboard's, the open polygon. */
import type { JSX, RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { pointsOf } from '../edit/action.js';
import { closePolygon } from '../tools/drawing.js';
import { type Size, toStage, type Transform } from '../stage/transform.js';
import { say } from '../strings.js';
import { useServices, useStudio } from '../studio.js';

interface EditLayerProps {
  readonly transform: Transform;
  readonly stage: Size;
  readonly place: RefObject<HTMLDivElement>;
}

export function EditLayer({ transform, stage, place }: EditLayerProps): JSX.Element | null {
  const services = useServices();
  const tool = useStudio((state) => state.view.tool);
  const brush = useStudio((state) => state.view.brush);
  const strokes = useStudio((state) => state.strokes);
  const ring = useRef<SVGGElement>(null);
  const isBrush = tool === 'brush' || tool === 'eraser';
  useEffect(() => {
    const element = place.current;
    if (element === null || !(isBrush || tool === 'polygon')) return undefined;
    const stop = new AbortController();
    const { signal } = stop;
    const move = ({ clientX, clientY }: PointerEvent): void => {
      const box = element.getBoundingClientRect();
      ring.current?.setAttribute('transform', `translate(${clientX - box.left} ${clientY - box.top})`);
      ring.current?.removeAttribute('visibility');
    };
    element.addEventListener('pointermove', move, { signal });
    element.addEventListener('pointerleave', () => ring.current?.setAttribute('visibility', 'hidden'), { signal }); // prettier-ignore
    if (tool === 'polygon') element.addEventListener('dblclick', () => closePolygon(services), { signal });
    return () => stop.abort();
  }, [tool]);
  if (!isBrush && tool !== 'polygon') return null;
  const { cursor } = strokes;
  const radius = (transform.scale * brush) / 2;
  const corners = pointsOf(strokes.polygon).map((point) => toStage(transform, point));
  const path = corners.map(({ x, y }) => `${x},${y}`).join(' ');
  const at = cursor && toStage(transform, cursor);
  const [first] = corners;
  return (
    <svg class="edit-layer" width={stage.width} height={stage.height} aria-hidden>
      {isBrush && (
        <g ref={ring} visibility="hidden">
          <Ring radius={radius} down={false} />
        </g>
      )}
      {cursor && at && (
        <g transform={`translate(${at.x} ${at.y})`}>
          <Ring radius={isBrush ? radius : 4} down={cursor.down} />
          <path d="M-3 0H3M0 -3V3" class="casing" />
          <path d="M-3 0H3M0 -3V3" />
        </g>
      )}
      {corners.length > 1 && <polyline points={path} class="casing" />}
      {corners.length > 1 && <polyline points={path} class="open" />}
      {corners.map(({ x, y }, i) => (
        <circle key={i} cx={x} cy={y} r="3" class="corner" />
      ))}
      {first && corners.length > 2 && (
        <circle cx={first.x} cy={first.y} r="10" class="closer" onPointerDown={() => closePolygon(services)}>
          <title>{say('keyClose')}</title>
        </circle>
      )}
    </svg>
  );
}

function Ring({ radius, down }: { readonly radius: number; readonly down: boolean }): JSX.Element {
  return (
    <>
      <circle r={radius} class="casing" />
      <circle r={radius} class={down ? 'down' : undefined} />
    </>
  );
}
