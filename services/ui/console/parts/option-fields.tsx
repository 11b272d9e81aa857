import { NumberInput, Select, Switch } from '@mantine/core';
import type { OptionHelp } from './mirror-options.js';

export type OptionValues = Readonly<Record<string, boolean | number | string>>;

interface Props {
  readonly options: readonly OptionHelp[];
  readonly values: OptionValues;
  readonly onChange: (values: OptionValues) => void;
  readonly isDisabled?: (option: OptionHelp) => boolean;
}

/** A field for each option, with what it means. */
export function OptionFields({ options, values, onChange, isDisabled = () => false }: Props) {
  return options.map((option) => {
    const value = values[option.name] ?? option.initial;
    const common = {
      key: option.name,
      label: option.label,
      description: option.help,
      disabled: isDisabled(option),
    };
    const set = (next: boolean | number | string): void =>
      onChange({ ...values, [option.name]: next });
    const { key, ...rest } = common;
    switch (option.kind.type) {
      case 'flag':
        return (
          <Switch
            key={key}
            {...rest}
            checked={value === true}
            onChange={(event) => set(event.currentTarget.checked)}
          />
        );
      case 'number':
        return (
          <NumberInput
            key={key}
            {...rest}
            min={option.kind.min}
            max={option.kind.max}
            thousandSeparator=","
            value={Number(value)}
            onChange={(next) => typeof next === 'number' && set(next)}
          />
        );
      case 'choice':
        return (
          <Select
            key={key}
            {...rest}
            data={[...option.kind.values]}
            value={String(value)}
            allowDeselect={false}
            onChange={(next) => next !== null && set(next)}
          />
        );
    }
  });
}
