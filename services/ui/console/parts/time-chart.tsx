import { Group, Paper, Text, useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import { clockWords } from './words.js';

interface Props {
  readonly title: string;
  readonly color: string;
  /** Milliseconds since 1970, ascending. */
  readonly times: readonly number[];
  readonly values: readonly (number | null)[];
  readonly words: (value: number) => string;
  /** What the axis may count in; 1, 2, 5, 10 … unless given. */
  readonly steps?: readonly number[];
}

const HEIGHT = 170;

/** A line over time. What it shows now, or where one points, is also in words. */
export function TimeChart({ title, color, times, values, words, steps }: Props) {
  const scheme = useComputedColorScheme('light');
  const { ref, width } = useElementSize();
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  useEffect(() => {
    if (!holder.current || width === 0) return;
    const made = new uPlot(
      { ...optionsOf({ scheme, color, words, steps, onPoint: setPointed }), width, height: HEIGHT },
      [[], []],
      holder.current,
    );
    plot.current = made;
    return () => {
      plot.current = null;
      made.destroy();
    };
  }, [scheme, color, width, words, steps]);
  useEffect(() => {
    plot.current?.setData([times.map((time) => time / 1000), [...values]]);
  });
  const at = pointed ?? values.length - 1;
  const value = values[at] ?? null;
  const time = times[at];
  const when = pointed !== null && time !== undefined ? `${clockWords(time)}: ` : '';
  const shown = `${when}${value === null ? 'unknown' : words(value)}`;
  return (
    <Paper withBorder p="sm">
      <Group justify="space-between" mb={4}>
        <Text size="sm" fw={500}>
          {title}
        </Text>
        <Text size="sm" c="dimmed">
          {times.length === 0 ? '' : shown}
        </Text>
      </Group>
      <div ref={ref}>
        <div
          ref={holder}
          role="img"
          aria-label={`${title} over time, now ${value === null ? 'unknown' : words(value)}`}
          style={{ height: HEIGHT }}
        />
      </div>
    </Paper>
  );
}

interface Look extends Pick<Props, 'color' | 'words'> {
  readonly scheme: 'light' | 'dark';
  readonly steps: readonly number[] | undefined;
  readonly onPoint: (index: number | null) => void;
}

function optionsOf({
  scheme,
  color,
  words,
  steps,
  onPoint,
}: Look): Omit<uPlot.Options, 'width' | 'height'> {
  const ink = scheme === 'dark' ? '#c9c9c9' : '#495057';
  const grid = { stroke: scheme === 'dark' ? '#3b3b3b' : '#e9ecef', width: 1 };
  return {
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    padding: [8, 24, 0, 0],
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      {
        stroke: ink,
        grid,
        size: 30,
        space: 64,
        values: (_, splits) => splits.map((split) => clockWords(split * 1000, spanOf(splits))),
      },
      {
        stroke: ink,
        grid,
        size: 74,
        values: (_, splits) => splits.map(words),
        ...(steps && { incrs: [...steps] }),
      },
    ],
    series: [{}, { stroke: color, width: 2, fill: `${color}22` }],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
  };
}

function spanOf(splits: readonly number[]): number {
  return ((splits.at(-1) ?? 0) - (splits[0] ?? 0)) * 1000;
}
