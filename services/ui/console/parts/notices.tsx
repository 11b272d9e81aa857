import { Notification, Stack } from '@mantine/core';
import { useSyncExternalStore } from 'react';

interface Notice {
  readonly id: number;
  readonly text: string;
  readonly isError: boolean;
}

let notices: readonly Notice[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function change(next: readonly Notice[]): void {
  notices = next;
  for (const listener of listeners) listener();
}

/** Tells what was done, or why not. An error stays until it is closed. */
export function notify(text: string, isError = false): void {
  const notice = { id: nextId++, text, isError };
  change([...notices.slice(-SHOWN_MAX + 1), notice]);
  if (!isError) setTimeout(() => close(notice.id), SHOWN_MS);
}

function close(id: number): void {
  change(notices.filter((notice) => notice.id !== id));
}

export function NoticeArea() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => notices,
  );
  return (
    <Stack
      gap="xs"
      pos="fixed"
      bottom={16}
      right={16}
      maw={420}
      style={{ zIndex: 400 }}
      role="status"
      aria-live="polite"
    >
      {shown.map((notice) => (
        <Notification
          key={notice.id}
          color={notice.isError ? 'red' : 'teal'}
          onClose={() => close(notice.id)}
          closeButtonProps={{ 'aria-label': 'Close' }}
          withBorder
        >
          {notice.text}
        </Notification>
      ))}
    </Stack>
  );
}

const SHOWN_MAX = 4;
const SHOWN_MS = 5_000;
