/** Runs TypeDoc over the staged pages and the packages' sources. Pages keep the paths that they have in the repository; the API is below `api/`. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Application, Converter, LogLevel, ReflectionKind, StructureRouter } from 'typedoc';
import { GROUPS, SOURCE } from './stage.mjs';

/** Packages with API pages: first what a program uses, then what is below it. */
export const PACKAGES = ['runtime', 'server', 'predict', 'export', 'lab', 'torch', 'data', 'files', 'core'];

class SiteRouter extends StructureRouter {
  /** @override */
  getIdealBaseName(reflection) {
    if (reflection.isDocument()) return reflection.frontmatter.path.replace(/\.md$/, '');
    return `api/${super.getIdealBaseName(reflection).replace(/^_reclmis\//, '')}`;
  }
}

/**
 * @param {{ root: string, stage: string, pages: import('./stage.mjs').PageInfo[], out: string, versioned?: boolean }} site
 * @returns {Promise<void>} rejects where TypeDoc warns
 */
export async function buildPages({ root, stage, pages, out, versioned = false }) {
  if (existsSync(out) && !existsSync(join(out, '.nojekyll')))
    throw new Error(`${out} is there and is no site: choose another folder with --out`);
  rmSync(out, { recursive: true, force: true });
  const app = await Application.bootstrap({
    name: 'RecLMIS',
    entryPoints: PACKAGES.map((name) => join(root, 'packages', name, 'src/index.ts')),
    tsconfig: join(root, 'tsconfig.json'),
    basePath: root,
    displayBasePath: root,
    readme: join(stage, 'README.md'),
    projectDocuments: pages.map(({ path }) => join(stage, path)),
    out,
    sort: ['kind', 'instance-first', 'alphabetical-ignoring-documents'],
    sortEntryPoints: false,
    groupOrder: [...GROUPS, '*'],
    navigation: { includeGroups: true, excludeReferences: true },
    navigationLeaves: PACKAGES.map((name) => `@reclmis/${name}`), // a package's own page lists its parts
    categorizeByGroup: false,
    headings: { readme: false, document: false },
    highlightLanguages: ['sh', 'ts', 'js', 'yaml', 'json', 'python'],
    searchInDocuments: true,
    excludePrivate: true,
    excludeInternal: true,
    excludeExternals: true,
    skipErrorChecking: true, // tsc has checked them
    disableGit: true,
    gitRevision: '-',
    sourceLinkTemplate: `${SOURCE}{path}#L{line}`,
    hideGenerator: true,
    includeHierarchySummary: false,
    customCss: join(import.meta.dirname, 'site.css'),
    ...(versioned ? { customJs: join(import.meta.dirname, 'switch.js') } : {}),
    githubPages: true,
    locales: { en: { kind_plural_module: 'API', kind_module: 'Package' } },
    logLevel: LogLevel.Warn,
    treatWarningsAsErrors: true,
    treatValidationWarningsAsErrors: true,
    requiredToBeDocumented: ['Function', 'Class', 'Interface', 'TypeAlias', 'Variable'],
    validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: true, unusedMergeModuleWith: true, rewrittenLink: true }, // prettier-ignore
  });
  app.renderer.defineRouter('site', SiteRouter);
  app.options.setValue('router', 'site');
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module))
      module.name = `@reclmis/${module.name.replace(/^packages\//, '').split('/')[0]}`;
  });
  const project = await app.convert();
  if (!project) throw new Error('TypeDoc could not read the sources');
  app.validate(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('TypeDoc has warnings; see above');
  await app.generateOutputs(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('TypeDoc has warnings; see above');
}
