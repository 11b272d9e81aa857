import { describe, expect, it } from 'vitest';
import { MISSED_READINGS_MAX, SpecView } from '../src/spec-view.js';
import { mirrorSpec } from './mirror-spec-builder.js';

function openView(): { readonly view: SpecView; readonly told: (number | null)[] } {
  const told: (number | null)[] = [];
  const view = new SpecView((_mirrorId, spec) => told.push(spec?.generation ?? null));
  view.beginLife('first');
  return { view, told };
}

const entry = (revision: number, generation: number) => ({
  mirrorId: 'm1',
  revision,
  spec: mirrorSpec({ generation }),
});

describe('what a process believes about the specs', () => {
  it('tells each state once, whether it came from the watch or from a reading', () => {
    const { view, told } = openView();
    view.apply(entry(1, 1));
    view.applyReading([entry(1, 1)]);
    view.apply(entry(2, 2));
    expect(told).toEqual([1, 2]);
  });

  it('never tells an older state after a newer one', () => {
    const { view, told } = openView();
    view.applyReading([entry(5, 5)]);
    view.apply(entry(4, 4));
    expect(told).toEqual([5]);
  });

  it('tells a marked removal at once', () => {
    const { view, told } = openView();
    view.apply(entry(1, 1));
    view.apply({ mirrorId: 'm1', revision: 2, spec: undefined });
    view.applyReading([{ mirrorId: 'm1', revision: 2, spec: undefined }]);
    expect(told).toEqual([1, null]);
  });

  it('keeps a mirror running over a lost bucket until control has written it again', () => {
    const { view, told } = openView();
    view.apply(entry(9, 3));
    view.beginLife('second');
    view.applyReading([]);
    view.applyReading([]);
    view.applyReading([entry(1, 3)]);
    expect(told).toEqual([3]);
    view.apply(entry(2, 4));
    expect(told).toEqual([3, 4]);
  });

  it('gives a mirror up that stays missing', () => {
    const { view, told } = openView();
    view.apply(entry(1, 1));
    for (let reading = 0; reading < MISSED_READINGS_MAX; reading += 1) {
      view.applyReading([]);
    }
    expect(told).toEqual([1, null]);
  });
});
