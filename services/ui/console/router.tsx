import { createRootRoute, createRoute, createRouter, redirect } from '@tanstack/react-router';
import { lazily } from './parts/lazily.js';
import { ApiProblem, api, dataOf } from './api/client.js';
import { queryClient } from './api/query-client.js';
import { Frame } from './frame.js';
import { MIRROR_TABS, type MirrorTab } from './mirror/mirror-tabs.js';
import { ErrorPage } from './pages/error-page.js';
import { MirrorsPage } from './pages/mirrors-page.js';
import { NotFoundPage } from './pages/not-found-page.js';
import { SignInPage } from './pages/sign-in-page.js';

// The first view is the list of mirrors; the rest is fetched when somebody goes there.
const MirrorPage = lazily(async () => (await import('./pages/mirror-page.js')).MirrorPage);
const NewMirrorPage = lazily(
  async () => (await import('./pages/new-mirror-page.js')).NewMirrorPage,
);
const PeersPage = lazily(async () => (await import('./pages/peers-page.js')).PeersPage);
const UsersPage = lazily(async () => (await import('./pages/users-page.js')).UsersPage);
const AccountPage = lazily(async () => (await import('./pages/account-page.js')).AccountPage);

const root = createRootRoute({ notFoundComponent: NotFoundPage });
const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: SignInPage,
  validateSearch: (search: Record<string, unknown>): { readonly to?: string } =>
    typeof search['to'] === 'string' &&
    search['to'].startsWith('/') &&
    !search['to'].startsWith('//')
      ? { to: search['to'] }
      : {},
});
const frame = createRoute({
  getParentRoute: () => root,
  id: 'frame',
  component: Frame,
  beforeLoad: async ({ location }) => {
    try {
      await queryClient.ensureQueryData({
        queryKey: ['me'],
        queryFn: () => dataOf(api.GET('/v1/auth/me')),
        retry: false,
      });
    } catch (error) {
      // A gateway that is down is no reason to sign in again; the pages say what is wrong.
      if (!(error instanceof ApiProblem) || error.status !== 401) return;
      throw redirect({ to: '/sign-in', search: { to: location.href } });
    }
  },
});
const mirrors = createRoute({ getParentRoute: () => frame, path: '/', component: MirrorsPage });
const newMirror = createRoute({
  getParentRoute: () => frame,
  path: '/new-mirror',
  component: NewMirrorPage,
});
export const mirrorRoute = createRoute({
  getParentRoute: () => frame,
  path: '/mirrors/$name',
  component: MirrorPage,
  validateSearch: (search: Record<string, unknown>): { readonly tab?: MirrorTab } => {
    const tab = MIRROR_TABS.find((candidate) => candidate === search['tab']);
    return tab === undefined ? {} : { tab };
  },
});
const peers = createRoute({ getParentRoute: () => frame, path: '/peers', component: PeersPage });
const users = createRoute({ getParentRoute: () => frame, path: '/users', component: UsersPage });
const account = createRoute({
  getParentRoute: () => frame,
  path: '/account',
  component: AccountPage,
});

export const router = createRouter({
  routeTree: root.addChildren([
    signIn,
    frame.addChildren([mirrors, newMirror, mirrorRoute, peers, users, account]),
  ]),
  defaultPreload: 'intent',
  defaultErrorComponent: ErrorPage,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
