import type { Page } from 'playwright-core';

/** What somebody without a mouse would miss on the page that is shown. */
export interface KeyboardFaults {
  /** What can be pressed, but is never come to with the tabulator key. */
  readonly unreachable: readonly string[];
  /** What has the focus and does not show it. */
  readonly invisible: readonly string[];
}

/** Goes through the whole page with the tabulator key. */
export async function keyboardFaults(page: Page): Promise<KeyboardFaults> {
  const wanted = await page.evaluate<string[]>(MARK_ALL);
  // Sent at once: each of them answered takes a frame.
  const presses = Array.from({ length: wanted.length + PRESSES_MORE }, () =>
    page.keyboard.press('Tab'),
  );
  await Promise.all(presses);
  const stops = await page.evaluate<readonly Stop[]>('window.keyboardStops');
  const reached = new Set(stops.map(({ name }) => name));
  const unseen = stops.filter(({ isShown }) => !isShown).map(({ name }) => name);
  return {
    unreachable: wanted.filter((name) => !reached.has(name)),
    invisible: [...new Set(unseen)],
  };
}

interface Stop {
  readonly name: string;
  readonly isShown: boolean;
}

/** The browser's own bar takes the focus between the last and the first. */
const PRESSES_MORE = 3;

/**
 * Names all that can be pressed, and notes from then on what gets the focus. As text, since tests know no document. Radios and tabs are one stop a
 * group, which arrow keys go on from (tabindex -1). A field shows its focus by its border or the caret in it.
 */
const MARK_ALL = `(() => {
  window.keyboardStops = [];
  const nameOf = (element) => element.dataset.keyboardStop;
  document.addEventListener('focusin', ({ target }) => {
    if (nameOf(target) === undefined) return;
    const style = getComputedStyle(target);
    const hasOutline = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
    const isField = ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
    window.keyboardStops.push({ name: nameOf(target), isShown: hasOutline || isField });
  });
  const groups = new Set();
  const isStop = (element) => {
    if (element.tabIndex < 0 || element.disabled) return false;
    if (!element.checkVisibility({ visibilityProperty: true })) return false;
    if (element.type !== 'radio') return true;
    const chosen = document.querySelector('input[name="' + element.name + '"]:checked');
    if (groups.has(element.name) || (chosen !== null && chosen !== element)) return false;
    groups.add(element.name);
    return true;
  };
  const all = document.querySelectorAll('a[href], button, input, select, textarea, [tabindex]');
  return [...all].filter(isStop).map((element, index) => {
    const words = element.getAttribute('aria-label') || element.innerText || element.id;
    element.dataset.keyboardStop = index + ' ' + element.tagName.toLowerCase() + ' ' + words;
    return nameOf(element);
  });
})()`;
