import { describe, expect, test } from "vitest";
import { checkVariables, complaintAbout, readText, readYaml, type Variables } from "./deployment-files.ts";
import { type Role, readSettingSections } from "./setting-sections.ts";

interface Service {
  image: string;
  build?: { context: string; target: string };
  command?: string[];
  restart?: string;
  stop_grace_period?: string;
  environment?: Variables;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { disable?: boolean; test?: string[] };
  ports?: string[];
  volumes?: string[];
  container_name?: string;
}
interface ComposeFile {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

const files = ["docker-compose.yml", "deploy/docker-compose.fleet.yml"].flatMap((path) => readYaml<ComposeFile>(path));
const services = new Map(files.flatMap((file) => Object.entries(file.services)));
const volumes = new Set(files.flatMap((file) => Object.keys(file.volumes)));
const ours = [...services].filter(([, { image }]) => image.startsWith("reembed"));
/** Services that run until they are stopped. */
const processes = ours.filter(([, { restart }]) => restart !== "no");

const sections = readSettingSections();
const containersOf: Record<Role, readonly string[]> = {
  init: ["init"],
  producer: ["producer"],
  worker: ["worker", "worker-baseline", "worker-gpu"],
  search: ["search"],
  dashboard: ["dashboard"],
  pull: ["pull"],
};

/** Interpolates as Compose does with an empty environment: `${NAME:-default}` is its default, and demanded values exist. */
function interpolate(value: string): string {
  return value.replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, _name, kind, word) =>
    kind === "-" ? word : "something",
  );
}

describe("the servers by themselves", () => {
  test("need no variable, so that `docker compose up` needs nothing", () => {
    expect(readText("docker-compose.yml")).not.toContain(":?");
  });

  test("include a Redis that neither evicts nor loses jobs", () => {
    expect(services.get("redis")?.command?.join(" ")).toContain("--maxmemory-policy noeviction --appendonly yes");
  });

  test("have a PostgreSQL with shared memory for parallel builds of an index", () => {
    expect(services.get("postgres")).toMatchObject({ shm_size: "1gb" });
  });
});

describe("the fleet", () => {
  test.each(ours)("%s sets only variables that Reembed reads, to valid values", (_, { environment = {} }) => {
    const values = Object.entries(environment).map(([name, value]) => [
      name,
      typeof value === "string" ? interpolate(value) : value,
    ]);
    expect(checkVariables(Object.fromEntries(values)).unknown).toEqual([]);
  });

  test.each(sections)("every setting under $title in .env.example reaches who needs it", ({ names, roles }) => {
    expect(roles, "a section that this test does not know").not.toEqual([]);
    const missing = roles
      .flatMap((role) => containersOf[role])
      .flatMap((container) =>
        names
          .filter((name) => !(name in (services.get(container)?.environment ?? {})))
          .map((name) => `${container}: ${name}`),
      );
    expect(missing).toEqual([]);
  });

  test.each(ours)("%s runs an existing command", async (_, { command = [] }) => {
    expect(await complaintAbout(command.map(interpolate))).toBe("");
  });

  test.each(processes)("%s gets more time to stop than the 14 s after which it ends by itself", (_, service) => {
    expect(Number.parseInt(service.stop_grace_period ?? "", 10)).toBeGreaterThan(15);
  });

  test.each(processes)("%s has a health check on the port that it serves", (_, { environment, healthcheck }) => {
    expect(healthcheck?.test?.join(" ")).toContain(`http://127.0.0.1:${environment?.OPERATIONS_PORT}/healthz`);
  });

  test.each(processes)("%s may be started more than once", (_, { container_name }) => {
    expect(container_name).toBeUndefined();
  });

  test.each(ours)("%s is built as a target of the Dockerfile", (_, { image, build }) => {
    expect(image).toBe(`reembed:${build?.target}`);
    expect(readText("Dockerfile")).toMatch(new RegExp(`^FROM .* AS ${build?.target}$`, "m"));
  });

  test.each([
    ["dashboard", "DASHBOARD_PASSWORD"],
    ["search", "SEARCH_API_KEY"],
  ])("requires a secret for its %s, because that listens on every address", (name, secret) => {
    const service = services.get(name);
    expect(service?.command?.join(" ")).toContain("--host 0.0.0.0");
    expect(service?.environment?.[secret]).toMatch(new RegExp(`^\\$\\{${secret}:\\?.+\\}$`));
  });
});

describe("all services", () => {
  test.each([...services])("%s waits only for existing services that have a health check", (_, { depends_on = {} }) => {
    for (const [name, { condition }] of Object.entries(depends_on)) {
      const other = services.get(name);
      if (condition === "service_healthy") expect(other?.healthcheck?.test, name).toBeDefined();
      else expect([condition, other?.restart], name).toEqual(["service_completed_successfully", "no"]);
    }
  });

  test.each([...services])("%s is published on loopback only, if at all", (_, { ports = [] }) => {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test.each([...services])("%s mounts volumes that are declared", (_, { volumes: mounts = [] }) => {
    for (const mount of mounts) expect(volumes).toContain(mount.split(":")[0]);
  });
});
