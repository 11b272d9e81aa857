import type { NatsAddress, NatsLogin, NatsTls } from '@bunnydb/messaging';
import {
  InvalidSetting,
  optionalFile,
  optionalSecret,
  optionalText,
  text,
  type Setting,
} from './environment.js';

/**
 * How a service reaches NATS and proves itself there. The variables are those of the NATS CLI; of the logins one is used, in the order of
 * `loginOf`, and what the URL holds comes last.
 */
export const NATS_SETTINGS = {
  natsUrl: text('NATS_URL', 'nats://127.0.0.1:4222'),
  natsUser: optionalText('NATS_USER'),
  natsPassword: optionalSecret('NATS_PASSWORD'),
  natsNkey: optionalFile('NATS_NKEY'),
  natsCredentials: optionalFile('NATS_CREDS'),
  natsCa: optionalFile('NATS_CA'),
  natsCert: optionalFile('NATS_CERT'),
  natsKey: optionalFile('NATS_KEY'),
} as const satisfies Readonly<Record<string, Setting<unknown>>>;

export type NatsConfig = {
  readonly [Name in keyof typeof NATS_SETTINGS]: ReturnType<(typeof NATS_SETTINGS)[Name]['read']>;
};

/** @throws InvalidSetting when one half of a pair is set without the other. */
export function natsAddressOf(config: NatsConfig): Pick<NatsAddress, 'url' | 'login' | 'tls'> {
  const login = loginOf(config);
  const tls = tlsOf(config);
  return {
    url: config.natsUrl,
    ...(login === undefined ? {} : { login }),
    ...(tls === undefined ? {} : { tls }),
  };
}

function loginOf({ natsCredentials, natsNkey, natsUser, natsPassword }: NatsConfig) {
  if (natsCredentials !== undefined) {
    return { tag: 'credentials', content: () => natsCredentials.reveal() } satisfies NatsLogin;
  }
  if (natsNkey !== undefined) {
    return { tag: 'nkey', seed: () => natsNkey.reveal() } satisfies NatsLogin;
  }
  if (natsUser === undefined && natsPassword === undefined) {
    return undefined;
  }
  if (natsUser === undefined) {
    throw new InvalidSetting('NATS_USER', 'is not set, but NATS_PASSWORD is');
  }
  if (natsPassword === undefined) {
    throw new InvalidSetting('NATS_PASSWORD', 'is not set (nor is NATS_PASSWORD_FILE)');
  }
  const password = () => natsPassword.reveal();
  return { tag: 'password', user: natsUser, password } satisfies NatsLogin;
}

function tlsOf({ natsCa, natsCert, natsKey }: NatsConfig): NatsTls | undefined {
  if ((natsCert === undefined) !== (natsKey === undefined)) {
    throw new InvalidSetting(
      natsCert === undefined ? 'NATS_CERT' : 'NATS_KEY',
      'is not set; a certificate and its key go together',
    );
  }
  if (natsCa === undefined && natsCert === undefined) {
    return undefined;
  }
  return {
    ...(natsCa === undefined ? {} : { ca: natsCa.reveal() }),
    ...(natsCert === undefined ? {} : { cert: natsCert.reveal() }),
    ...(natsKey === undefined ? {} : { key: () => natsKey.reveal() }),
  };
}
