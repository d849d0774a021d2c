import { globSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { checkVariables, complaintAbout, readYaml, root, unknownSeries, type Variables } from "./deployment-files.ts";
import { type Role, readSettingSections } from "./setting-sections.ts";

type Labels = Record<string, string>;
interface Probe {
  httpGet: { path: string; port: string };
}
interface Container {
  name: string;
  image: string;
  args: string[];
  envFrom?: { configMapRef: { name: string } }[];
  env: { name: string; value?: string; valueFrom?: { secretKeyRef: { name: string; key: string } } }[];
  ports?: { name: string; containerPort: number }[];
  startupProbe?: Probe;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  resources: { requests: Record<string, string>; limits: Record<string, string | number> };
  volumeMounts: { name: string }[];
}
interface PodSpec {
  terminationGracePeriodSeconds?: number;
  restartPolicy?: string;
  nodeSelector?: Labels;
  tolerations?: { key: string }[];
  containers: Container[];
  volumes: { name: string; persistentVolumeClaim?: { claimName: string } }[];
}
interface Resource {
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Labels };
  data?: Record<string, string>;
  stringData?: Record<string, string>;
  spec: {
    replicas?: number;
    selector: Labels & { matchLabels: Labels };
    template: { metadata: { labels: Labels }; spec: PodSpec };
    scaleTargetRef: { name: string };
    triggers: { metadata: { query: string } }[];
    ports: { targetPort: string }[];
    podMetricsEndpoints: { port: string }[];
  };
}
interface Kustomization {
  namespace: string;
  resources: string[];
  images: { name: string }[];
  labels: { pairs: Labels; includeTemplates: boolean }[];
}

const folder = "deploy/kubernetes";
const [kustomization] = readYaml<Kustomization>(`${folder}/kustomization.yaml`);
const base = (kustomization?.resources ?? []).flatMap((path) => readYaml<Resource>(`${folder}/${path}`));
const optional = globSync(`${folder}/optional/*.yaml`, { cwd: root }).flatMap((path) => readYaml<Resource>(path));
const [secret] = readYaml<Resource>(`${folder}/secret.example.yaml`);

const ofKind = (...kinds: string[]) => [...base, ...optional].filter(({ kind }) => kinds.includes(kind));
const named = (kind: string, name: string) => ofKind(kind).find(({ metadata }) => metadata.name === name);
const deployments = ofKind("Deployment").map((resource) => [resource.metadata.name, resource] as const);
const workloads = ofKind("Deployment", "Job").map((resource) => [resource.metadata.name, resource] as const);
const containers = workloads.flatMap(([workload, { spec }]) =>
  spec.template.spec.containers.map((container) => [`${workload}/${container.name}`, container, spec] as const),
);
const variablesOf = ({ envFrom = [], env }: Container): Variables => ({
  ...Object.assign({}, ...envFrom.map(({ configMapRef }) => named("ConfigMap", configMapRef.name)?.data)),
  ...Object.fromEntries(
    env.map(({ name, value, valueFrom }) => [name, value ?? secret?.stringData?.[valueFrom?.secretKeyRef.key ?? ""]]),
  ),
});

const sections = readSettingSections();
const containersOf: Record<Role, readonly string[]> = {
  init: ["reembed-init/reembed-init"],
  producer: ["reembed-producer/reembed-producer"],
  worker: ["reembed-worker-cpu/reembed-worker-cpu", "reembed-worker-gpu/reembed-worker-gpu"],
  search: ["reembed-search/reembed-search"],
  dashboard: ["reembed-dashboard/reembed-dashboard"],
  pull: ["reembed-model-pull/rubert-tiny2", "reembed-model-pull/bge-m3"],
};
/** What nobody may read who may read settings. */
const isSecret = (name: string) => /_(URL|KEY|TOKEN|PASSWORD|SECRET)$/.test(name);

/** Whatever is written into the settings reaches a container that takes all of them; a secret has a name of its own. */
function takes(container: Container | undefined, name: string): boolean {
  const own = container?.env.find((variable) => variable.name === name);
  if (isSecret(name)) return own?.valueFrom?.secretKeyRef.key === name;
  return (
    own !== undefined || (container?.envFrom ?? []).some(({ configMapRef }) => configMapRef.name === "reembed-settings")
  );
}

describe("the kustomization", () => {
  test("names every manifest in its folder", () => {
    const manifests = globSync("*.yaml", { cwd: `${root}/${folder}` });
    const others = ["kustomization.yaml", "secret.example.yaml"];
    expect(manifests.filter((path) => !others.includes(path)).sort()).toEqual(
      [...(kustomization?.resources ?? [])].sort(),
    );
  });

  test("has the same namespace as the manifests that are applied separately", () => {
    expect(base.find(({ kind }) => kind === "Namespace")?.metadata.name).toBe(kustomization?.namespace);
    for (const resource of [...optional, secret]) expect(resource?.metadata.namespace).toBe(kustomization?.namespace);
  });
});

