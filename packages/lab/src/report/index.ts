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
