import { Button, Dialog, Group, Text } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { useEffect, useState } from 'react';

interface Stop {
  /** `data-tour` of what it is about. */
  readonly place: string;
  readonly title: string;
  readonly text: string;
}

const STOPS: readonly Stop[] = [
  {
    place: 'mirrors',
    title: 'Your mirrors',
    text: 'Each keeps one database equal to another. What needs a person is always on top; a mirror’s name leads to its lag, tables, schema and log.',
  },
  {
    place: 'peers',
    title: 'Peers',
    text: 'The databases that mirrors read and write. Each can be tested at any time, and nothing is changed by that.',
  },
  {
    place: 'colours',
    title: 'Light or dark',
    text: 'It begins as your system is, and keeps what you choose.',
  },
  {
    place: 'account',
    title: 'Your account',
    text: 'Change your password here, or see this tour again. Every button says what it does when you point at it or come to it with the keyboard, and asks before it destroys.',
  },
];

/** What a newcomer is shown once, step by step; `useTour` starts it again. */
export function Tour() {
  const [isSeen, setSeen] = useTourSeen();
  const [at, setAt] = useState(0);
  const stop = isSeen ? undefined : STOPS[at];
  const place = stop?.place;
  useEffect(() => {
    const target = document.querySelector(`[data-tour="${place ?? ''}"]`);
    target?.classList.add('tour-target');
    return () => target?.classList.remove('tour-target');
  }, [place]);
  const end = (): void => {
    setSeen(true);
    setAt(0);
  };
  const isLast = at === STOPS.length - 1;
  return (
    <Dialog
      opened={stop !== undefined}
      size="lg"
      withBorder
      position={{ bottom: 16, right: 16 }}
      role="dialog"
      aria-label="A tour of the console"
    >
      <Text size="sm" fw={600}>
        {stop?.title}
      </Text>
      <Text size="sm" mt={4}>
        {stop?.text}
      </Text>
      <Group justify="space-between" mt="sm">
        <Text size="xs" c="dimmed">
          {at + 1} of {STOPS.length}
        </Text>
        <Group gap="xs">
          {!isLast && (
            <Button size="xs" variant="subtle" onClick={end}>
              Skip the tour
            </Button>
          )}
          <Button size="xs" onClick={isLast ? end : () => setAt(at + 1)}>
            {isLast ? 'Done' : 'Next'}
          </Button>
        </Group>
      </Group>
    </Dialog>
  );
}

/** Whether the tour was seen in this browser, and a way to say so. */
export function useTourSeen() {
  const [isSeen, setSeen] = useLocalStorage({
    key: 'bunny-tour-seen',
    defaultValue: false,
    getInitialValueInEffect: false,
  });
  return [isSeen, setSeen] as const;
}
