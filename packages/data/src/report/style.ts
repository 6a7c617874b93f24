export const pageStyle = `:root { color-scheme: light dark; --ink: #1f2430; --faint: #5f6673; --line: #d9dce2; --paper: #ffffff; --soft: #f5f6f8; --link: #0072b2; --warn: #d55e00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ec; --faint: #a4abb8; --line: #3a404c; --paper: #15181e; --soft: #1e222a; --link: #56b4e9; --warn: #ff9a4d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1.5rem 1.25rem 2rem; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 2.2rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); font-size: 1.25rem; }
h3 { margin: 1.5rem 0 .4rem; font-size: 1.05rem; }
h4 { margin: 1.1rem 0 .3rem; font-size: .95rem; }
p, ul { margin: .5rem 0; max-width: 50rem; }
.subtitle, caption, figcaption, footer, summary { color: var(--faint); }
.warning { border-left: 4px solid var(--warn); background: var(--soft); padding: .5rem .8rem; }
a { color: var(--link); }
code { font: .92em ui-monospace, SFMono-Regular, Consolas, monospace; overflow-wrap: anywhere; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: 1rem 0; padding: 0; list-style: none; }
.scroll { overflow-x: auto; margin: .7rem 0 1rem; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .3rem; } caption div { width: max-content; max-width: min(50rem, calc(100vw - 2.5rem)); }
th, td { padding: .28rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { border-bottom-width: 2px; font-weight: 600; }
td.left { min-width: 7.5rem; } .left { text-align: left; } .right { text-align: right; white-space: nowrap; } .center { text-align: center; }
figure { margin: .8rem 0; break-inside: avoid; }
figure img { display: block; max-width: 100%; height: auto; border-radius: 4px; }
.pixelated { image-rendering: pixelated; }
figcaption { margin-top: .3rem; font-size: .88rem; max-width: 50rem; }
.gallery { display: flex; flex-wrap: wrap; gap: .4rem 1rem; }
.gallery figure { margin: .4rem 0; max-width: 100%; }
.gallery figcaption { max-width: 14rem; }
details { margin: .7rem 0; } summary { cursor: pointer; }
footer { margin-top: 2.5rem; padding-top: .6rem; border-top: 1px solid var(--line); font-size: .88rem; overflow-wrap: anywhere; }
@media print { :root { color-scheme: light; --ink: #000; --faint: #444; --line: #bbb; --paper: #fff; --soft: #fff; --link: #000; --warn: #d55e00; } body { max-width: none; padding: 0; font-size: 10.5pt; } nav { display: none; } h2, h3, h4 { break-after: avoid; } tr { break-inside: avoid; } .scroll { overflow: visible; } caption div { width: auto; max-width: none; } a { text-decoration: none; } }
`;
