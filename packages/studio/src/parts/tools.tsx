/** The rail: view, draw, repair, layers, next to the image so that the pointer travels little. */
import { CircleDashed, Contrast, Droplet, Grid2x2, Hand } from 'lucide-preact';
import type { JSX } from 'preact';
import { hasTruth } from '../state/cases.js';
import { say } from '../strings.js';
import { useDispatch, useStudio } from '../studio.js';
import { EditTools } from './edit-tools.js';
import { InterestSwitch } from './interest-switch.js';
import { PhoneTools } from './phone-tools.js';
import { RailButton, ToolButton } from './rail-button.js';

export function Tools(): JSX.Element {
  const dispatch = useDispatch();
  const zones = useStudio((state) => state.view.zones);
  const uncertainty = useStudio((state) => state.view.uncertainty);
  return (
    <>
      <div class="group phone-only">
        <PhoneTools />
      </div>
      <div class="group layers">
        <ToolButton tool="window" icon={Contrast} label={say('toolWindow')} keys="W" />
        <ToolButton tool="pan" icon={Hand} label={say('toolPan')} keys="V" />
      </div>
      <EditTools />
      <div class="group layers">
        <RailButton
          icon={Grid2x2}
          label={say('toolZones')}
          keys="Z"
          pressed={zones}
          onClick={() => dispatch({ type: 'view/set', view: { zones: !zones } })}
        />
        <RailButton
          icon={Droplet}
          label={say('toolUncertainty')}
          keys="U"
          pressed={uncertainty}
          onClick={() => dispatch({ type: 'view/set', view: { uncertainty: !uncertainty } })}
        />
        <InterestSwitch />
        <TruthButton />
      </div>
    </>
  );
}

/** For cases that have a true mask. */
function TruthButton(): JSX.Element | null {
  const dispatch = useDispatch();
  const truth = useStudio((state) => state.view.truth);
  const there = useStudio((state) => hasTruth(state.cases));
  if (!there) return null;
  return (
    <RailButton
      icon={CircleDashed}
      label={say('toolTruth')}
      keys="G"
      pressed={truth}
      onClick={() => dispatch({ type: 'view/set', view: { truth: !truth } })}
    />
  );
}
