import { type TestDatabase, createDatabase, until } from '@bunnydb/testkit';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isBrowserThere, openBrowser } from '../src/browser.js';
import { ConsolePage } from '../src/console-page.js';
import { type ConsoleService, startConsole } from '../src/console-service.js';
import { keyboardFaults } from '../src/keyboard.js';
import { longestIdleSpinMs, watchSpinners } from '../src/spinners.js';
import { type Stack, startStack } from '../src/stack.js';

const ADA = { username: 'ada', password: 'a password for ada' } as const;
const SOURCE = `
create table customer (id integer primary key, email text not null);
create table item (id integer primary key, code text not null, constraint item_code_key unique (code));
insert into customer select n, 'customer' || n || '@shop.example' from generate_series(1, 20000) n;
insert into item select n, 'code' || n from generate_series(1, 500) n`;

let stack: Stack;
let served: ConsoleService;
let browser: Browser;
let context: BrowserContext;
let console_: ConsolePage;
let source: TestDatabase;
let destination: TestDatabase;

beforeAll(async () => {
  if (!isBrowserThere()) return;
  [browser, stack] = await Promise.all([openBrowser(), startStack('console')]);
  [source, destination, served] = await Promise.all([
    createDatabase({ prefix: 'console_source' }),
    createDatabase({ prefix: 'console_destination' }),
    startConsole(stack.api.baseUrl),
  ]);
  await source.query(SOURCE);
  await stack.api.call('POST', '/v1/users', { ...ADA, role: 'admin' });
  context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  console_ = new ConsolePage(await context.newPage(), served.url);
});

afterAll(async () => {
  await browser?.close();
  await served?.process.kill();
  await stack?.stop();
  await Promise.all([source?.drop(), destination?.drop()]);
});

async function addPeer(name: string, database: TestDatabase): Promise<void> {
  const dialog = console_.dialog();
  await console_.press('Add a peer');
  for (const [label, value] of [
    ['Name', name],
    ['Host', database.host],
    ['Port', String(database.port)],
    ['User', database.user],
    ['Password', database.password ?? ''],
    ['Database', database.name],
  ] as const) {
    await dialog.getByRole('textbox', { name: label, exact: true }).fill(value);
  }
  await console_.press('Save and test', dialog);
  await dialog.waitFor({ state: 'hidden' });
}

const tableIs = (table: string, status: string) =>
  console_.row(table).getByText(status, { exact: true }).waitFor();

