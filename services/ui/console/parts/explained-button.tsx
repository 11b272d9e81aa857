import { Button, type ButtonProps, Tooltip } from '@mantine/core';

interface Props extends ButtonProps {
  /** What it does: shown to whoever points at it or comes to it with the keyboard, and read out. */
  readonly explain: string;
  readonly type?: 'button' | 'submit';
  readonly onClick?: () => void;
  readonly 'aria-expanded'?: boolean;
}

/** A button that says what it does before it is pressed. */
export function ExplainedButton({ explain, type = 'button', ...rest }: Props) {
  return (
    <Tooltip label={explain} multiline maw={320} withArrow>
      <Button type={type} aria-description={explain} {...rest} />
    </Tooltip>
  );
}
