/** Before the first image: what stays on this machine, and what the model is. */
import { Brush, HardDrive, Image, WifiOff } from 'lucide-preact';
import type { LucideIcon } from 'lucide-preact';
import type { JSX } from 'preact';
import { deviceName, percent } from '../state/model-text.js';
import type { ModelInfo } from '../state/state.js';
import { say } from '../strings.js';
import { useStudio } from '../studio.js';
import { DrawnOnly } from './drawn-only.js';
import { Icon } from './icon.js';
import { Training } from './training.js';

export function Welcome(): JSX.Element {
  const model = useStudio((state) => state.model);
  const info = model.status === 'ready' ? model.info : null;
  const bytes = info?.bytes ?? (model.status === 'loading' ? model.total : 0);
  return (
    <>
      <div class="scrolled">
        <DrawnOnly />
        <section class="section stays">
          <h2>{say('staysTitle')}</h2>
          <dl>
            <Fact icon={Image} name={say('staysImages')} text={say('staysImagesText')} />
            <Fact icon={Brush} name={say('staysMasks')} text={say('staysMasksText')} />
            <Fact
              icon={HardDrive}
              name={say('staysModel', { mb: (bytes / 1e6).toFixed(1) })}
              text={say('staysModelText')}
            />
            <Fact icon={WifiOff} name={say('staysOffline')} text={say('staysOfflineText')} />
          </dl>
        </section>
        <Training />
        {info !== null && <ModelCard info={info} />}
      </div>
      <section class="actions research-line">
        <p class="small">
          <strong>{say('researchLong')}</strong> {say('researchRest')}
        </p>
      </section>
    </>
  );
}

interface FactProps {
  readonly icon: LucideIcon;
  readonly name: string;
  readonly text: string;
}

function Fact({ icon, name, text }: FactProps): JSX.Element {
  return (
    <div class="fact">
      <dt>
        <Icon of={icon} /> {name}
      </dt>
      <dd class="quiet small">{text}</dd>
    </div>
  );
}

function ModelCard({ info }: { readonly info: ModelInfo }): JSX.Element {
  const { name, trainedOn, score, device, fellBack, precision } = info;
  const rows = [
    [say('modelName'), name],
    [say('modelTrained'), trainedOn ? say('modelTrainedCases', { cases: trainedOn.cases, data: trainedOn.name }) : say('modelTrainedUnknown')],
    ...(score ? [[say('modelScore', { cases: score.cases }), percent(score.dice)]] : []),
    [say('modelDevice'), deviceName(device)],
    [say('modelPrecision'), precision],
  ] as const; // prettier-ignore
  return (
    <section class="section model-card">
      <h2>{say('modelTitle')}</h2>
      <dl class="pairs">
        {rows.map(([term, value]) => (
          <div key={term}>
            <dt class="quiet">{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {fellBack && <p class="quiet small">{say('fallback')}</p>}
    </section>
  );
}