// `npm test` installs a browser where it may; elsewhere the count of skipped tests tells that nobody looked.
describe.skipIf(!isBrowserThere())('the console', () => {
  test('lets in who has the password, and shows a newcomer around once', async () => {
    await console_.open('/mirrors/shop');
    await console_.page.getByLabel('User name').fill(ADA.username);
    await console_.page.getByRole('textbox', { name: 'Password' }).fill('wrong');
    await console_.press('Sign in');
    await console_.says('the user name or the password is wrong');
    await console_.signIn(ADA.username, ADA.password);
    await console_.says('No mirror yet');
    await console_.press('Next', console_.dialog());
    await console_.press('Skip the tour', console_.dialog());
    await console_.page.reload();
    await console_.says('No mirror yet');
    expect(await console_.dialog().count()).toBe(0);
    const cookies = await context.cookies();
    expect(cookies).toMatchObject([{ httpOnly: true, sameSite: 'Strict' }]);
  });

  test('makes a mirror of two peers in four steps, and shows its copy until it is done', async () => {
    await console_.page.getByRole('link', { name: 'Make the first mirror' }).click();
    await console_.page.getByLabel('Name of the mirror').fill('shop');
    await addPeer('shop-source', source);
    await addPeer('shop-destination', destination);
    await console_.press('Next');
    await console_.page.getByRole('radio', { name: 'The ones I choose' }).check();
    await console_.page.getByRole('checkbox', { name: 'public' }).check();
    await console_.says('2 of 2 chosen');
    await console_.press('Next');
    await console_.choose('Schema changes of the source', 'hold the table until somebody decides');
    await console_.press('Next');
    await destination.query('create table item as select 1 as id');
    await console_.press('Check');
    await console_.says('Each says what mends it.');
    await console_.says('TRUNCATE "public"."item"');
    await destination.query('drop table item');
    await console_.press('Check');
    await console_.says(/^All \d+ checks passed\.$/);
    await console_.press('Check and start');
    await console_.page.getByRole('heading', { name: 'shop' }).waitFor();
    await console_.says('streaming changes');
    await console_.tab('Tables');
    await tableIs('public.customer', 'running');
    await console_.row('public.customer').getByText('20,000').waitFor();
  });

  test('shows the rows of a table as they change', async () => {
    await console_.tab('Changes');
    await console_.choose('Table', 'public.item');
    await console_.page.getByText('live', { exact: true }).nth(1).waitFor();
    await source.query(
      `begin; insert into item values (501, 'fresh'); delete from item where id = 1; commit`,
    );
    await console_.row('fresh').getByText('insert').waitFor();
    await console_.row('delete').getByText('1', { exact: true }).waitFor();
    await console_.press('Stop following');
    await source.query(`insert into item values (510, 'unseen')`);
    await console_.says('paused, 1 came meanwhile');
    expect(await console_.row('unseen').count()).toBe(0);
    await console_.press('Follow again');
    await source.query(`insert into item values (511, 'seen')`);
    await console_.row('seen').getByText('insert').waitFor();
  });

  test('shows a schema change that arrives, and applies it', async () => {
    await source.query(
      `alter table customer add column note text; insert into customer values (20001, 'new@shop.example', 'with a note')`,
    );
    await console_.tab('Tables');
    await tableIs('public.customer', 'held');
    await console_.page.getByRole('tab', { name: 'Schema 1' }).click();
    await console_.says(/add column.*note/i);
    await console_.press('Dry run');
    await console_.says('1 change would be made');
    await console_.press('Apply 1');
    await console_.press('Apply 1', console_.dialog());
    await console_.says('1 change made');
    await console_.tab('Tables');
    await tableIs('public.customer', 'running');
    const held = await destination.query('select note from customer where id = 20001');
    expect(held).toEqual([{ note: 'with a note' }]);
  });

  test('copies a table again while the others go on', async () => {
    await destination.query('delete from customer where id < 100');
    await console_.press('Resync', console_.row('public.customer'));
    await console_.press('Resync', console_.dialog());
    await console_.says('public.customer is being copied again');
    await until(
      async () => {
        const [row] = await destination.query('select count(*)::int as count from customer');
        return row?.['count'] === 20_001;
      },
      { what: 'the table to be whole again' },
    );
    await tableIs('public.customer', 'running');
  });

  test('holds one table on request, keeps what comes for it, and releases it', async () => {
    await console_.press('Hold', console_.row('public.item'));
    await tableIs('public.item', 'held');
    await source.query(
      `begin; insert into item values (600, 'held'); insert into customer values (600000, 'held'); commit`,
    );
    const has = async (table: string, id: number) =>
      (await destination.query(`select id from ${table} where id = ${id}`)).length === 1;
    await until(() => has('customer', 600_000), { what: 'the other table to go on' });
    expect(await has('item', 600)).toBe(false);
    await console_.press('Release', console_.row('public.item'));
    await tableIs('public.item', 'running');
    expect(await has('item', 600)).toBe(true);
  });

  test('shows a table that cannot be applied and why, and goes on when the cause is gone', async () => {
    await destination.query(`insert into item values (9000, 'taken')`);
    await source.query(`insert into item values (502, 'taken')`);
    await tableIs('public.item', 'error');
    await console_.row('public.item').getByText('item_code_key').waitFor();
    await console_.row('public.item').getByRole('button', { name: 'Skip transaction' }).waitFor();
    await console_.row('public.customer').getByText('running').waitFor();
    await destination.query('delete from item where id = 9000');
    await console_.press('Retry', console_.row('public.item'));
    await tableIs('public.item', 'running');
    expect(await destination.query(`select id from item where code = 'taken'`)).toEqual([
      { id: 502 },
    ]);
  });

  test('pauses, goes on, changes an option, and finds it all in the log', async () => {
    const status = console_.page.getByRole('main').getByText('paused', { exact: true });
    await console_.press('Pause');
    await status.waitFor();
    await console_.press('Resume');
    await status.waitFor({ state: 'hidden' });
    await console_.tab('Settings');
    await console_.page.getByRole('textbox', { name: 'Changes in a batch' }).fill('5000');
    // The table may have been tried again just before Retry was pressed, which is told as an error.
    await console_.closeNotices();
    await console_.press('Save');
    await console_.says('The options are changed');
    await console_.tab('Logs');
    await console_.page.getByLabel('Search the log').fill('options');
    await console_.says('options changed');
    await console_.page.getByText('copy finished').waitFor({ state: 'hidden' });
  });

  test('tests, changes and forgets a peer, but none that a mirror uses', async () => {
    await console_.open('/peers');
    await addPeer('spare', destination);
    await console_.press('Test', console_.row('spare'));
    await console_
      .row('spare')
      .getByText(/PostgreSQL \d+/)
      .waitFor();
    await console_.press('Edit', console_.row('spare'));
    await console_.dialog().getByRole('textbox', { name: 'Database' }).fill(source.name);
    await console_.press('Save and test', console_.dialog());
    await console_.row('spare').getByText(source.name).waitFor();
    await console_.press('Delete', console_.row('spare'));
    await console_.press('Delete', console_.dialog());
    await console_.row('spare').waitFor({ state: 'hidden' });
    await console_.press('Delete', console_.row('shop-source'));
    await console_.press('Delete', console_.dialog());
    await console_.dialog().getByRole('alert').getByText('the peer is used by shop').waitFor();
    await console_.press('Keep it as it is', console_.dialog());
  });

  test('has no serious fault for people with disabilities on any page, light or dark, is all reached with the keyboard, explains its buttons, fits a telephone, holds still, and spins no longer than it waits', async () => {
    const other = await browser.newContext({
      reducedMotion: 'reduce',
      storageState: await context.storageState(),
    });
    await watchSpinners(other);
    const page = new ConsolePage(await other.newPage(), served.url);
    const found: string[] = [];
    for (const [path, text] of PAGES) {
      const idleSpinMs = await openAndWatch(page, path, text);
      if (idleSpinMs > IDLE_SPIN_MS_MAX) found.push(`${path}: spins ${idleSpinMs} ms for nothing`);
      found.push(...(await faultsOf(page)).map((fault) => `${path}: ${fault}`));
    }
    const question = page.page.getByRole('button', { name: 'Delete', exact: true });
    await question.focus();
    await page.page.keyboard.press('Enter');
    await page.dialog().waitFor();
    found.push(...(await page.violations()).map((violation) => `the question: ${violation}`));
    expect([...found, ...page.errors]).toEqual([]);
    for (let presses = 0; presses < 6; presses += 1) {
      await until(() => page.page.evaluate<boolean>(IS_FOCUS_INSIDE), {
        what: 'the focus to stay in the dialog',
      });
      await page.page.keyboard.press('Tab');
    }
    await page.page.keyboard.press('Escape');
    await page.dialog().waitFor({ state: 'hidden' });
    await until(() => question.evaluate((button) => button.matches(':focus')), {
      what: 'the focus to be back where it was',
    });
    await other.close();
  });

  test('says what helps where a part of it cannot be fetched, as after an update', async () => {
    const other = await browser.newContext({ storageState: await context.storageState() });
    const page = new ConsolePage(await other.newPage(), served.url);
    await page.page.route('**/assets/account-page*', (route) => route.abort());
    await page.open('/account');
    await page.says('This page cannot be shown');
    await page.page.unrouteAll();
    await page.press('Load again');
    await page.says('You are');
    await other.close();
  });

  test('shows those who may only look no button that they cannot press', async () => {
    const vera = { username: 'vera', password: 'a password for vera' };
    await console_.open('/users');
    await console_.press('Add a user');
    await console_.dialog().getByRole('textbox', { name: 'User name' }).fill(vera.username);
    await console_.dialog().getByRole('textbox', { name: 'Password' }).fill(vera.password);
    await console_.press('Add', console_.dialog());
    await console_.row('vera').getByText('viewer', { exact: true }).waitFor();
    const other = await browser.newContext();
    const page = new ConsolePage(await other.newPage(), served.url);
    await page.signIn(vera.username, vera.password);
    await page.press('Skip the tour');
    await page.open('/mirrors/shop?tab=tables');
    await page.says('public.customer');
    const names = await page.page.getByRole('main').getByRole('button').allInnerTexts();
    expect(names).toEqual([]);
    await page.tab('Changes');
    await page.says('shown to administrators only');
    await page.open('/account');
    await page.page.getByRole('textbox', { name: 'Current password' }).fill(vera.password);
    await page.page.getByRole('textbox', { name: 'New password' }).fill('Password1!');
    await page.press('Change it');
    await page.says('is one that is tried first');
    await page.page.getByRole('textbox', { name: 'New password' }).fill('another one of hers');
    await page.press('Change it');
    await page.says('the password is changed');
    expect(page.errors).toEqual([]);
    await console_.press('Delete', console_.row('vera'));
    await console_.dialog().getByLabel('Type vera to confirm').fill('vera');
    await console_.press('Delete', console_.dialog());
    await console_.says('vera is deleted');
    await page.page.reload();
    await page.says('Sign in to see your mirrors.');
    await other.close();
  });

  test('deletes a mirror only when its name is typed, and leaves nothing', async () => {
    await console_.open('/mirrors/shop');
    await console_.press('Delete');
    const dialog = console_.dialog();
    expect(await dialog.getByRole('button', { name: 'Delete' }).isDisabled()).toBe(true);
    await dialog.getByLabel('Type shop to confirm').fill('shop');
    await console_.press('Delete', dialog);
    await console_.says('No mirror yet');
    const slots = 'select slot_name from pg_replication_slots where database = current_database()';
    expect(await source.query(slots)).toEqual([]);
    expect(console_.errors).toEqual([]);
  });
});

