/** A page with a stack viewport and a note: the smallest viewer. `?image=` names a PNG file, the model is at /model/. */
import {
  Enums,
  imageLoader,
  init as initCore,
  metaData,
  RenderingEngine,
  type Types,
  utilities,
} from '@cornerstonejs/core';
import { addTool, init as initTools, SegmentationDisplayTool } from '@cornerstonejs/tools';
