/** The file and folder dialogs. */
import { openFiles } from './images.js';
import type { Services } from './studio.js';

const ENDINGS = '.png,.jpg,.jpeg,.dcm,.dicom,.nii,.gz,application/dicom,image/png,image/jpeg';

export function chooseFiles(services: Services): void {
  choose(services, (input) => {
    input.multiple = true;
    input.accept = ENDINGS;
  });
}

export function chooseFolder(services: Services): void {
  choose(services, (input) => {
    input.webkitdirectory = true;
  });
}

function choose(services: Services, set: (input: HTMLInputElement) => void): void {
  const input = document.createElement('input');
  input.type = 'file';
  set(input);
  input.addEventListener('change', () => openFiles(services, input.files ?? []));
  input.click();
}
