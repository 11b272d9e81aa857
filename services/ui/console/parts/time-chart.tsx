import { Paper, Text, useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';

export interface Line {
  readonly label: string;
  readonly color: string;
  readonly values: readonly (number | null)[];
}

interface Props {
  readonly title: string;
  /** Milliseconds since 1970, ascending. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly words: (value: number) => string;
  readonly height?: number;
}

/** Lines over time. What they show now is also in words, for those who do not see the picture. */
export function TimeChart({ title, times, lines, words, height = 170 }: Props) {
  const scheme = useComputedColorScheme('light');
  const { ref, width } = useElementSize();
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = [times.map((time) => time / 1000), ...lines.map((line) => [...line.values])];
  const shape = JSON.stringify([scheme, lines.map((line) => [line.label, line.color])]);
  useEffect(() => {
    if (!holder.current || width === 0) return;
    const ink = scheme === 'dark' ? '#c9c9c9' : '#495057';
    const grid = { stroke: scheme === 'dark' ? '#3b3b3b' : '#e9ecef', width: 1 };
    const made = new uPlot(
      {
        width,
        height,
        cursor: { y: false },
        scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
        axes: [
          { stroke: ink, grid },
          { stroke: ink, grid, size: 70, values: (_, values) => values.map(words) },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.label,
            stroke: line.color,
            width: 2,
            fill: `${line.color}22`,
            value: (_: uPlot, value: number | null) => (value === null ? '–' : words(value)),
          })),
        ],
      },
      data as uPlot.AlignedData,
      holder.current,
    );
    plot.current = made;
    return () => {
      plot.current = null;
      made.destroy();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `data` is set below without making the plot anew
  }, [shape, width, height]);
  useEffect(() => {
    plot.current?.setData(data as uPlot.AlignedData);
  });
  const now = lines.map((line) => {
    const last = line.values.findLast((value) => value !== null);
    return `${line.label} ${last === null || last === undefined ? 'unknown' : words(last)}`;
  });
  return (
    <Paper withBorder p="sm">
      <Text size="sm" fw={500} mb={4}>
        {title}
      </Text>
      <div ref={ref}>
        <div
          ref={holder}
          role="img"
          aria-label={`${title}: ${now.join(', ')}`}
          style={{ minHeight: height + 30 }}
        />
      </div>
    </Paper>
  );
}
