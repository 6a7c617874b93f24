/** All formats; one that cannot work says why in its row. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { FormatName, Obstacle } from '../outputs/formats.js';
import { stemOf } from '../outputs/stem.js';
import { say, type StringName } from '../strings.js';
import { useDispatch, useServices, useStudio } from '../studio.js';
import { canChooseFolder, exportAs, exportDataset, isKept, obstaclesOf } from '../tools/export.js';

interface Entry {
  readonly name: FormatName | 'all';
  readonly label: StringName;
  readonly ending: string;
}

const ENTRIES: readonly Entry[] = [
  { name: 'mask', label: 'formatMask', ending: '.png' },
  { name: 'overlay', label: 'formatOverlay', ending: '.png' },
  { name: 'seg', label: 'formatSeg', ending: '.dcm' },
  { name: 'nifti', label: 'formatNifti', ending: '.nii.gz' },
  { name: 'nrrd', label: 'formatNrrd', ending: '.nrrd' },
  { name: 'geojson', label: 'formatGeojson', ending: '.geojson' },
  { name: 'record', label: 'formatRecord', ending: '.json' },
  { name: 'all', label: 'formatAll', ending: '.zip' },
];

export function ExportMenu(): JSX.Element {
  const services = useServices();
  const dispatch = useDispatch();
  const picture = useStudio((state) => state.picture)!;
  const reviews = useStudio((state) => state.cases.reviews);
  const count = Object.values(reviews).filter(isKept).length;
  const [obstacles, setObstacles] = useState<Readonly<Partial<Record<FormatName, Obstacle>>>>(
    picture.format === 'dicom' ? {} : { seg: 'needsDicom' },
  );
  const menu = useRef<HTMLDivElement>(null);
  const items = (): HTMLElement[] => [...menu.current!.querySelectorAll<HTMLElement>('[role=menuitem]')];
  const close = (): void => dispatch({ type: 'panel/set', panel: { menu: null } });

  useEffect(() => {
    void obstaclesOf(services).then(setObstacles);
    items()[0]?.focus();
    const outside = ({ target }: Event): void => {
      if (target instanceof Node && !menu.current!.parentElement!.contains(target)) close();
    };
    addEventListener('pointerdown', outside);
    return () => {
      removeEventListener('pointerdown', outside);
      document.getElementById('export-button')?.focus();
    };
  }, []);
  const onKeyDown = (event: KeyboardEvent): void => {
    const all = items();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === 'Escape' || event.key === 'Tab' || event.key === 'x') close();
    else if (to === undefined) return;
    else all[(to + all.length) % all.length]?.focus();
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div ref={menu} class="menu" role="menu" aria-label={say('export')} onKeyDown={onKeyDown}>
      <div class="head" role="presentation">
        <span>
          <strong>{say('export')}</strong> <span class="quiet">{stemOf(picture.name)}</span>
        </span>
        <kbd aria-hidden>X</kbd>
      </div>
      {ENTRIES.map(({ name, label, ending }) => {
        const obstacle = name === 'all' ? undefined : obstacles[name];
        return (
          <Item key={name} label={say(label)} note={obstacle ? say(obstacle) : ending} off={obstacle !== undefined} onChoose={() => void exportAs(services, name)} />
        );
      })}
      {count > 0 && <hr />}
      {count > 0 && <Item label={say('formatDataset', { count })} note=".zip" onChoose={() => void exportDataset(services, 'zip')} />}
      {count > 0 && canChooseFolder() && <Item label={say('formatDataset', { count })} note={say('intoFolder')} onChoose={() => void exportDataset(services, 'folder')} />}
      <p class="small quiet">{say('exportCheck')}</p>
    </div>
  ); // prettier-ignore
}

interface ItemProps {
  readonly label: string;
  readonly note: string;
  readonly off?: boolean;
  readonly onChoose: () => void;
}

function Item({ label, note, off = false, onChoose }: ItemProps): JSX.Element {
  return (
    <button
      type="button"
      role="menuitem"
      tabIndex={-1}
      aria-disabled={off}
      onClick={off ? undefined : onChoose}
    >
      <span class="grow">{label}</span>
      <span class="quiet">{note}</span>
    </button>
  );
}
