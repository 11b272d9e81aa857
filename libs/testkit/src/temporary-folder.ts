import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepFolder, removeFolderWithParent } from './guardian.js';

/** A new folder that is gone when this process has ended, however it ends. */
export function temporaryFolder(purpose: string): string {
  const folder = mkdtempSync(join(tmpdir(), `bunnydb-${purpose}-`));
  removeFolderWithParent(folder);
  return folder;
}

/** Removes a folder made by `temporaryFolder` before the process ends. */
export function removeTemporaryFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  keepFolder(folder);
}
