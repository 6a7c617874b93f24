// Vite, for the page of this folder (docs/guide/clinical.md):
//   npm install @reclmis/clinical @cornerstonejs/{core,tools,metadata,utils,dicom-image-loader,adapters}@5.14.0 events vite
//   PACS=http://127.0.0.1:8042 npx vite        then open /?study=UID&series=UID
import { defineConfig } from 'vite';

export default defineConfig({
  server: { proxy: { '/dicom-web': process.env.PACS ?? 'http://127.0.0.1:8042' } },
  worker: { format: 'es' },
  build: { target: 'es2022' },
});
