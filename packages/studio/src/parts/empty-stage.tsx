/** Before the first image: open one, or take a sample. */
import { ImagePlus } from 'lucide-preact';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { loadSamples, openSample, type Sample, sampleAddress } from '../images.js';
import { chooseFiles, chooseFolder } from '../choose.js';
import { say } from '../strings.js';
import { useServices, useStudio } from '../studio.js';
import { Icon, KeyButton } from './icon.js';

export function EmptyStage(): JSX.Element {
  const services = useServices();
  const reading = useStudio((state) => state.reading);
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  useEffect(() => {
    loadSamples().then(setSamples, () => setSamples([]));
  }, []);
  return (
    <div class="empty">
      <div class="drop">
        <Icon of={ImagePlus} size={28} />
        <h2>{reading === null ? say('emptyTitle') : say('reading', { file: reading })}</h2>
        <p>{say('emptyText')}</p>
        <p>{say('emptyFormats')}</p>
        <div class="row">
          <KeyButton
            class="primary"
            label={say('chooseFiles')}
            keys="O"
            onClick={() => chooseFiles(services)}
          />
          <KeyButton
            class="edged"
            label={say('chooseFolder')}
            keys="⇧ O"
            onClick={() => chooseFolder(services)}
          />
        </div>
      </div>
      {samples.length > 0 && (
        <section class="samples">
          <h2>
            {say('samplesTitle')} <span class="quiet">{say('samplesText')}</span>
          </h2>
          <ul>
            {samples.map((sample) => (
              <li key={sample.file}>
                <button type="button" onClick={() => void openSample(services, sample)}>
                  <img src={sampleAddress(sample)} alt="" />
                  <span>{sample.name}</span>
                  <span class="quiet small">{sample.about}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
