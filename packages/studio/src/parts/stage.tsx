/** Image, mask and zones in layers; markers and figures at the image's edges; pointer and wheel. */
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { openFrame } from '../images.js';
import { addZone } from '../add-zone.js';
import { Painter, type Palette, type Scene } from '../stage/painter.js';
import { type Drag, strokeTools, VIEW_TOOLS } from '../stage/pointer.js';
import { type Point, type Size, toImage, transformOf, zoomedAt } from '../stage/transform.js';
import { shownMasks } from '../stage/two-masks.js';
import { say } from '../strings.js';
import { useServices, useStudio } from '../studio.js';
import { EditLayer } from './edit-layer.js';
import { EmptyStage } from './empty-stage.js';
import { InterestLegend, InterestMap } from './interest-map.js';
import { Markers } from './markers.js';
import { SideBySide } from './mask-view.js';
import { Zones } from './zones.js';

/** Less movement than this is a click, CSS pixels. */
const CLICK = 4;

export function Stage(): JSX.Element {
  const picture = useStudio((state) => state.picture);
  return picture === null ? <EmptyStage /> : <PictureStage key={picture.id} />;
}

function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  return { mask: colour('--mask'), reference: colour('--reference'), onImage: '#ffffff' };
}

function PictureStage(): JSX.Element {
  const services = useServices();
  const { store, rasters } = services;
  const view = useStudio((state) => state.view);
  const picture = useStudio((state) => state.picture)!;
  const shown = useStudio((state) => state.compare?.shown ?? null);
  const held = useStudio((state) => state.compare?.held ?? false);
  const place = useRef<HTMLDivElement>(null);
  const [below, above] = [useRef<HTMLCanvasElement>(null), useRef<HTMLCanvasElement>(null)];
  const painter = useRef<Painter | null>(null);
  const [stage, setStage] = useState<Size>({ width: 0, height: 0 });
  const margin = stage.width < 600 ? 0 : 16;
  const transform = transformOf(stage, picture, view, margin);
  const scene = useRef<Scene | null>(null);

  useLayoutEffect(() => {
    const element = place.current!;
    const observer = new ResizeObserver(() => setStage({ width: element.clientWidth, height: element.clientHeight })); // prettier-ignore
    observer.observe(element);
    painter.current = new Painter(below.current!.getContext('2d')!, above.current!.getContext('2d')!);
    painter.current.setImage(rasters.picture?.image ?? null);
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    const ratio = devicePixelRatio;
    for (const canvas of [below.current!, above.current!]) {
      const [width, height] = [Math.round(stage.width * ratio), Math.round(stage.height * ratio)];
      if (canvas.width !== width) canvas.width = width;
      if (canvas.height !== height) canvas.height = height;
    }
    scene.current = { transform, stage, view, ratio, palette: paletteOf(place.current!) };
    painter.current!.setDoubt(view.uncertainty ? rasters.probability : null);
    painter.current!.drawBelow(scene.current);
    painter.current!.drawAbove(scene.current);
  }, [stage, view]);

  useEffect(() => {
    const draw = (): void => {
      const { mask, before } = shownMasks(store.state.compare, rasters);
      painter.current!.setMask(mask, before);
      painter.current!.setTruth(shown === null ? rasters.truth : null);
      if (scene.current) painter.current!.drawAbove(scene.current);
    };
    draw();
    return rasters.subscribe((name, where) => {
      if (name === 'probability')
        painter.current!.setDoubt(store.state.view.uncertainty ? rasters.probability : null); // prettier-ignore
      else if (name === 'mask' && where !== null && rasters.mask !== null && scene.current)
        painter.current!.maskChangedAt(rasters.mask, where, scene.current);
      else if (name !== 'image') draw();
    });
  }, [shown, held]);

  const pointAt = (event: MouseEvent): Point => {
    const box = place.current!.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const drag = useRef<{ readonly from: Point; readonly view: typeof view; moved: boolean } | null>(null);

  const begin = (event: PointerEvent): void => {
    if (event.button > 1 || event.target !== above.current) return;
    place.current!.setPointerCapture(event.pointerId);
    const from = pointAt(event);
    drag.current = { from, view, moved: false };
    if (event.button === 0) strokeTools.get(view.tool)?.begin(toImage(transform, from));
  };
  const move = (event: PointerEvent): void => {
    if (drag.current === null) return;
    const { from, view: then } = drag.current;
    const at = pointAt(event);
    if (Math.hypot(at.x - from.x, at.y - from.y) > CLICK) drag.current.moved = true;
    if (!drag.current.moved) return;
    const middle = (event.buttons & 4) !== 0;
    const stroke = middle ? undefined : strokeTools.get(then.tool);
    if (stroke) {
      for (const one of event.getCoalescedEvents()) stroke.move(toImage(transform, pointAt(one)));
      return;
    }
    const points = { fromImage: toImage(transform, from), atImage: toImage(transform, at) };
    const change: Drag = { view: then, from, at, ...points, scale: transform.scale };
    const next = (middle ? VIEW_TOOLS.pan : VIEW_TOOLS[then.tool])?.(change);
    if (next) store.dispatch({ type: 'view/set', view: next });
  };
  const end = (): void => {
    if (drag.current === null) return;
    const { from, moved } = drag.current;
    drag.current = null;
    if (!moved && view.zones && view.tool in VIEW_TOOLS) addZone(services, toImage(transform, from));
    strokeTools.get(view.tool)?.end();
  };
  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const next = zoomedAt(view, Math.exp(-event.deltaY / 400), pointAt(event), stage, picture, margin);
    store.dispatch({ type: 'view/set', view: next });
  };
  useEffect(() => {
    const element = place.current!;
    element.addEventListener('wheel', wheel, { passive: false }); // Preact's would be passive
    return () => element.removeEventListener('wheel', wheel);
  });

  return (
    <div
      ref={place}
      class={`picture tool-${view.tool}`}
      tabIndex={0}
      role="group"
      aria-label={say('stageKeys')}
      data-busy={useStudio((state) => state.computing) ? '' : undefined}
      onPointerDown={begin}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={end}
    >
      <canvas ref={below} aria-hidden />
      <InterestMap transform={transform} />
      <canvas
        ref={above}
        role="img"
        aria-label={say('canvas', { width: picture.width, height: picture.height })}
      />
      {shown === 'both' && !held && <SideBySide />}
      {view.zones && shown !== 'both' && <Zones transform={transform} stage={stage} />}
      <InterestLegend />
      {shown === null && <EditLayer transform={transform} stage={stage} place={place} />}
      {shown !== 'both' && (
        <Markers transform={transform} stage={stage} onFrame={(frame) => openFrame(services, frame)} />
      )}
    </div>
  );
}
