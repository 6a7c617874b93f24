/** Drop and paste, anywhere on the page. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { folderOfDrop } from '../cases/entries.js';
import { filesOf, openFiles } from '../images.js';
import { say } from '../strings.js';
import { useServices } from '../studio.js';

/** The first folder of a drop, to be asked for during the event. Null: none. */
function folderOf(data: DataTransfer | null): FileSystemDirectoryEntry | null {
  const entries = [...(data?.items ?? [])].map((item) => item.webkitGetAsEntry());
  const folder = entries.find((entry) => entry?.isDirectory === true);
  return (folder as FileSystemDirectoryEntry | undefined) ?? null;
}

export function DropTarget(): JSX.Element | null {
  const services = useServices();
  const [over, setOver] = useState(false);
  useEffect(() => {
    const stop = new AbortController();
    const { signal } = stop;
    const on = <K extends keyof WindowEventMap>(
      name: K,
      listener: (event: WindowEventMap[K]) => void,
    ): void => addEventListener(name, listener, { signal });
    on('dragover', (event) => {
      event.preventDefault();
      setOver(true);
    });
    on('dragleave', (event) => {
      if (event.relatedTarget === null) setOver(false);
    });
    on('drop', (event) => {
      event.preventDefault();
      setOver(false);
      const folder = folderOf(event.dataTransfer);
      if (folder === null) openFiles(services, filesOf(event.dataTransfer));
      else void services.cases.openFolder(folder.name, folderOfDrop(folder));
    });
    on('paste', (event) => {
      const files = filesOf(event.clipboardData);
      if (files.length === 0) return; // text, for the note
      event.preventDefault();
      openFiles(services, files);
    });
    return () => stop.abort();
  }, [services]);
  return over ? <div class="drop-over">{say('dropHere')}</div> : null;
}
