/** The tabs of a mirror, in the order they are shown. */
export const MIRROR_TABS = [
  'overview',
  'tables',
  'schema',
  'changes',
  'history',
  'logs',
  'settings',
] as const;
export type MirrorTab = (typeof MIRROR_TABS)[number];
