import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '@bunnydb/testkit';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';

const FOLDER = 'infra/kubernetes';
const SERVICES = ['apply', 'capture', 'control', 'schema', 'ui'];
/** Of other programs' images, and of Node.js. */
const FOREIGN = /^(?:NODE_ENV|POD_NAME|PGDATA|POSTGRES_\w+)$/;

const read = (path: string): string => readFileSync(join(repositoryRoot(), path), 'utf8');
/** Every variable that the services read: tidy keeps the page and the code together. */
const told = new Set(
  [...read('docs/operations/environment.md').matchAll(/^\| `([A-Z_]+)`/gm)].map(
    ([, name]) => name ?? '',
  ),
);

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly EnvironmentEntry[];
  readonly envFrom?: readonly {
    readonly configMapRef?: { readonly name: string };
    readonly secretRef?: { readonly name: string };
  }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts?: readonly { readonly name: string }[];
}
interface EnvironmentEntry {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } };
}
interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string };
  readonly exec?: object;
}
type Probes = Readonly<Record<'startupProbe' | 'livenessProbe' | 'readinessProbe', Probe>>;
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly replicas?: number;
    readonly serviceName?: string;
    readonly selector: Readonly<Record<string, unknown>>;
    readonly ports?: readonly { readonly port: number }[];
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly containers: readonly (Container & Probes)[];
        readonly volumes?: readonly {
          readonly name: string;
          readonly configMap?: { readonly name: string };
        }[];
      };
    };
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  };
}
interface Kustomization {
  readonly resources: readonly string[];
  readonly configMapGenerator: readonly { readonly name: string }[];
}

const kustomization = parse(read(`${FOLDER}/kustomization.yaml`)) as Kustomization;
const nats = parse(read('infra/nats/kustomization.yaml')) as Kustomization;
const files = kustomization.resources.filter((name) => name.endsWith('.yaml'));
const manifests = files.flatMap((file) =>
  parseAllDocuments(read(`${FOLDER}/${file}`)).map((text) => text.toJS() as Manifest),
);
const ofKind = (...kinds: readonly string[]) =>
  manifests.filter(({ kind }) => kinds.includes(kind));
const workloads = ofKind('Deployment', 'StatefulSet');
const containers = workloads.flatMap((workload) =>
  workload.spec.template.spec.containers.map((container) => ({ workload, container })),
);

/** The secrets that the README makes, and their keys. */
const secrets = new Map(
  [
    ...read(`${FOLDER}/README.md`).matchAll(/create secret generic (\S+)((?:[^\n]*\\\n)*[^\n]*)/g),
  ].map(([, name = '', rest = '']) => [
    name,
    new Set([...rest.matchAll(/--from-literal=(\w+)=/g)].map(([, key = '']) => key)),
  ]),
);
const configMaps = new Set([
  ...ofKind('ConfigMap').map(({ metadata }) => metadata.name),
  ...[...kustomization.configMapGenerator, ...nats.configMapGenerator].map(({ name }) => name),
]);

