/** The rail: view, draw, repair, layers, next to the image so that the pointer travels little. */
import { Contrast, Droplet, Grid2x2, Hand } from 'lucide-preact';
import type { JSX } from 'preact';
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
      <div class="group">
        <ToolButton tool="window" icon={Contrast} label={say('toolWindow')} keys="W" />
        <ToolButton tool="pan" icon={Hand} label={say('toolPan')} keys="V" />
      </div>
      <EditTools />
      <div class="group">
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
      </div>
    </>
  );
}
