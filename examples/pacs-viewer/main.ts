/**
 * A series of a PACS with its SEG as a labelmap over it, in Cornerstone3D 5: `?pacs=` the DICOMweb root (default
 * `/dicom-web`), `?study=` and `?series=` their UIDs. Images are decoded by `@cornerstonejs/dicom-image-loader`, the SEG is
 * read by `@cornerstonejs/adapters`, which takes slices only: it refuses SEGs of projections.
 */
import { adaptersSEG } from '@cornerstonejs/adapters';
import {
  Enums as CoreEnums,
  imageLoader,
  init as initCore,
  metaData,
  RenderingEngine,
  type Types,
} from '@cornerstonejs/core';
import { init as initLoader, wadouri } from '@cornerstonejs/dicom-image-loader';
import {
  addTool,
  Enums,
  init as initTools,
  segmentation,
  StackScrollTool,
  ToolGroupManager,
} from '@cornerstonejs/tools';
import { type FoundSeries, Pacs } from '@reclmis/clinical';

const VIEWPORT = 'viewport';
const SEGMENTATION = 'reclmis';

/** A segment of the SEG, by its number. */
interface Segment {
  readonly SegmentNumber: number;
  readonly SegmentLabel: string;
}
interface ReadSeg {
  readonly labelMapImages: readonly (readonly { readonly imageId: string }[])[];
  readonly segMetadata: { readonly data: readonly (Segment | undefined)[] };
}

function find<T extends Element>(selector: string, kind: new () => T): T {
  const element = document.querySelector(selector);
  if (!(element instanceof kind)) throw new Error(`the page has no ${selector}`);
  return element;
}

/** The files of a series as image ids, in the order of instance numbers. */
async function loadSeries(pacs: Pacs, study: string, series: string): Promise<string[]> {
  const order = new Map<string, number>();
  const files: { readonly instance: string; readonly bytes: Uint8Array<ArrayBuffer> }[] = [];
  for await (const { instance, bytes } of pacs.retrieveSeries(study, series, (found) => {
    for (const one of found) order.set(one.instance, one.number ?? Infinity);
  }))
    files.push({ instance, bytes: new Uint8Array(bytes) });
  files.sort((a, b) => order.get(a.instance)! - order.get(b.instance)!);
  return files.map(({ bytes }) => wadouri.fileManager.add(new Blob([bytes])));
}

async function showImages(imageIds: string[]): Promise<Types.IStackViewport> {
  const engine = new RenderingEngine('engine');
  const element = find('#viewport', HTMLDivElement);
  engine.enableElement({ viewportId: VIEWPORT, type: CoreEnums.ViewportType.STACK, element });
  const viewport = engine.getViewport(VIEWPORT) as Types.IStackViewport;
  await viewport.setStack(imageIds, Math.floor(imageIds.length / 2));
  addTool(StackScrollTool);
  const tools = ToolGroupManager.createToolGroup('tools');
  tools?.addTool(StackScrollTool.toolName);
  tools?.setToolActive(StackScrollTool.toolName, {
    bindings: [{ mouseButton: Enums.MouseBindings.Wheel }],
  });
  tools?.addViewport(VIEWPORT, engine.id);
  return viewport;
}

/** Reads a SEG by Cornerstone3D's adapter, and shows it. @returns its segments */
async function showSeg(bytes: Uint8Array, imageIds: string[]): Promise<Segment[]> {
  const read = (await adaptersSEG.Cornerstone3D.Segmentation.createFromDICOMSegBuffer(
    imageIds,
    new Uint8Array(bytes).buffer,
    { metadataProvider: metaData },
  )) as unknown as ReadSeg;
  const segments = read.segMetadata.data.filter((one) => one !== undefined);
  const type = Enums.SegmentationRepresentations.Labelmap;
  segmentation.addSegmentations([
    {
      segmentationId: SEGMENTATION,
      representation: { type, data: { imageIds: read.labelMapImages[0]!.map(({ imageId }) => imageId) } },
      config: {
        segments: Object.fromEntries(
          segments.map(({ SegmentNumber: segmentIndex, SegmentLabel: label }) => [
            segmentIndex,
            { segmentIndex, label },
          ]),
        ),
      },
    },
  ]);
  segmentation.addLabelmapRepresentationToViewport(VIEWPORT, [{ segmentationId: SEGMENTATION, type }]);
  return segments;
}

function list(segments: readonly Segment[]): void {
  find('ul', HTMLUListElement).replaceChildren(
    ...segments.map(({ SegmentNumber, SegmentLabel }) => {
      const [r, g, b] = segmentation.config.color.getSegmentIndexColor(VIEWPORT, SEGMENTATION, SegmentNumber);
      const item = document.createElement('li');
      item.style.setProperty('--colour', `rgb(${r} ${g} ${b})`);
      item.textContent = SegmentLabel;
      return item;
    }),
  );
}

const status = find('[role=status]', HTMLElement);
try {
  const query = new URL(globalThis.location.href).searchParams;
  const [study, series] = [query.get('study') ?? '', query.get('series') ?? ''];
  const pacs = new Pacs(new URL(query.get('pacs') ?? '/dicom-web', globalThis.location.href).href);
  await initCore();
  initLoader();
  initTools();

  const imageIds = await loadSeries(pacs, study, series);
  const viewport = await showImages(imageIds);
  for (const id of imageIds) await imageLoader.loadAndCacheImage(id); // the adapter asks for all positions
  const { found } = await pacs.series(study, { Modality: 'SEG' });
  const last = found.at(-1) as FoundSeries;
  const [seg] = (await pacs.instances(study, last.series)).found;
  const { bytes } = await pacs.retrieveInstance(study, last.series, seg!.instance);
  list(await showSeg(bytes, imageIds));
  const place = (): void => {
    status.textContent = `Slice ${viewport.getCurrentImageIdIndex() + 1} of ${imageIds.length}\n${last.description}`;
  };
  viewport.element.addEventListener(CoreEnums.Events.STACK_NEW_IMAGE, place);
  viewport.render();
  place();
} catch (error) {
  status.textContent = String(error);
}
