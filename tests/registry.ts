/** Packages that only slow tests need, installed by npm into folders of their own. */
import { execFileSync, spawnSync } from 'node:child_process';

/** Whether slow tests run and a registry answers. */
export const REGISTRY =
  Boolean(process.env['RECLMIS_SLOW']) &&
  spawnSync('npm', ['ping', '--fetch-retries=0', '--fetch-timeout=10000'], { stdio: 'ignore' }).status === 0;

/** @param what names with versions, or archives */
export function install(project: string, ...what: string[]): void {
  const args = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts', ...what];
  execFileSync('npm', args, { cwd: project, stdio: 'pipe' });
}

/** Cornerstone3D as its packages state it, and what they forget to state. */
export const CORNERSTONE = [
  ...['core', 'tools', 'metadata', 'utils'].map((name) => `@cornerstonejs/${name}@5.14.0`),
  'events@3.3.0',
];
/** Its reader of SEGs. */
export const CORNERSTONE_SEG = [
  ...CORNERSTONE,
  ...['dicom-image-loader', 'adapters'].map((name) => `@cornerstonejs/${name}@5.14.0`),
  '@babel/runtime@7.26.10',
];
