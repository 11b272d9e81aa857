import type { BrowserContext, Page } from 'playwright-core';

/** Notes in every page of the context when something says that it is busy, and what is asked for meanwhile. */
export async function watchSpinners(context: BrowserContext): Promise<void> {
  await context.addInitScript(WATCH);
}

/** The longest time in milliseconds that anything on the page has spun although nothing was asked for; 0 when nothing ever spun. */
export function longestIdleSpinMs(page: Page): Promise<number> {
  return page.evaluate<number>(LONGEST);
}

/** As text, since tests know no document. Requests that are under way have no entry among the resources yet. */
const WATCH = `(() => {
  const spans = (window.spinnerSpans = []);
  const underWay = (window.requestsUnderWay = new Map());
  let since;
  const look = () => {
    const isSpinning = document.querySelector('[aria-busy="true"], [data-loading="true"]') !== null;
    if (isSpinning && since === undefined) since = performance.now();
    if (!isSpinning && since !== undefined) {
      spans.push([since, performance.now()]);
      since = undefined;
    }
  };
  window.openSpin = () => since;
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
  const { fetch } = window;
  window.fetch = async (...request) => {
    const key = {};
    underWay.set(key, performance.now());
    try {
      return await fetch(...request);
    } finally {
      underWay.delete(key);
    }
  };
  performance.setResourceTimingBufferSize(5_000);
})()`;

/** What is left of each span when all requests are taken out of it. */
const LONGEST = `(() => {
  const now = performance.now();
  const open = window.openSpin();
  const spans = [...window.spinnerSpans, ...(open === undefined ? [] : [[open, now]])];
  const requests = [
    ...performance.getEntriesByType('resource').map((entry) => [entry.startTime, entry.responseEnd]),
    ...[...window.requestsUnderWay.values()].map((startedAt) => [startedAt, now]),
  ].sort(([a], [b]) => a - b);
  let longest = 0;
  for (const [begin, end] of spans) {
    let at = begin;
    for (const [from, to] of requests) {
      if (to <= at || from >= end) continue;
      longest = Math.max(longest, from - at);
      at = Math.max(at, to);
    }
    longest = Math.max(longest, end - at);
  }
  return Math.round(longest);
})()`;
