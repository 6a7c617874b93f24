/** R and L at the image's own edges, always; size, slice, zoom and window below them. */
import { ChevronDown, ChevronUp } from 'lucide-preact';
import type { JSX } from 'preact';
import type { Size, Transform } from '../stage/transform.js';
import { say } from '../strings.js';
import { useStudio } from '../studio.js';
import { Icon } from './icon.js';

interface MarkersProps {
  readonly transform: Transform;
  readonly stage: Size;
  readonly onFrame: (frame: number) => void;
}

export function Markers({ transform, stage, onFrame }: MarkersProps): JSX.Element {
  const picture = useStudio((state) => state.picture)!;
  const window = useStudio((state) => state.view.window);
  const { scale, left, top } = transform;
  const inset = stage.width < 600 ? 12 : 16;
  // Of the part of the image that is on the stage.
  const edge = {
    left: Math.max(0, left) + inset,
    right: stage.width - Math.min(stage.width, left + scale * picture.width) + inset,
    top: Math.max(0, top) + inset,
  };
  const { frame, frames, oriented, format } = picture;
  const title = (side: 'rightLong' | 'leftLong'): string =>
    oriented ? say(side) : say('sideAssumed', { side: say(side) });
  const doubt = !oriented && (format === 'dicom' || format === 'nifti') ? '?' : '';
  return (
    <>
      <div class="marker" style={{ left: `${edge.left}px`, top: `${edge.top}px` }}>
        <span class="side" role="img" aria-label={title('rightLong')} title={title('rightLong')}>
          {say('right') + doubt}
        </span>
        <span class="figure">{say('pixels', { width: picture.width, height: picture.height })}</span>
        {frames > 1 && (
          <span class="figure frames">
            {say('frame', { frame: frame + 1, frames })}
            <button
              type="button"
              aria-label={say('previousFrame')}
              title={say('previousFrame')}
              disabled={frame === 0}
              onClick={() => onFrame(frame - 1)}
            >
              <Icon of={ChevronUp} />
            </button>
            <button
              type="button"
              aria-label={say('nextFrame')}
              title={say('nextFrame')}
              disabled={frame === frames - 1}
              onClick={() => onFrame(frame + 1)}
            >
              <Icon of={ChevronDown} />
            </button>
          </span>
        )}
      </div>
      <div class="marker at-right" style={{ right: `${edge.right}px`, top: `${edge.top}px` }}>
        <span class="side" role="img" aria-label={title('leftLong')} title={title('leftLong')}>
          {say('left') + doubt}
        </span>
        <span class="figure">{say('zoom', { zoom: scale < 10 ? scale.toFixed(1) : Math.round(scale) })}</span>
        <span class="figure">
          {say('window', { width: Math.round(window.width), level: Math.round(window.level) })}
        </span>
      </div>
    </>
  );
}
