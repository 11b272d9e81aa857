import { type CSSVariablesResolver, createTheme } from '@mantine/core';

export const theme = createTheme({
  primaryColor: 'cyan',
  // Keeps a contrast of at least 4.5 with white text.
  primaryShade: 9,
  autoContrast: true,
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, Consolas, monospace',
  components: {
    // The browser's own scroll bar takes no room where there is nothing to scroll.
    TableScrollContainer: { defaultProps: { type: 'native' } },
    // Whoever comes with the keyboard or a finger is told, too.
    Tooltip: { defaultProps: { events: { hover: true, focus: true, touch: true } } },
    Modal: {
      defaultProps: { closeButtonProps: { 'aria-label': 'Close' } },
      styles: { title: { fontWeight: 600 } },
    },
  },
});

/** Secondary text keeps a contrast of at least 4.5, too; Mantine's own shades do not. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#5c636a',
    '--mantine-color-placeholder': '#6c757d',
    '--mantine-color-error': '#c92a2a',
    '--mantine-color-teal-light-color': '#06664a',
    '--mantine-color-orange-light-color': '#963000',
    '--mantine-color-red-light-color': '#b02020',
  },
  dark: {
    '--mantine-color-dimmed': '#a6a7ab',
    '--mantine-color-placeholder': '#909296',
    '--mantine-color-error': '#ff8787',
  },
});
