import axe from 'axe-core';
import { until } from '@bunnydb/testkit';
import type { Locator, Page } from 'playwright-core';

/** The console in a browser, with the words that tests use of it. */
export class ConsolePage {
  readonly page: Page;
  readonly #url: string;
  /** What went wrong in the page itself. */
  readonly errors: string[] = [];

  constructor(page: Page, url: string) {
    this.page = page;
    this.#url = url;
    page.setDefaultTimeout(WAIT_MS);
    page.on('pageerror', (error) => this.errors.push(error.message));
  }

  async open(path: string): Promise<void> {
    // What a page shows is waited for anyway.
    await this.page.goto(`${this.#url}${path}`, { waitUntil: 'commit' });
  }

  async signIn(username: string, password: string): Promise<void> {
    await this.open('/');
    await this.page.getByLabel('User name').fill(username);
    await this.page.getByRole('textbox', { name: 'Password' }).fill(password);
    await this.press('Sign in');
    await this.page.getByRole('heading', { name: 'Mirrors' }).waitFor();
  }

  /** Presses a button by its name. */
  async press(name: string, within: Page | Locator = this.page): Promise<void> {
    await within.getByRole('button', { name, exact: true }).click();
  }

  /** Opens a tab of the mirror that is shown. */
  async tab(name: string): Promise<void> {
    await this.page.getByRole('tab', { name }).click();
  }

  async choose(label: string, option: string): Promise<void> {
    await this.page.getByRole('combobox', { name: label }).click();
    await this.page.getByRole('option', { name: option, exact: true }).click();
  }

  /** The row of a table that has this text in it. */
  row(text: string): Locator {
    return this.page.getByRole('row').filter({ hasText: text });
  }

  /** The dialog that is open. */
  dialog(): Locator {
    return this.page.getByRole('dialog');
  }

  /** Closes what was told, as one does to reach what is below: an error stays until then. */
  async closeNotices(): Promise<void> {
    const close = this.page.getByRole('status').getByRole('button', { name: 'Close' });
    while ((await close.count()) > 0)
      await close
        .first()
        .click({ timeout: 1_000 })
        .catch(() => undefined);
  }

  async says(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).first().waitFor();
  }

  /** How much what was there has moved since the page began to load, without anybody's doing: 0 is still, 0.1 the most that is called good. */
  layoutShift(): Promise<number> {
    return this.page.evaluate<number>(LAYOUT_SHIFT);
  }

  /** Names of buttons that say nothing of what they do, neither beside the pointer nor to a screen reader. */
  unexplainedButtons(): Promise<readonly string[]> {
    return this.page.evaluate<string[]>(UNEXPLAINED);
  }

  /** By how many pixels the page is wider than a telephone's screen. */
  async overflowOnTelephone(): Promise<number> {
    const size = this.page.viewportSize();
    await this.page.setViewportSize({ width: 390, height: 780 });
    await this.page.evaluate(NEXT_FRAME);
    const overflow = await this.page.evaluate<number>(OVERFLOW);
    if (size) await this.page.setViewportSize(size);
    return overflow;
  }

  /** Serious and critical violations of WCAG on what is shown, in light and in dark, in words. */
  async violations(): Promise<readonly string[]> {
    await this.page.evaluate(axe.source);
    const found: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      await this.page.emulateMedia({ colorScheme });
      // What fades is not yet what it will be; it begins with the next frame.
      await this.page.evaluate(NEXT_FRAME);
      await until(() => this.page.evaluate<boolean>(ARE_ANIMATIONS_OVER), { what: 'a still page' });
      const { violations } = await this.page.evaluate<axe.AxeResults>(RUN_AXE[colorScheme]);
      found.push(
        ...violations
          .filter(({ impact }) => impact === 'serious' || impact === 'critical')
          .flatMap(({ id, nodes }) =>
            nodes.map(
              ({ target, failureSummary }) =>
                `${colorScheme} ${id}: ${target.join(' ')} ${failureSummary ?? ''}`,
            ),
          ),
      );
    }
    return found;
  }
}

/** As text, since tests know no document. */
const NEXT_FRAME =
  'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(null))))';
const ARE_ANIMATIONS_OVER =
  'document.getAnimations().every((animation) => animation.playState !== "running")';
/** Entries that are buffered come in one call, before the timer; without any there is none. */
const LAYOUT_SHIFT = `new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
  setTimeout(() => resolve(sum), 100);
})`;
/** In dark only the colours are others. */
const RUN_AXE = {
  light: 'axe.run(document, { preload: false })',
  dark: 'axe.run(document, { preload: false, runOnly: { type: "rule", values: ["color-contrast"] } })',
};
const OVERFLOW = 'document.documentElement.scrollWidth - window.innerWidth';
/** Those of a dialog say it by its title and its text. */
const UNEXPLAINED = `[...document.querySelectorAll('button.mantine-Button-root, a.mantine-Button-root')]
  .filter((button) => button.closest('[role=dialog]') === null && button.ariaDescription === null)
  .map((button) => button.innerText)`;
const WAIT_MS = 20_000;
