import { configuredProfile, loadConfig, type Settings } from "@reembed/config";
import { chooseDevice, httpDevice, startProfileEmbedder, tryEmbedding } from "@reembed/embedder";
import { followSettings } from "@reembed/migration/settings";
import { startSpendingMeter } from "@reembed/migration/spending";
import { runTasks } from "@reembed/migration/tasks";
import { requireSameServedModel, verifyAsRequested } from "@reembed/migration/verify";
import { createLogger, createMetrics, type Logger } from "@reembed/runtime";
import { describeServer } from "@reembed/store/database";
import { readProfile } from "@reembed/store/profiles";
import { defaultConcurrency, startWorker, WorkerMetrics } from "@reembed/worker";
import { type Command, Option } from "commander";
import { parseDevice, processDevices, threadsOf } from "../hosting/devices.ts";
import { serveOperations } from "../hosting/operations.ts";
import { patienceFor, serveUntilSignal, startLife } from "../hosting/serve.ts";
import { openBareDatabase, openServices, readConfig } from "../hosting/services.ts";
import { supervise } from "../hosting/supervise.ts";
import { waitOption, wholeNumberFrom } from "../options.ts";

const modelTestAfterMs = 60_000;
/**
 * A proxy may break a connection silently: it accepts what is sent, but no answer ever comes. Heartbeat and lock use other
 * connections, so that no other worker would take the batch over. A worker's statements take milliseconds.
 */
const answerWithinMs = 60_000;

interface WorkerFlags {
  profile?: string;
  device: string;
  processes: number;
  concurrency?: number;
  wait: number;
  json?: boolean;
  /** The index of this process among those of a supervisor. */
  member?: number;
  /** CPU threads of one of several members. */
  threads?: number;
}

export function registerWorker(program: Command): void {
  program
    .command("worker")
    .description("embed the batches of one profile; start one worker per device")
    .option("--profile <name>", "profile to embed (default: the candidate)")
    .option("--device <device>", "cpu, webgpu, cuda, cuda:<number>, or cuda:all for every GPU", parseDevice, "cpu")
    .option(
      "--processes <n>",
      "processes per device, which this one keeps running; on a CPU they share the cores",
      wholeNumberFrom(1),
      1,
    )
    .option(
      "--concurrency <batches>",
      "batches to process at a time (default: WORKER_CONCURRENCY, or 4 on a GPU and 2 elsewhere)",
      wholeNumberFrom(1),
    )
    .addOption(waitOption())
    .option("--json", "print one JSON object when it is ready")
    .addOption(new Option("--member <n>").argParser(Number).hideHelp())
    .addOption(new Option("--threads <n>").argParser(Number).hideHelp())
    .action(async (flags: WorkerFlags, command: Command) => {
      const settings = loadConfig(process.env);
      const log = createLogger(settings.logLevel);
      const config = await readConfig(settings, log, { patience: patienceFor(flags.wait, log), asked: flags.profile });
      const asked = command.getOptionValueSource("device") !== "default";
      const profile = configuredProfile(config, flags.profile ?? config.candidate.name);
      const device = chooseDevice(config, profile, flags.device, asked);
      const devices = await processDevices(device, flags.processes);
      if (devices.length > 1) await superviseWorkers(flags, devices, settings, log);
      else await runWorker({ ...flags, device: devices[0] ?? device }, settings, log);
    });
}

async function runWorker(flags: WorkerFlags, settings: Settings, log: Logger): Promise<void> {
  const { member = 0, device, threads } = flags;
  const { telemetry } = settings;
  await serveUntilSignal({ log, name: "worker", json: flags.json, telemetry }, async (scope) => {
    const patience = patienceFor(flags.wait, log);
    const services = scope.use(await openServices(settings, log, { patience, answerWithinMs }));
    const { database, queue, config } = services;
    const wanted = configuredProfile(config, flags.profile ?? config.candidate.name);
    const profile = await patience(describeServer(database), () => readProfile(database, wanted.name));
    const { lockDurationMs } = config.worker;
    const given = { ...settings.worker, concurrency: flags.concurrency ?? settings.worker.concurrency };
    const concurrency = followSettings(
      database,
      { ...settings, worker: given },
      ({ worker }) => worker.concurrency ?? defaultConcurrency(device),
    );
    const registered = createMetrics();
    const metrics = new WorkerMetrics(registered, profile.name);
    const meter = scope.use(startSpendingMeter({ database, config, profile: wanted, log }));
    const { observer } = metrics;
    const embedder = scope.use(await startProfileEmbedder(wanted, config, { device, threads, log, observer, meter }));
    await patience(describeServer(database), () => requireSameServedModel(database, profile, embedder));
    meter?.keepWithinBudget();
    scope.use(await startWorker({ database, profile, embedder, queue, concurrency, lockDurationMs, log, metrics }));
    if (settings.databaseUrl !== undefined) {
      const { maxQuarantinedShare, producer } = config;
      scope.use(
        runTasks({
          ...{ database, kind: "verification", profile: profile.name, log },
          perform: async (name, performing) => {
            // Statements of a worker have a limit, which those over a whole corpus exceed.
            await using patient = await openBareDatabase(settings, log);
            const verifying = { embedder, maxQuarantinedShare, tickMs: producer.tickMs, ...performing };
            return await verifyAsRequested(patient.database, name, verifying);
          },
        }),
      );
    }
    // A model that is working needs no test, and would answer it only after its run.
    const checks = { model: async () => void (metrics.idleMs > modelTestAfterMs && (await tryEmbedding(embedder))) };
    // The members of a supervisor get consecutive ports.
    const operationsPort = config.operationsPort && config.operationsPort + member;
    await serveOperations({ operationsPort }, services, { metrics: registered, checks, log }, scope);
    return { profile: profile.name, device, concurrency: await concurrency() };
  });
}

async function superviseWorkers(
  flags: WorkerFlags,
  devices: readonly string[],
  config: Settings,
  log: Logger,
): Promise<void> {
  const { stopped, begin } = startLife({ log, name: "supervisor" });
  // Checked once here instead of in every process. The embedded database belongs to one process, which is a member.
  if (config.databaseUrl !== undefined) {
    await using _services = await openServices(config, log, { patience: patienceFor(flags.wait, log) });
  }
  begin();
  const passed = [
    "--wait",
    `${flags.wait}`,
    ...(flags.profile === undefined ? [] : ["--profile", flags.profile]),
    ...(flags.concurrency === undefined ? [] : ["--concurrency", `${flags.concurrency}`]),
    ...(flags.json ? ["--json"] : []),
  ];
  const members = devices.map((device, member) => {
    const chosen = device === httpDevice ? [] : ["--device", device];
    const threads = threadsOf(device, devices.length);
    const share = threads === undefined ? [] : ["--threads", `${threads}`];
    return ["worker", ...chosen, "--member", `${member}`, ...share, ...passed];
  });
  log.info({ devices }, "supervisor ready");
  process.exitCode = await supervise({ members, log, stopped });
}
