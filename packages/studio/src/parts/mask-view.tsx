/** The image with one of two notes' masks: as a thumbnail, or next to the other. */
import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Painter } from '../stage/painter.js';
import { twoMasks } from '../stage/two-masks.js';
import { type Size, transformOf } from '../stage/transform.js';
import { FIRST_VIEW, type View } from '../state/state.js';
import { say } from '../strings.js';
import { useServices, useStudio } from '../studio.js';

const PALETTE = { mask: '#e69f00', reference: '#56b4e9', onImage: '#ffffff' };

interface MaskViewProps {
  readonly letter: 'A' | 'B';
  readonly view: View;
  /** CSS pixels around the image at zoom 1. */
  readonly margin: number;
}

function MaskView({ letter, view, margin }: MaskViewProps): JSX.Element {
  const { rasters } = useServices();
  const picture = useStudio((state) => state.picture)!;
  const result = useStudio((state) => state.result);
  const compare = useStudio((state) => state.compare)!;
  const place = useRef<HTMLDivElement>(null);
  const [below, above] = [useRef<HTMLCanvasElement>(null), useRef<HTMLCanvasElement>(null)];
  const [stage, setStage] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = place.current!;
    const observer = new ResizeObserver(() => {
      setStage({ width: element.clientWidth, height: element.clientHeight });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    const ratio = devicePixelRatio;
    for (const canvas of [below.current!, above.current!]) {
      canvas.width = Math.round(stage.width * ratio);
      canvas.height = Math.round(stage.height * ratio);
    }
    const painter = new Painter(below.current!.getContext('2d')!, above.current!.getContext('2d')!);
    const scene = {
      transform: transformOf(stage, picture, view, margin),
      stage,
      view,
      ratio,
      palette: PALETTE,
    };
    painter.setImage(rasters.picture?.image ?? null);
    const { a, b } = twoMasks(compare, rasters);
    painter.setMask(letter === 'A' ? a : b, null);
    painter.drawBelow(scene);
    painter.drawAbove(scene);
  }, [picture, view, result, compare, letter, stage]);
  return (
    <div class="mask-view" ref={place}>
      <canvas ref={below} aria-hidden />
      <canvas ref={above} role="img" aria-label={`${nameOf(letter, compare.models)}: ${say('mask')}`} />
      <span class="letter" aria-hidden>
        {letter}
      </span>
      <span class="side at-left" aria-hidden>
        {say('right')}
      </span>
      <span class="side at-right" aria-hidden>
        {say('left')}
      </span>
    </div>
  );
}

function nameOf(letter: 'A' | 'B', models: boolean): string {
  if (models) return say(letter === 'A' ? 'modelA' : 'modelB');
  return say(letter === 'A' ? 'noteA' : 'noteB');
}

export function Thumbnail({ letter }: { readonly letter: 'A' | 'B' }): JSX.Element {
  const window = useStudio((state) => state.view.window);
  const [view, setView] = useState<View>({ ...FIRST_VIEW, window });
  if (view.window !== window) setView({ ...view, window });
  return <MaskView letter={letter} view={view} margin={0} />;
}

/** Over the stage, which still takes the pointer. */
export function SideBySide(): JSX.Element {
  const view = useStudio((state) => state.view);
  return (
    <div class="side-by-side">
      <MaskView letter="A" view={view} margin={8} />
      <MaskView letter="B" view={view} margin={8} />
    </div>
  );
}
