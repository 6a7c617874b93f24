// The switch between versions, in the toolbar of every page of a site of several versions (versions.mjs).
(() => {
  const base = new URL(document.documentElement.dataset.base ?? '.', location.href); // this version's root
  const root = new URL(base.href.endsWith('/') ? '../' : './', base);
  const [own] = base.href.replace(root.href, '').split('/');
  const page = location.href.slice(new URL(`${own}/`, root).href.length);

  const list = document.createElement('script');
  list.src = new URL('versions.js', root).href;
  list.onload = () => {
    const select = document.createElement('select');
    select.setAttribute('aria-label', 'Version');
    select.className = 'site-versions';
    for (const version of window.reclmisVersions)
      select.add(new Option(version, version, version === own, version === own));
    select.onchange = async () => {
      const same = new URL(`${select.value}/${page}`, root).href;
      const found = await fetch(same, { method: 'HEAD' }).then(
        ({ ok }) => ok,
        () => false, // a file, not a server
      );
      location.href = found ? same : new URL(`${select.value}/index.html`, root).href;
    };
    document.querySelector('.tsd-toolbar-contents')?.append(select);
  };
  document.head.append(list);
})();
