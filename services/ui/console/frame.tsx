import {
  ActionIcon,
  AppShell,
  Burger,
  Group,
  NavLink,
  Text,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure, useDocumentTitle } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect } from 'react';
import { SIGNED_OUT } from './api/client.js';
import { signOut, useMe } from './api/session.js';
import { Tour } from './parts/tour.js';
import { ExplainedButton } from './parts/explained-button.js';

const PLACES = [
  { to: '/', label: 'Mirrors', tour: 'mirrors' },
  { to: '/peers', label: 'Peers', tour: 'peers' },
  { to: '/users', label: 'Users', tour: 'users', isForAdmin: true },
  { to: '/account', label: 'Account', tour: 'account' },
] as const;

const ROLE_WORDS = { admin: 'administrator', readonly: 'viewer' } as const;

/** What surrounds every page: where one is, where one can go, who one is. */
export function Frame() {
  const [isOpen, { toggle, close }] = useDisclosure(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const me = useMe();
  useDocumentTitle(titleOf(path));
  useLeaveWhenSignedOut();
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 190, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding="md"
    >
      <a className="skip-link" href="#page">
        Skip to the page
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger
              opened={isOpen}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label="Navigation"
            />
            <img src="/icon.svg" alt="" width={26} height={26} />
            <Text fw={700}>BunnyDB</Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <ColorSchemeButton />
            <Text size="sm" c="dimmed" visibleFrom="xs">
              {me.data && `${me.data.username}, ${ROLE_WORDS[me.data.role]}`}
            </Text>
            <SignOutButton />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Pages">
        {PLACES.filter((place) => !('isForAdmin' in place) || me.data?.role === 'admin').map(
          ({ to, label, tour }) => (
            <NavLink
              key={to}
              component={Link}
              to={to}
              label={label}
              data-tour={tour}
              active={
                to === '/'
                  ? path === '/' || path.startsWith('/mirrors') || path === '/new-mirror'
                  : path.startsWith(to)
              }
              onClick={close}
            />
          ),
        )}
      </AppShell.Navbar>
      <AppShell.Main id="page">
        <Outlet />
      </AppShell.Main>
      <Tour />
    </AppShell>
  );
}

/** What tabs and bookmarks are called. */
function titleOf(path: string): string {
  const [, first = '', second = ''] = path.split('/');
  if (first === 'mirrors') return `${decodeURIComponent(second)} · BunnyDB`;
  if (first === 'new-mirror') return 'New mirror · BunnyDB';
  const place = PLACES.find(({ to }) => to === `/${first}`);
  return `${place?.label ?? 'No such page'} · BunnyDB`;
}

function ColorSchemeButton() {
  const { setColorScheme } = useMantineColorScheme();
  const isDark = useComputedColorScheme('light') === 'dark';
  const label = isDark ? 'Use light colours' : 'Use dark colours';
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="default"
        data-tour="colours"
        aria-label={label}
        onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
      >
        {isDark ? '☀' : '☾'}
      </ActionIcon>
    </Tooltip>
  );
}

function SignOutButton() {
  const navigate = useNavigate();
  const client = useQueryClient();
  const leave = async (): Promise<void> => {
    await signOut();
    client.clear();
    await navigate({ to: '/sign-in' });
  };
  return (
    <ExplainedButton
      explain="Ends this session; others of yours go on."
      size="compact-sm"
      variant="default"
      onClick={() => void leave()}
    >
      Sign out
    </ExplainedButton>
  );
}

/** A session that has ended elsewhere leads back to the sign-in, and from there to where one was. */
function useLeaveWhenSignedOut(): void {
  const navigate = useNavigate();
  const client = useQueryClient();
  useEffect(() => {
    const leave = (): void => {
      client.clear();
      void navigate({
        to: '/sign-in',
        search: { to: window.location.pathname + window.location.search },
      });
    };
    window.addEventListener(SIGNED_OUT, leave);
    return () => window.removeEventListener(SIGNED_OUT, leave);
  }, [client, navigate]);
}
