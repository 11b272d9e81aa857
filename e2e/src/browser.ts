import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const FLAGS = [
  // As root, as in a container, the sandbox does not start.
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-dev-shm-usage',
  '--disable-extensions',
  '--disable-sync',
  '--no-first-run',
];

/** A headless browser of this machine. @throws Error that says what to install. */
export function openBrowser(): Promise<Browser> {
  const executablePath = findBrowser();
  if (executablePath !== undefined) return chromium.launch({ executablePath, args: FLAGS });
  throw new Error(
    'The console is tested in a browser, and there is none: install one ("apt-get install chromium" on Debian), or set CHROME_PATH to it.',
  );
}

/** Whether this machine has a browser that can be tested with. */
export function isBrowserThere(): boolean {
  return findBrowser() !== undefined;
}

function findBrowser(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const places = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [process.env['CHROME_PATH'] ?? '', ...places].find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return path !== '';
  } catch {
    return false;
  }
}
