/** How derived notes agree with those of a data set, as a table. */
import type { AgreementOfSplit } from '@reclmis/data';
import { formatTable, percent, right } from '../table.js';

/** Shares of cases, in percent. */
export function describeAgreement(found: readonly AgreementOfSplit[]): string {
  return [
    'Derived notes that agree with the existing ones, % of cases (single zones: % of six times the cases)\n',
    formatTable(
      [
        { title: 'split' },
        ...['cases', 'laterality', 'sides', 'count', 'zones', 'single zones', 'sentence'].map(right),
      ],
      found.map(({ split, counts: { cases, laterality, sides, count, zones, singleZones, sentence } }) => [
        split,
        String(cases),
        ...[laterality, sides, count, zones, singleZones / 6, sentence].map((n) => percent(n / cases)),
      ]),
    ),
  ].join('\n');
}
