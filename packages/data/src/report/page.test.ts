import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeHtml, joined, markup } from './html.js';
import { page, PURPOSE } from './page.js';
import { details, figure, gallery, heading, list, paragraph, picture, table, warning } from './parts.js';

const HOSTILE = `<script>alert("1")</script>' onload='x & y`;

describe('html', () => {
  it('escapes strings, keeps Html, joins arrays', () => {
    expect(markup`<b title="${'"'}">${'a<b'}${[markup`<i>${'&'}</i>`, 1]}</b>`.toString()).toBe(
      '<b title="&#34;">a&#60;b<i>&#38;</i>1</b>',
    );
    expect(joined('<', markup`<br>`, ['>', 0.5]).toString()).toBe('&#60;<br>&#62;0.5');
  });

  it('leaves nothing of any text that could open a tag, close a quote or begin an entity', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const out = escapeHtml(text);
        expect(out).not.toMatch(/[<>"']/);
        expect(out.replace(/&#\d+;/g, '')).not.toContain('&');
      }),
    );
    expect(escapeHtml('a\u0000b\tc\nd')).toBe('a b\tc\nd');
  });
});

describe('page', () => {
  const sections = ['one', 'two', 'three'].map((id) => ({ id, title: HOSTILE, html: paragraph(HOSTILE) }));
  const made = page({
    title: HOSTILE,
    subtitle: HOSTILE,
    lead: warning(HOSTILE),
    sections: [
      ...sections,
      {
        id: 'parts',
        title: 'Parts',
        html: joined(
          heading(HOSTILE),
          heading(HOSTILE, 4),
          list([HOSTILE]),
          table([HOSTILE, { title: HOSTILE, align: 'center' }], [[HOSTILE, 1]], { caption: HOSTILE }),
          gallery(
            picture(Uint8Array.from([1, 2, 3]), {
              alt: HOSTILE,
              caption: HOSTILE,
              width: 9,
              pixelated: true,
            }),
            figure(`<svg>${HOSTILE}</svg>`, { alt: HOSTILE }),
          ),
          details(HOSTILE, HOSTILE),
          details('open', '', { open: true }),
        ),
      },
    ],
    footer: HOSTILE,
    style: '.mine { color: red; }',
  });

  it('shows all text as text, wherever it stands', () => {
    expect(made).not.toContain('<script');
    expect(made).not.toMatch(/ onload='/);
    expect(made.split(escapeHtml(HOSTILE)).length - 1).toBe(26); // title 2, subtitle, lead, contents 3, sections 3 + 3, parts 12, footer
  });

  it('forbids scripts and fetches nothing', () => {
    expect(made).toContain(
      'content="default-src &#39;none&#39;; img-src data:; style-src &#39;unsafe-inline&#39;',
    );
    const addresses = [...made.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address ?? '');
    expect(addresses.length).toBe(6); // four contents, two pictures
    for (const address of addresses) expect(address).toMatch(/^(data:image\/|#)/);
    expect(made).not.toMatch(/url\(|@import|https?:/);
  });

  it('carries pictures, the style, the purpose and the contents of three sections or more', () => {
    expect(made).toContain('<img src="data:image/png;base64,AQID"');
    expect(made).toContain(' width="9" class="pixelated">');
    expect(made).toContain(
      `data:image/svg+xml;base64,${Buffer.from(`<svg>${HOSTILE}</svg>`).toString('base64')}`,
    );
    expect(made).toContain('.mine { color: red; }</style>');
    expect(made).toContain(`<p>${PURPOSE}</p>\n</footer>`);
    expect(made).toContain('<a href="#two">');
    expect(made).toContain('<details open>');
    expect(page({ title: 't', sections: sections.slice(0, 2) })).not.toContain('<nav');
  });

  it('aligns columns: the first to the left, figures to the right, or as asked', () => {
    expect(
      table(['name', 'Dice', { title: 'note', align: 'left' }], [['a', '0.5', 'x']]).toString(),
    ).toContain('<tr><td class="left">a</td><td class="right">0.5</td><td class="left">x</td></tr>');
  });

  it('refuses what the caller must not do', () => {
    expect(() => table(['a', 'b'], [['1', '2'], ['3']])).toThrow('row 2: expected 2 cells, got 1');
    const twice = [sections[0], sections[0]].flatMap((section) => section ?? []);
    expect(() => page({ title: 't', sections: twice })).toThrow('one occurs twice');
    expect(() => page({ title: 't', sections: [{ id: 'a b', title: '', html: markup`` }] })).toThrow(
      RangeError,
    );
    expect(() => page({ title: 't', sections: [], style: '</style><script>' })).toThrow(RangeError);
  });
});
