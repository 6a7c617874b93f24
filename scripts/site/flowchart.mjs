/**
 * Draws what pages have as Mermaid, as SVG: no script on the page, nothing fetched. It knows lines `a --> b`, boxes `a["first line<br/>second line"]`
 * and ends `a([text])`.
 */

const WIDTH = 108;
const HEIGHT = 34;
const LINE = 17;
/** A character's share of the width, for a font that is not known here. */
const CHARACTER = 8.2;
const GAP = { x: 20, y: 48 };

/**
 * @param {string} source a `flowchart TD` without cycles
 * @returns {string} SVG
 */
export function flowchart(source) {
  const lines = source.trim().split('\n').slice(1).map((line) => line.trim()); // prettier-ignore
  const texts = new Map();
  const ends = new Set();
  const edges = lines.flatMap((line) => {
    const [, name, box, end] = /^(\w+)(?:\["(.+)"\]|\(\[(.+)\]\))$/.exec(line) ?? [];
    if (name === undefined) return [line.split(' --> ')];
    texts.set(name, (box ?? end).split('<br/>'));
    if (end !== undefined) ends.add(name);
    return [];
  });
  const textOf = (name) => texts.get(name) ?? [name];
  const names = [...new Set(edges.flat())];
  const rank = new Map(names.map((name) => [name, 0]));
  for (let round = 0; round < names.length; round += 1)
    for (const [from, to] of edges) rank.set(to, Math.max(rank.get(to), rank.get(from) + 1));

  // An edge over several rows bends at a point in each row between, so that it passes no box.
  const rows = [];
  for (const name of names) (rows[rank.get(name)] ??= []).push(name);
  const paths = edges.map(([from, to]) => {
    const path = [from];
    for (let row = rank.get(from) + 1; row < rank.get(to); row += 1) {
      path.push(`${from} ${to} ${row}`);
      rows[row].push(path.at(-1));
    }
    return [...path, to];
  });
  const isBend = (node) => !rank.has(node);
  const boxWidth = (name) => Math.max(WIDTH, ...textOf(name).map((text) => CHARACTER * text.length + 16));
  const boxHeight = HEIGHT + LINE * (Math.max(...names.map((name) => textOf(name).length)) - 1);
  const widthOf = (node) => (isBend(node) ? GAP.x : boxWidth(node) + GAP.x);
  const rowWidth = (row) => row.reduce((sum, node) => sum + widthOf(node), 0);
  const total = Math.max(...rows.map(rowWidth)) + GAP.x;

  const place = new Map();
  const steps = paths.flatMap((path) => path.slice(1).map((to, index) => [path[index], to]));
  const meanAbove = (node) => {
    const above = steps.filter(([, to]) => to === node).map(([from]) => place.get(from)?.x ?? 0);
    return above.reduce((sum, x) => sum + x, 0) / Math.max(1, above.length);
  };
  rows.forEach((row, level) => {
    if (level > 0) row.sort((a, b) => meanAbove(a) - meanAbove(b)); // fewer lines cross
    const spare = (total - rowWidth(row)) / (row.length + 1);
    let x = 0;
    for (const node of row) {
      x += spare + widthOf(node) / 2;
      place.set(node, { x, y: GAP.x + level * (boxHeight + GAP.y) });
      x += widthOf(node) / 2;
    }
  });

  const drawn = paths.map((path) => {
    const points = path.flatMap((node, index) => {
      const { x, y } = place.get(node);
      const ends = index === 0 ? [y + boxHeight] : index === path.length - 1 ? [y - 3] : [y, y + boxHeight];
      return ends.map((end) => `${x.toFixed(1)},${end}`);
    });
    return `<polyline points="${points.join(' ')}" marker-end="url(#tip)"/>`;
  });
  const boxes = names.map((name) => {
    const { x, y } = place.get(name);
    const width = boxWidth(name);
    const text = textOf(name);
    const top = y + boxHeight / 2 + 5 - (LINE * (text.length - 1)) / 2;
    const written = text.map(
      (one, k) => `<text x="${x.toFixed(1)}" y="${top + LINE * k}" fill="#111" stroke="none">${one}</text>`,
    );
    const round = ends.has(name) ? boxHeight / 2 : 6;
    return `<rect x="${(x - width / 2).toFixed(1)}" y="${y}" width="${width}" height="${boxHeight}" rx="${round}"/>${written.join('')}`;
  });
  const height = rows.length * (boxHeight + GAP.y) - GAP.y + 2 * GAP.x;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} ${height}" width="${total}" height="${height}" font-family="sans-serif" font-size="14">
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#666"/></marker></defs>
<rect width="${total}" height="${height}" fill="#fff"/>
<g stroke="#666" stroke-width="1.2" fill="none">${drawn.join('')}</g>
<g fill="#eef3fa" stroke="#4a6fa5" text-anchor="middle">${boxes.join('')}</g>
</svg>
`;
}
