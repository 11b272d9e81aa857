import {
  Checkbox,
  Fieldset,
  Group,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  TextInput,
} from '@mantine/core';
import {
  OPTION_GROUPS,
  type OptionHelp,
  type OptionValue,
  type OptionValues,
} from './mirror-options.js';

interface Props {
  readonly values: OptionValues;
  readonly onChange: (values: OptionValues) => void;
  readonly isDisabled?: (option: OptionHelp) => boolean;
}

/** A field for each option, with what it means. */
export function OptionFields({ values, onChange, isDisabled = () => false }: Props) {
  return (
    <Stack>
      {OPTION_GROUPS.map((group) => (
        <Fieldset key={group.title} legend={group.title}>
          <SimpleGrid cols={{ base: 1, md: 2 }} verticalSpacing="md">
            {group.options.map((option) => (
              <OptionField
                key={option.name}
                option={option}
                value={values[option.name] ?? option.initial}
                isDisabled={isDisabled(option)}
                onChange={(value) => onChange({ ...values, [option.name]: value })}
              />
            ))}
          </SimpleGrid>
        </Fieldset>
      ))}
    </Stack>
  );
}

interface FieldProps {
  readonly option: OptionHelp;
  readonly value: OptionValue;
  readonly isDisabled: boolean;
  readonly onChange: (value: OptionValue) => void;
}

function OptionField({ option, value, isDisabled, onChange }: FieldProps) {
  const { kind } = option;
  const common = { label: option.label, description: option.help, disabled: isDisabled };
  switch (kind.type) {
    case 'flag':
      return (
        <Switch
          {...common}
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case 'number':
    case 'bytes': {
      const unit = kind.type === 'bytes' ? MIB : 1;
      return (
        <NumberInput
          {...common}
          min={kind.min / unit}
          max={kind.max / unit}
          suffix={kind.type === 'bytes' ? ' MiB' : ''}
          thousandSeparator=","
          value={Number(value) / unit}
          onChange={(next) => typeof next === 'number' && onChange(next * unit)}
        />
      );
    }
    case 'choice':
      return (
        <Select
          {...common}
          data={[...kind.values]}
          value={String(value)}
          allowDeselect={false}
          onChange={(next) => next !== null && onChange(next)}
        />
      );
    case 'text':
      return (
        <TextInput
          {...common}
          value={String(value)}
          onChange={(event) => onChange(event.currentTarget.value.trim())}
        />
      );
    case 'parts':
      return <PartsField {...common} parts={kind.parts} value={value} onChange={onChange} />;
  }
}

interface PartsProps extends Pick<FieldProps, 'value' | 'onChange'> {
  readonly label: string;
  readonly description: string;
  readonly disabled: boolean;
  readonly parts: readonly { readonly value: string; readonly label: string }[];
}

function PartsField({ label, description, disabled, parts, value, onChange }: PartsProps) {
  const chosen = typeof value === 'object' ? value : {};
  return (
    <Checkbox.Group
      label={label}
      description={description}
      value={parts.map((part) => part.value).filter((name) => chosen[name] === true)}
      onChange={(names) =>
        onChange(Object.fromEntries(parts.map((part) => [part.value, names.includes(part.value)])))
      }
    >
      <Group gap="sm" mt={6}>
        {parts.map((part) => (
          <Checkbox
            key={part.value}
            size="xs"
            value={part.value}
            label={part.label}
            disabled={disabled}
          />
        ))}
      </Group>
    </Checkbox.Group>
  );
}

const MIB = 1024 ** 2;
