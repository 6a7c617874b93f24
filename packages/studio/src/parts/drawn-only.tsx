/** Where it matters, of a model that has seen no real image: before the first one, and next to every result. */
import { TriangleAlert } from 'lucide-preact';
import type { JSX } from 'preact';
import { say } from '../strings.js';
import { useStudio } from '../studio.js';
import { Icon } from './icon.js';

export function DrawnOnly(): JSX.Element | null {
  const model = useStudio((state) => state.model);
  if (model.status !== 'ready' || !model.info.drawnOnly) return null;
  return (
    <p class="warning drawn-only">
      <Icon of={TriangleAlert} /> <span>{say('modelDrawn')}</span>
    </p>
  );
}
