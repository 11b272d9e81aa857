import {
  Button,
  Group,
  NumberInput,
  PasswordInput,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  Textarea,
} from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { type Peer, type PeerTest, api, dataOf } from '../api/client.js';
import { notify } from './notices.js';
import { peerTestWords } from './peer-test-words.js';
import { ProblemAlert } from './problem-alert.js';

const SSL_MODES: readonly Peer['ssl_mode'][] = [
  'disable',
  'prefer',
  'require',
  'verify-ca',
  'verify-full',
];
const SSL_HELP = 'prefer uses TLS if the server has it; verify-full also checks who answers.';

interface Fields {
  readonly name: string;
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly ssl_mode: Peer['ssl_mode'];
  readonly ssl_root_cert: string;
  readonly ssl_cert: string;
  readonly ssl_key: string;
}

interface Props {
  /** The one that is changed; a new one is added without. */
  readonly peer?: Peer | undefined;
  readonly onDone: (name: string) => void;
}

/** Adds or changes a peer, and tests it at once. A secret that is left empty stays as it is. */
export function PeerForm({ peer, onDone }: Props) {
  const client = useQueryClient();
  const [way, setWay] = useState<'parts' | 'url'>('parts');
  const [fields, setFields] = useState<Fields>({
    name: peer?.name ?? '',
    url: '',
    host: peer?.host ?? '',
    port: peer?.port ?? 5432,
    user: peer?.user ?? '',
    password: '',
    database: peer?.database ?? '',
    ssl_mode: peer?.ssl_mode ?? 'prefer',
    ssl_root_cert: '',
    ssl_cert: '',
    ssl_key: '',
  });
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [test, setTest] = useState<PeerTest>();
  const set = <Name extends keyof Fields>(name: Name, value: Fields[Name]): void =>
    setFields({ ...fields, [name]: value });
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    setTest(undefined);
    try {
      const body = bodyOf(fields, way);
      const path = { params: { path: { name: fields.name } } };
      const isNew = peer === undefined && test === undefined;
      if (isNew) await dataOf(api.POST('/v1/peers', { body: { name: fields.name, ...body } }));
      else await dataOf(api.PUT('/v1/peers/{name}', { ...path, body }));
      await client.invalidateQueries({ queryKey: ['peers'] });
      const answer = await dataOf(api.POST('/v1/peers/{name}/test', path));
      setTest(answer);
      if (!answer.success) return;
      notify(`${fields.name}: ${peerTestWords(answer)}`);
      onDone(fields.name);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        <TextInput
          label="Name"
          description="Small letters, digits, - and _"
          required
          disabled={peer !== undefined || test !== undefined}
          value={fields.name}
          onChange={(event) => set('name', event.currentTarget.value)}
        />
        {peer === undefined && (
          <SegmentedControl
            aria-label="How to say where it is"
            data={[
              { value: 'parts', label: 'Host and user' },
              { value: 'url', label: 'Connection URL' },
            ]}
            value={way}
            onChange={(value) => setWay(value === 'url' ? 'url' : 'parts')}
          />
        )}
        {way === 'url' ? (
          <PasswordInput
            label="Connection URL"
            placeholder="postgresql://user:password@host:5432/database"
            required
            value={fields.url}
            onChange={(event) => set('url', event.currentTarget.value)}
          />
        ) : (
          <ConnectionFields fields={fields} set={set} isKept={peer?.has_password ?? false} />
        )}
        {test && !test.success && (
          <Text size="sm" c="red" role="alert">
            The peer is saved, but the test failed: {peerTestWords(test)}
          </Text>
        )}
        {error !== undefined && <ProblemAlert error={error} title="The peer is not saved" />}
        <Group justify="flex-end">
          <Button type="submit" loading={isBusy}>
            Save and test
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface FieldProps {
  readonly fields: Fields;
  readonly set: <Name extends keyof Fields>(name: Name, value: Fields[Name]) => void;
  readonly isKept: boolean;
}

function ConnectionFields({ fields, set, isKept }: FieldProps) {
  const isVerified = fields.ssl_mode === 'verify-ca' || fields.ssl_mode === 'verify-full';
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <TextInput
          label="Host"
          required
          value={fields.host}
          onChange={(event) => set('host', event.currentTarget.value)}
        />
        <NumberInput
          label="Port"
          required
          min={1}
          max={65_535}
          value={fields.port}
          onChange={(value) => typeof value === 'number' && set('port', value)}
        />
        <TextInput
          label="User"
          required
          autoComplete="off"
          value={fields.user}
          onChange={(event) => set('user', event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          autoComplete="new-password"
          placeholder={isKept ? 'as it is' : ''}
          value={fields.password}
          onChange={(event) => set('password', event.currentTarget.value)}
        />
        <TextInput
          label="Database"
          required
          value={fields.database}
          onChange={(event) => set('database', event.currentTarget.value)}
        />
        <Select
          label="TLS"
          description={SSL_HELP}
          data={[...SSL_MODES]}
          value={fields.ssl_mode}
          allowDeselect={false}
          onChange={(value) =>
            set('ssl_mode', SSL_MODES.find((mode) => mode === value) ?? 'prefer')
          }
        />
      </SimpleGrid>
      {isVerified && (
        <Textarea
          label="Root certificate (PEM)"
          autosize
          minRows={2}
          maxRows={6}
          value={fields.ssl_root_cert}
          onChange={(event) => set('ssl_root_cert', event.currentTarget.value)}
        />
      )}
      {fields.ssl_mode !== 'disable' && fields.ssl_mode !== 'prefer' && (
        <>
          <Textarea
            label="Client certificate (PEM), if the server wants one"
            autosize
            minRows={2}
            maxRows={6}
            value={fields.ssl_cert}
            onChange={(event) => set('ssl_cert', event.currentTarget.value)}
          />
          <Textarea
            label="Client key (PEM)"
            autosize
            minRows={2}
            maxRows={6}
            value={fields.ssl_key}
            onChange={(event) => set('ssl_key', event.currentTarget.value)}
          />
        </>
      )}
    </>
  );
}

function bodyOf(fields: Fields, way: 'parts' | 'url') {
  if (way === 'url') return { url: fields.url };
  const { host, port, user, database, ssl_mode } = fields;
  return {
    host,
    port,
    user,
    database,
    ssl_mode,
    ...(fields.password !== '' && { password: fields.password }),
    ...(fields.ssl_root_cert !== '' && { ssl_root_cert: fields.ssl_root_cert }),
    ...(fields.ssl_cert !== '' && { ssl_cert: fields.ssl_cert }),
    ...(fields.ssl_key !== '' && { ssl_key: fields.ssl_key }),
  };
}