/** Opens a page; how long it spun at least without waiting for an answer. A busy machine draws late now and then, but not always. */
async function openAndWatch(page: ConsolePage, path: string, text: string): Promise<number> {
  let least = Infinity;
  for (let loads = 0; loads < 3 && least > IDLE_SPIN_MS_MAX; loads += 1) {
    await page.open(path);
    await page.says(text);
    least = Math.min(least, await longestIdleSpinMs(page.page));
  }
  return least;
}

/** What somebody would stumble over who does not see well, has no mouse, or presses where something else was a moment ago. */
async function faultsOf(page: ConsolePage): Promise<readonly string[]> {
  const shift = await page.layoutShift();
  const { unreachable, invisible } = await keyboardFaults(page.page);
  const overflow = await page.overflowOnTelephone();
  return [
    ...(shift > LAYOUT_SHIFT_MAX ? [`moves by ${shift}`] : []),
    ...(overflow > 0 ? [`is ${overflow} pixels wider than a telephone`] : []),
    ...(await page.unexplainedButtons()).map((name) => `unexplained: ${name}`),
    ...unreachable.map((what) => `unreachable: ${what}`),
    ...invisible.map((what) => `focus not shown: ${what}`),
    ...(await page.violations()),
  ];
}

const IS_FOCUS_INSIDE = 'document.querySelector("[role=dialog]").contains(document.activeElement)';
/** An answer is drawn within that; React's own `lazy` would hold it back for 300. */
const IDLE_SPIN_MS_MAX = 200;
/** Half of what is called good. */
const LAYOUT_SHIFT_MAX = 0.05;

/** Every page, with something that is there when it is. */
const PAGES = [
  ['/sign-in', 'Sign in to see your mirrors.'],
  ['/', 'shop-source → shop-destination'],
  ['/new-mirror', 'Name of the mirror'],
  ['/peers', 'shop-source'],
  ['/users', 'user created, role admin'],
  ['/account', 'You are'],
  ['/nowhere', 'There is no such page'],
  ['/mirrors/none', 'there is no mirror none'],
  ['/mirrors/shop?tab=tables', 'public.customer'],
  ['/mirrors/shop?tab=schema', 'All 2 tables'],
  ['/mirrors/shop?tab=changes', 'Committed'],
  ['/mirrors/shop?tab=history', 'options changed'],
  ['/mirrors/shop?tab=logs', 'options changed'],
  ['/mirrors/shop?tab=settings', 'Copying'],
  ['/mirrors/shop?tab=overview', 'The way of a change'],
] as const;
