import { Radio, Stack } from '@mantine/core';

export type ResyncStrategy = 'truncate' | 'swap';

interface Props {
  readonly value: ResyncStrategy;
  readonly onChange: (strategy: ResyncStrategy) => void;
}

/** How a table is copied again, with what readers see meanwhile. */
export function StrategyChoice({ value, onChange }: Props) {
  return (
    <Radio.Group
      value={value}
      onChange={(next) => onChange(next === 'swap' ? 'swap' : 'truncate')}
      label="How"
    >
      <Stack gap={6} mt={4}>
        <Radio value="truncate" label="Empty it and fill it again: readers see it fill" />
        <Radio
          value="swap"
          label="Fill a shadow table and swap: readers see the old rows until then; takes the room twice"
        />
      </Stack>
    </Radio.Group>
  );
}
