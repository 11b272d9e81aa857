import { Anchor, type AnchorProps, Button, type ButtonProps } from '@mantine/core';
import { type LinkComponent, createLink } from '@tanstack/react-router';
import { type AnchorHTMLAttributes, type Ref } from 'react';

type Native<Props> = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof Props> & {
  readonly ref?: Ref<HTMLAnchorElement>;
};

const LinkedAnchor = createLink((props: AnchorProps & Native<AnchorProps>) => (
  <Anchor {...props} />
));
const LinkedButton = createLink((props: ButtonProps & Native<ButtonProps>) => (
  <Button component="a" {...props} />
));

/** A link to a page of the console. */
export const RouteLink: LinkComponent<typeof LinkedAnchor> = (props) => (
  <LinkedAnchor preload="intent" {...props} />
);

/** A link that looks like a button. */
export const RouteButton: LinkComponent<typeof LinkedButton> = (props) => (
  <LinkedButton preload="intent" {...props} />
);