describe('the manifests for Kubernetes', () => {
  test('are all taken by the kustomization, and run every service', () => {
    const there = readdirSync(join(repositoryRoot(), FOLDER)).filter((name) =>
      name.endsWith('.yaml'),
    );
    expect(there.toSorted()).toEqual([...files, 'kustomization.yaml'].toSorted());
    const own = containers.filter(({ container }) => container.image === 'bunnydb');
    expect(own.map(({ container }) => container.args).toSorted()).toEqual(
      SERVICES.map((service) => [`services/${service}/dist/main.js`]),
    );
    for (const service of SERVICES)
      expect(existsSync(join(repositoryRoot(), `services/${service}/src/main.ts`))).toBe(true);
  });

  test('set no variable that nothing reads, and take what they name from what is made', () => {
    const settings = ofKind('ConfigMap').flatMap(({ data }) => Object.keys(data ?? {}));
    const set = containers.flatMap(({ container }) =>
      (container.env ?? []).map(({ name }) => name),
    );
    const keys = [...secrets.values()].flatMap((names) => [...names]);
    const known = (name: string) =>
      told.has(name) || FOREIGN.test(name) || /^BUNNY_NATS_[A-Z]+_PASSWORD$/.test(name);
    expect([...settings, ...set, ...keys].filter((name) => !known(name))).toEqual([]);
    for (const { container, workload } of containers) {
      for (const { valueFrom } of container.env ?? []) {
        const wanted = valueFrom?.secretKeyRef;
        if (wanted) expect([...(secrets.get(wanted.name) ?? [])]).toContain(wanted.key);
      }
      for (const { secretRef, configMapRef } of container.envFrom ?? []) {
        if (secretRef) expect([...secrets.keys()]).toContain(secretRef.name);
        if (configMapRef) expect([...configMaps]).toContain(configMapRef.name);
      }
      const { volumes = [] } = workload.spec.template.spec;
      for (const { configMap } of volumes)
        if (configMap) expect([...configMaps]).toContain(configMap.name);
      const claims = workload.spec.volumeClaimTemplates ?? [];
      const mountable = [
        ...volumes.map(({ name }) => name),
        ...claims.map(({ metadata }) => metadata.name),
      ];
      for (const { name } of container.volumeMounts ?? []) expect(mountable).toContain(name);
    }
  });

  test('give nats-server a password for each user of users.conf', () => {
    const named = [...read('infra/nats/users.conf').matchAll(/\$(BUNNY_NATS_\w+)/g)];
    const wanted = new Set(named.map(([, name]) => name));
    expect(wanted.size).toBeGreaterThan(4);
    expect(secrets.get('bunnydb-nats')).toEqual(wanted);
  });

  test('ask each container whether it started, lives and is ready, at a port that it has', () => {
    for (const { container } of containers) {
      const ports = container.ports.map(({ name }) => name);
      for (const name of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const) {
        const probe = container[name];
        const { httpGet } = probe;
        if (httpGet === undefined) expect(probe.exec).toBeDefined();
        else {
          expect(httpGet.path).toMatch(/^\/(?:health|ready|healthz(?:\?js-[a-z]+-only=true)?)$/);
          expect(ports).toContain(httpGet.port);
        }
      }
    }
    const workers = containers.filter(({ container }) =>
      container.ports.some(({ name }) => name === 'health'),
    );
    const [settings] = ofKind('ConfigMap');
    expect(workers).toHaveLength(4);
    for (const { container } of workers) {
      const health = container.ports.find(({ name }) => name === 'health');
      expect(String(health?.containerPort)).toBe(settings?.data?.['BUNNY_HEALTH_PORT']);
      expect(container.livenessProbe.httpGet?.path).toBe('/health');
      expect(container.readinessProbe.httpGet?.path).toBe('/ready');
    }
  });

  test('lead every service to pods that listen there', () => {
    for (const { metadata, spec } of ofKind('Service')) {
      const target = containers.find(
        ({ workload }) => workload.spec.template.metadata.labels['app'] === spec.selector['app'],
      );
      const ports = target?.container.ports.map(({ containerPort }) => containerPort);
      for (const { port } of spec.ports ?? [])
        expect({ [metadata.name]: ports }).toEqual({
          [metadata.name]: expect.arrayContaining([port]),
        });
    }
    const names = ofKind('Service').map(({ metadata }) => metadata.name);
    for (const { spec } of ofKind('StatefulSet')) expect(names).toContain(spec.serviceName);
  });

  test('keep a disruption from taking more than one instance of anything', () => {
    const guarded = ofKind('PodDisruptionBudget');
    const several = workloads.filter(({ spec }) => (spec.replicas ?? 1) > 1);
    expect(guarded.map(({ metadata }) => metadata.name).toSorted()).toEqual(
      several.map(({ metadata }) => metadata.name).toSorted(),
    );
    for (const { metadata, spec } of guarded) {
      expect(spec).toEqual({
        maxUnavailable: 1,
        selector: { matchLabels: { app: metadata.name } },
      });
    }
  });

  test('fit the restricted standard for pods, and bound every container', () => {
    for (const { workload, container } of containers) {
      const { spec, metadata } = workload.spec.template;
      expect(workload.spec.selector).toEqual({ matchLabels: metadata.labels });
      expect(spec).toMatchObject({
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: expect.any(Number),
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      });
      expect(container).toMatchObject({
        resources: {
          requests: { cpu: expect.any(String), memory: expect.any(String) },
          limits: { memory: expect.any(String) },
        },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
      });
    }
  });
});
