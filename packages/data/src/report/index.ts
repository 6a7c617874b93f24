export {
  caseRows,
  caseRowsStyle,
  colourKey,
  type CaseColumn,
  type CaseGroup,
  type CaseRow,
  type CaseTile,
  type ColourKey,
} from './case-rows.js';
export { escapeHtml, Html, joined, markup, type Content } from './html.js';
export { page, PURPOSE, type Page, type ReportSection } from './page.js';
export {
  details,
  figure,
  gallery,
  heading,
  list,
  paragraph,
  picture,
  table,
  warning,
  type Column,
  type PictureOptions,
} from './parts.js';