describe("containers", () => {
  test.each(containers)("%s gets only variables that Reembed reads, with valid values", (_, container) => {
    const variables = variablesOf(container);
    expect(checkVariables(variables).unknown).toEqual([]);
    expect(Object.entries(variables).filter(([, value]) => value === undefined)).toEqual([]);
  });

  test.each(sections)(
    "every setting under $title in .env.example reaches the containers that need it",
    ({ names, roles }) => {
      expect(roles, "a section that this test does not know").not.toEqual([]);
      const missing = roles
        .flatMap((role) => containersOf[role])
        .flatMap((place) => {
          const [, container] = containers.find(([known]) => known === place) ?? [];
          // A search does not use the queue, and starts while Redis is away.
          const wanted = names.filter((name) => !(place.startsWith("reembed-search") && name === "REDIS_URL"));
          return wanted.filter((name) => !takes(container, name)).map((name) => `${place}: ${name}`);
        });
      expect(missing).toEqual([]);
    },
  );

  test.each(containers)("%s runs an existing command", async (_, container) => {
    const variables = variablesOf(container);
    const parameters = container.args.map((word) => word.replace(/^\$\((\w+)\)$/, (_, name) => `${variables[name]}`));
    expect(await complaintAbout(parameters)).toBe("");
  });

  test.each(containers)(
    "%s has an image that the kustomization sets, and resource limits",
    (_, { image, resources }) => {
      expect(kustomization?.images.map(({ name }) => name)).toContain(image);
      expect(Object.keys(resources.requests)).toEqual(["cpu", "memory"]);
      expect(resources.limits).toHaveProperty("memory");
    },
  );

  test.each(containers)("%s has no privileges, and writes only to its volumes", (_, container, { template }) => {
    expect(container).toMatchObject({
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      },
    });
    expect(template.spec).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        fsGroup: 1000,
        seccompProfile: { type: "RuntimeDefault" },
      },
    });
    const volumes = template.spec.volumes.map(({ name }) => name);
    expect(container.volumeMounts.map(({ name }) => name).sort()).toEqual(volumes.sort());
  });

  test.each(workloads)("%s gets no variables with the addresses of services", (_, { spec }) => {
    expect(spec.template.spec).toMatchObject({ enableServiceLinks: false });
  });

  test.each(workloads)("%s claims existing volumes", (_, { spec }) => {
    for (const { persistentVolumeClaim: claim } of spec.template.spec.volumes) {
      if (claim) expect(named("PersistentVolumeClaim", claim.claimName)).toBeDefined();
    }
  });
});

describe("deployments", () => {
  test.each(deployments)("%s selects its own pods and no others", (name, { spec, metadata }) => {
    const labels = { "app.kubernetes.io/name": name };
    expect([metadata.labels, spec.selector.matchLabels, spec.template.metadata.labels]).toEqual([
      labels,
      labels,
      labels,
    ]);
  });

  test.each(deployments)("%s is probed on the port that it serves", (_, { spec }) => {
    for (const container of spec.template.spec.containers) {
      const { startupProbe, livenessProbe, readinessProbe, ports } = container;
      expect([startupProbe, livenessProbe, readinessProbe].map((probe) => probe?.httpGet)).toEqual([
        { path: "/healthz", port: "operations" },
        { path: "/healthz", port: "operations" },
        { path: "/readyz", port: "operations" },
      ]);
      const port = Number(variablesOf(container).OPERATIONS_PORT);
      expect(ports).toContainEqual({ name: "operations", containerPort: port });
    }
  });

  test.each(deployments)("%s gets more time to stop than the 14 s after which it ends by itself", (_, { spec }) => {
    expect(spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(15);
  });

  test("of producers, GPU workers and searches have a disruption budget", () => {
    const budgets = ofKind("PodDisruptionBudget");
    expect(budgets.map(({ metadata }) => metadata.name)).toEqual([
      "reembed-producer",
      "reembed-worker-gpu",
      "reembed-search",
    ]);
    for (const { metadata, spec } of budgets) {
      expect(named("Deployment", metadata.name)?.spec.selector).toEqual(spec.selector);
    }
  });

  test("of GPU workers request one GPU per pod on nodes with GPUs", () => {
    const spec = named("Deployment", "reembed-worker-gpu")?.spec;
    expect(spec?.template.spec.containers[0]?.resources.limits).toMatchObject({ "nvidia.com/gpu": 1 });
    expect(spec?.template.spec.nodeSelector).toEqual({ "nvidia.com/gpu.present": "true" });
    expect(spec?.template.spec.tolerations?.map(({ key }) => key)).toEqual(["nvidia.com/gpu"]);
  });
});

describe("what refers to deployments", () => {
  test.each(ofKind("Service").map(({ metadata, spec }) => [metadata.name, spec] as const))(
    "the service %s selects the deployment of its name and one of its ports",
    (name, spec) => {
      const deployment = named("Deployment", name)?.spec;
      expect(spec.selector).toEqual(deployment?.selector.matchLabels);
      const ports = deployment?.template.spec.containers[0]?.ports?.map((port) => port.name);
      expect(ports).toContain(spec.ports[0]?.targetPort);
    },
  );

  test("the autoscaler scales a deployment without a number of replicas, by an existing metric", () => {
    const [scaler] = ofKind("ScaledObject");
    const target = named("Deployment", scaler?.spec.scaleTargetRef.name ?? "");
    expect(target?.spec).not.toHaveProperty("replicas");
    const query = scaler?.spec.triggers[0]?.metadata.query ?? "";
    expect(query).toContain('reembed_queue_jobs{profile="bge-m3",state=~"waiting|active"}');
    expect(unknownSeries(query)).toEqual([]);
    expect(query).toContain(`"${named("ConfigMap", "reembed-settings")?.data?.CANDIDATE_PROFILE}"`);
  });

  test("the monitor selects pods by the label that the kustomization sets", () => {
    const [monitor] = ofKind("PodMonitor");
    const [labels] = kustomization?.labels ?? [];
    expect(labels).toEqual({ pairs: monitor?.spec.selector.matchLabels, includeTemplates: true });
    expect(monitor?.spec.podMetricsEndpoints.map(({ port }) => port)).toEqual(["operations"]);
  });
});
