/** The rail's editing tools: draw, then repair. */
import { Brush, Eraser, PaintBucket, Pentagon, RotateCcw } from 'lucide-preact';
import type { LucideIcon } from 'lucide-preact';
import type { JSX } from 'preact';
import { repair } from '../tools/drawing.js';
import { say } from '../strings.js';
import { useServices, useStudio } from '../studio.js';
import { RailButton, ToolButton } from './rail-button.js';

export function EditTools(): JSX.Element {
  const services = useServices();
  const off = useStudio((state) => state.result === null || state.compare !== null);
  return (
    <>
      <div class="group drawing">
        <ToolButton tool="brush" icon={Brush} label={say('toolBrush')} keys="B" disabled={off} />
        <ToolButton tool="eraser" icon={Eraser} label={say('toolEraser')} keys="E" disabled={off} />
        <ToolButton tool="polygon" icon={Pentagon} label={say('toolPolygon')} keys="P" disabled={off} />
      </div>
      <div class="group drawing">
        <RailButton icon={PaintBucket} label={say('toolFillHoles')} keys="F" disabled={off} onClick={() => repair(services, 'fill')} />
        <RailButton icon={Largest} label={say('toolLargest')} word={say('wordLargest')} keys="L" disabled={off} onClick={() => repair(services, 'largest')} />
        <RailButton icon={RotateCcw} label={say('toolModel')} word={say('wordModel')} keys="M" disabled={off} onClick={() => repair(services, 'model')} />
      </div>
    </>
  ); // prettier-ignore
}

/** Our own: one component stays, the smaller ones go. */
const Largest = (({ size = 18, strokeWidth = 1.6 }: { size?: number; strokeWidth?: number }) => (
  <svg
    width={size}
    height={size}
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    stroke-width={strokeWidth}
    aria-hidden
  >
    <circle cx="9.5" cy="10" r="6.5" fill="currentColor" fill-opacity="0.35" />
    <circle cx="18" cy="17" r="2.5" stroke-dasharray="2 2" />
    <circle cx="10.5" cy="20" r="1.5" stroke-dasharray="1.5 1.5" />
  </svg>
)) as unknown as LucideIcon;
