#!/usr/bin/env node
/**
 * Checks a built site: every link, picture, style and script leads to a file of it, every anchor to an element, and nothing is loaded from elsewhere.
 *
 *   node scripts/site/links.mjs DIR
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inflateSync } from 'node:zlib';
import { htmlFiles } from './sources.mjs';

/** @param {string} site its folder @returns {string[]} a line for each broken link: page, link, what is wrong */
export function brokenLinks(site) {
  const pages = new Map(htmlFiles(site).map((path) => [path, readPage(join(site, path))]));
  const broken = [];
  const check = (from, link) => {
    const problem = problemOf(from, link);
    if (problem !== null) broken.push(`${from}: ${link}: ${problem}`);
  };
  const problemOf = (from, link) => {
    if (/^(?:mailto|data):/.test(link)) return null;
    if (/^https?:/.test(link)) return null;
    if (/^[a-z][a-z+.-]*:/i.test(link) || link.startsWith('/')) return 'is not relative';
    const [address, anchor] = link.split('#');
    const path = decodeURI((address ?? '').split('?')[0] ?? '');
    const target = path === '' ? from : posix.normalize(posix.join(posix.dirname(from), path));
    if (target.startsWith('..')) return 'leads out of the site';
    if (!existsSync(join(site, target)) || statSync(join(site, target)).isDirectory()) return 'no such file';
    if (!anchor || target.endsWith('.svg')) return null;
    const ids = pages.get(target)?.ids;
    return ids === undefined || ids.has(decodeURIComponent(anchor)) ? null : 'no such anchor';
  };
  for (const [path, { links, loaded }] of pages) {
    for (const link of links) check(path, link);
    for (const link of loaded) {
      if (/^(?:https?:)?\/\//.test(link)) broken.push(`${path}: ${link}: is loaded from elsewhere`);
      else check(path, link);
    }
  }
  for (const link of navigationLinks(site)) check('index.html', link);
  if (pages.size === 0) broken.push(`${site}: holds no pages`);
  return broken;
}

/** What a page links to, what it loads, and its anchors. */
function readPage(file) {
  const html = readFileSync(file, 'utf8');
  const links = new Set();
  const loaded = new Set();
  const ids = new Set();
  for (const [tag] of html.replace(/<script>[\s\S]*?<\/script>/g, '').matchAll(/<[a-z][^>]*>/gi)) {
    const attribute = (name) => new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]?.replaceAll('&amp;', '&');
    const [id, href, source] = [attribute('id'), attribute('href'), attribute('src')];
    if (id !== undefined) ids.add(id);
    if (source !== undefined) loaded.add(source);
    if (href !== undefined) (/^<a[\s>]/.test(tag) ? links : loaded).add(href);
  }
  return { links, loaded, ids };
}

/** Addresses of the navigation, which TypeDoc's script makes of packed data. */
function navigationLinks(site) {
  const file = join(site, 'assets/navigation.js');
  if (!existsSync(file)) return ['assets/navigation.js'];
  const packed = /"(?:data:[^,"]*,)?([A-Za-z0-9+/=]+)"/.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
  const links = [];
  const walk = (elements) => {
    for (const { path, children } of elements ?? []) {
      if (path) links.push(path);
      walk(children);
    }
  };
  walk(JSON.parse(inflateSync(Buffer.from(packed, 'base64')).toString('utf8')));
  return links;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const broken = brokenLinks(process.argv[2] ?? 'site');
  for (const line of broken) console.error(line);
  process.exitCode = broken.length > 0 ? 1 : 0;
}
