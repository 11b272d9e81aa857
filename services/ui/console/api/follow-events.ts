import { useDocumentVisibility } from '@mantine/hooks';
import { useEffect, useEffectEvent, useState } from 'react';

/**
 * Follows server-sent events for as long as the page is looked at: a browser opens few connections to one place, and pages in the background
 * would take them all. Whether it is connected is returned.
 *
 * @param names of the events; one without a name is called `message`.
 */
export function useFollowEvents(
  url: string,
  names: readonly string[],
  onEvent: (name: string, data: string) => void,
): boolean {
  const isShown = useDocumentVisibility() !== 'hidden';
  const [isLive, setLive] = useState(false);
  const tell = useEffectEvent(onEvent);
  const nameList = names.join(' ');
  useEffect(() => {
    if (!isShown) return;
    let source: EventSource | undefined;
    let again: ReturnType<typeof setTimeout> | undefined;
    const open = (): void => {
      const opened = new EventSource(url);
      source = opened;
      opened.onopen = () => setLive(true);
      opened.onerror = () => {
        setLive(false);
        // A lost connection comes back by itself; one that was refused does not.
        if (opened.readyState === EventSource.CLOSED) again = setTimeout(open, AGAIN_AFTER_MS);
      };
      opened.addEventListener('end', () => opened.close());
      for (const name of nameList.split(' ')) {
        opened.addEventListener(name, (event) => {
          if (event instanceof MessageEvent && typeof event.data === 'string')
            tell(name, event.data);
        });
      }
    };
    open();
    return () => {
      clearTimeout(again);
      source?.close();
      setLive(false);
    };
  }, [url, nameList, isShown]);
  return isLive;
}

const AGAIN_AFTER_MS = 5_000;
