interface Props {
  readonly values: readonly (number | null)[];
  readonly label: string;
}

const WIDTH = 120;
const HEIGHT = 28;

/** A line without axes, as high as its highest value. */
export function Sparkline({ values, label }: Props) {
  const top = Math.max(1e-9, ...values.map((value) => value ?? 0));
  const points = values
    .map((value, index) => {
      const x = (index / Math.max(1, values.length - 1)) * WIDTH;
      return `${x.toFixed(1)},${(HEIGHT - 2 - ((value ?? 0) / top) * (HEIGHT - 4)).toFixed(1)}`;
    })
    .join(' ');
  return (
    <svg width={WIDTH} height={HEIGHT} role="img" aria-label={label} style={{ display: 'block' }}>
      {values.length > 1 && (
        <polyline
          points={points}
          fill="none"
          stroke="var(--mantine-color-anchor)"
          strokeWidth="1.5"
        />
      )}
    </svg>
  );
}
