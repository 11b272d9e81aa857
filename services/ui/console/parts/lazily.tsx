import { type ComponentType, useEffect, useState } from 'react';
import { Waiting } from './waiting.js';

/**
 * A component that is fetched when it is first shown, and again after that failed. Not `lazy` of React, which keeps what it shows meanwhile for at
 * least 300 ms: a page that is there would wait for nothing.
 */
export function lazily<Props extends object>(load: () => Promise<ComponentType<Props>>) {
  let loaded: ComponentType<Props> | undefined;
  return function Lazy(props: Props) {
    const [Shown, setShown] = useState(() => loaded);
    const [failure, setFailure] = useState<unknown>();
    useEffect(() => {
      if (Shown !== undefined) return;
      let isLeft = false;
      load().then(
        (component) => {
          loaded = component;
          if (!isLeft) setShown(() => component);
        },
        (error: unknown) => {
          if (!isLeft) setFailure(error);
        },
      );
      return () => {
        isLeft = true;
      };
    }, [Shown]);
    // For the error page of the router.
    if (failure !== undefined) throw failure;
    return Shown === undefined ? <Waiting /> : <Shown {...props} />;
  };
}
