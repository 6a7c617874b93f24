/** Sliders below the image, where the eye is. */
import { Eye, EyeOff } from 'lucide-preact';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { say } from '../strings.js';
import { useDispatch, useStudio } from '../studio.js';
import { CompareStrip } from './compare-strip.js';
import { KeyButton } from './icon.js';
import { LEAST_BRUSH } from '../tools/drawing.js';
import { Segmented } from './segmented.js';

export function Strip(): JSX.Element {
  const hasPicture = useStudio((state) => state.picture !== null);
  const comparing = useStudio((state) => state.compare !== null);
  return (
    <div class="strip" role="group" aria-label={say('layers')}>
      {!hasPicture ? (
        <p class="quiet">{say('stripEmpty')}</p>
      ) : (
        <>
          {comparing ? <CompareStrip /> : null}
          <Opacity />
          {comparing ? null : <Threshold />}
          <BrushSize />
          <span class="grow" />
          {comparing ? null : <Style />}
          <Hide />
        </>
      )}
    </div>
  );
}

function Opacity(): JSX.Element {
  const dispatch = useDispatch();
  const opacity = useStudio((state) => state.view.opacity);
  return (
    <Slider
      label={say('opacity')}
      keys="− +"
      value={Math.round(100 * opacity)}
      shown={say('percent', { value: Math.round(100 * opacity) })}
      max={100}
      onInput={(value) => dispatch({ type: 'view/set', view: { opacity: value / 100 } })}
    />
  );
}

function Threshold(): JSX.Element {
  const dispatch = useDispatch();
  const threshold = useStudio((state) => state.threshold);
  const area = useStudio((state) => state.result?.area ?? null);
  const from = useRef<number | null>(null);
  return (
    <Slider
      label={say('threshold')}
      keys="< >"
      value={Math.round(100 * threshold)}
      shown={threshold.toFixed(2)}
      max={99}
      min={1}
      onInput={(value) => {
        from.current ??= threshold;
        dispatch({ type: 'threshold/moved', threshold: value / 100 });
      }}
      onChange={() => {
        if (from.current !== null) dispatch({ type: 'threshold/settled', from: from.current, area });
        from.current = null;
      }}
    />
  );
}

/** On phones, behind "Brush"; elsewhere keys and the ring under the pointer do. */
function BrushSize(): JSX.Element {
  const dispatch = useDispatch();
  const brush = useStudio((state) => state.view.brush);
  return (
    <div class="phone-only brush-size">
      <Slider
        label={say('brushSize')}
        keys="[ ]"
        value={brush}
        shown={say('brushPixels', { size: brush })}
        min={LEAST_BRUSH}
        max={128}
        onInput={(value) => dispatch({ type: 'view/set', view: { brush: value } })}
      />
    </div>
  );
}

function Style(): JSX.Element {
  const dispatch = useDispatch();
  const style = useStudio((state) => state.view.style);
  return (
    <Segmented
      name="style"
      label={`${say('fill')}, ${say('outline')}`}
      options={[
        { value: 'fill', label: say('fill') },
        { value: 'outline', label: say('outline'), keys: 'T' },
      ]}
      value={style}
      onChange={(value) => dispatch({ type: 'view/set', view: { style: value } })}
    />
  );
}

function Hide(): JSX.Element {
  const dispatch = useDispatch();
  const hidden = useStudio((state) => state.view.hidden);
  return (
    <KeyButton
      class="plain"
      icon={hidden ? EyeOff : Eye}
      label={say(hidden ? 'show' : 'hide')}
      keys="H"
      onClick={() => dispatch({ type: 'view/set', view: { hidden: !hidden } })}
    />
  );
}

interface SliderProps {
  readonly label: string;
  readonly keys: string;
  readonly value: number;
  readonly shown: string;
  readonly min?: number;
  readonly max: number;
  readonly onInput: (value: number) => void;
  readonly onChange?: () => void;
}

function Slider({ label, keys, value, shown, min = 0, max, onInput, onChange }: SliderProps): JSX.Element {
  const share = (100 * (value - min)) / (max - min);
  return (
    <label class="slider">
      <span class="name">{label}</span>
      <input
        type="range"
        min={min}
        max={max}
        value={value}
        style={{ '--share': `${share}%` }}
        aria-valuetext={shown}
        onInput={(event) => onInput(Number(event.currentTarget.value))}
        onChange={onChange}
      />
      <output>{shown}</output>
      <span class="key" aria-hidden>
        {keys}
      </span>
    </label>
  );
}
