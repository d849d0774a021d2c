import { chunkingName, ReembedError } from "@reembed/core";
import { describe, expect, test } from "vitest";
import { loadConfig } from "./config.ts";
import { activeProfiles, withProfiles } from "./with-profiles.ts";

/** The error of an environment that is refused. */
function refusal(variables: NodeJS.ProcessEnv): ReembedError {
  try {
    loadConfig(variables);
  } catch (error) {
    if (error instanceof ReembedError) return error;
    throw error;
  }
  throw new Error("The environment was accepted");
}

/** The lines of the error that name the problems. */
function problems(variables: NodeJS.ProcessEnv): string[] {
  return refusal(variables)
    .message.split("\n")
    .slice(1)
    .map((line) => line.replace("  - ", ""));
}

describe("an environment", () => {
  test("without variables migrates rubert-tiny2 to bge-m3 in the embedded database", () => {
    const config = loadConfig({});
    expect(config).toMatchObject({ databaseUrl: undefined, redisUrl: undefined });
    expect(activeProfiles(withProfiles(config)).map(({ name }) => name)).toEqual(["rubert-tiny2", "bge-m3"]);
  });

  test("has all its bad variables reported together, including those that contradict each other", () => {
    const error = refusal({
      DATABASE_URL: "mysql://user:hunter2@host/db",
      REDIS_URL: "hunter2",
      HF_ENDPOINT: "ftp://user:hunter2@hub",
      BATCH_SIZE: "0.5",
      TICK_SECONDS: "often",
      SEARCH_LIMIT: "1000",
      LOG_LEVEL: "loud",
      BASELINE_PROFILE: "Old",
    });
    expect(error).toMatchObject({ code: "environment_invalid", exitCode: 2 });
    expect(error.remedy).toContain(".env.example");
    expect(error.message.split("\n")).toEqual([
      "The environment has 8 bad settings:",
      "  - DATABASE_URL must be an address like postgresql://user:password@host:5432/database",
      "  - REDIS_URL must be an address like redis://:password@host:6379, or rediss:// for TLS",
      "  - BASELINE_PROFILE must be the name of a profile, of lower-case letters, digits and hyphens, not Old",
      "  - SEARCH_LIMIT must be a whole number from 1 to 200, not 1000",
      "  - HF_ENDPOINT must be an address like https://huggingface.co",
      "  - BATCH_SIZE must be a whole number from 1 to 1000, not 0.5",
      "  - TICK_SECONDS must be a number from 0.05 to 3600, not often",
      "  - LOG_LEVEL must be one of debug, info, warn, error, silent, not loud",
    ]);
    expect(problems({ BATCH_SIZE: "0", EMBEDDING_DIMENSION: "768", REDIS_URL: "redis://host" })).toEqual([
      "BATCH_SIZE must be a whole number from 1 to 1000, not 0",
      "REDIS_URL is set without DATABASE_URL: the embedded database has its own queue",
      "EMBEDDING_DIMENSION is 768, but BAAI/bge-m3 has 1024 dimensions",
    ]);
  });

  test("has the parts of its addresses checked too", () => {
    const missing = "/nowhere/ca.pem";
    const DATABASE_URL = `postgresql://u:hunter2%bc@db/corpus?sslmode=allow&sslrootcert=${missing}`;
    expect(problems({ DATABASE_URL, REDIS_URL: "redis://:hunter2%@cache/first" })).toEqual([
      expect.stringMatching(/^DATABASE_URL has a % in its password .* as %25$/),
      expect.stringMatching(/^DATABASE_URL has an sslmode other than disable, .*no-verify$/),
      expect.stringMatching(/^DATABASE_URL names a file in sslrootcert that cannot be read: ENOENT.*ca\.pem/),
      expect.stringMatching(/^REDIS_URL has a % in its password/),
      expect.stringMatching(/^REDIS_URL has a path other than the number of a database/),
    ]);
    expect(refusal({ DATABASE_URL }).message).not.toContain("hunter2");
    const right = {
      DATABASE_URL: "postgresql://u:%25%D1%8F@db/corpus?sslmode=require",
      REDIS_URL: "redis://:%25@cache/0",
    };
    expect(loadConfig(right)).toMatchObject({ databaseUrl: right.DATABASE_URL, redisUrl: right.REDIS_URL });
  });

  test("keeps possible secrets out of its errors", () => {
    const secrets = {
      DATABASE_URL: "postgres//user:hunter2@host/db",
      REDIS_URL: "redis//:hunter2@host",
      HF_ENDPOINT: "hunter2",
      EMBEDDING_ENDPOINT: "http://user:hunter2@tei/v1",
      EMBEDDING_API_KEY: "hunter2 ",
    };
    const error = refusal({ ...secrets, HF_TOKEN: "hunter2", DASHBOARD_PASSWORD: "hunter2" });
    expect(problems(secrets)).toHaveLength(5);
    expect(JSON.stringify([error.message, error.remedy, error.cause])).not.toContain("hunter2");
  });

  test("counts an empty variable, or one of spaces, as unset", () => {
    const names = [
      "DATABASE_URL",
      "REDIS_URL",
      "CANDIDATE_PROFILE",
      "SIMILARITY_THRESHOLD",
      "BATCH_SIZE",
      "MODELS_DIR",
    ];
    for (const empty of ["", "  "]) {
      expect(loadConfig(Object.fromEntries(names.map((name) => [name, empty])))).toEqual(loadConfig({}));
    }
  });

  test("gives viewers a password only if admins have a different one, and both are long enough", () => {
    const both = { DASHBOARD_PASSWORD: "correct horse", DASHBOARD_VIEWER_PASSWORD: "just looking" };
    expect(loadConfig(both).dashboard).toMatchObject({ password: "correct horse", viewerPassword: "just looking" });
    expect(problems({ DASHBOARD_VIEWER_PASSWORD: "just looking" })).toEqual([
      expect.stringContaining("DASHBOARD_VIEWER_PASSWORD is set without DASHBOARD_PASSWORD"),
    ]);
    expect(problems({ ...both, DASHBOARD_VIEWER_PASSWORD: "correct horse" })).toEqual([
      expect.stringContaining("DASHBOARD_VIEWER_PASSWORD must not be DASHBOARD_PASSWORD"),
    ]);
    expect(problems({ DASHBOARD_PASSWORD: "short" })).toEqual(["DASHBOARD_PASSWORD must have 8 characters or more"]);
  });

  test("gives each role another password, and believes proxies that tell users only beside an admin's", () => {
    const all = {
      ...{ DASHBOARD_PASSWORD: "correct horse", DASHBOARD_OPERATOR_PASSWORD: "steady hand" },
      ...{ DASHBOARD_VIEWER_PASSWORD: "just looking", DASHBOARD_USER_PROXIES: "10.0.0.0/8, ::1" },
    };
    expect(loadConfig(all).dashboard).toMatchObject({
      ...{ operatorPassword: "steady hand", userProxies: ["10.0.0.0/8", "::1"], userRole: "viewer" },
    });
    const { DASHBOARD_PASSWORD: _, ...open } = all;
    expect(problems(open)).toEqual([
      expect.stringContaining("DASHBOARD_OPERATOR_PASSWORD is set without DASHBOARD_PASSWORD"),
      expect.stringContaining("DASHBOARD_VIEWER_PASSWORD is set without DASHBOARD_PASSWORD"),
      expect.stringContaining("DASHBOARD_USER_PROXIES is set without DASHBOARD_PASSWORD"),
    ]);
    expect(problems({ ...all, DASHBOARD_OPERATOR_PASSWORD: "correct horse" })).toEqual([
      "DASHBOARD_OPERATOR_PASSWORD must not be DASHBOARD_PASSWORD: it would make every operator an admin",
    ]);
    expect(problems({ ...all, DASHBOARD_VIEWER_PASSWORD: "steady hand" })).toEqual([
      "DASHBOARD_VIEWER_PASSWORD must not be DASHBOARD_OPERATOR_PASSWORD: it would make every viewer an operator",
    ]);
    expect(problems({ ...all, DASHBOARD_USER_PROXIES: "1", DASHBOARD_USER_ROLE: "root" })).toEqual([
      "DASHBOARD_USER_PROXIES must be addresses or subnets, such as 10.0.0.0/8,::1, not 1",
      "DASHBOARD_USER_ROLE must be one of viewer, operator, admin, not root",
    ]);
  });

  test("gives proxies by their number or by their addresses", () => {
    const proxiesOf = (TRUSTED_PROXIES: string) => loadConfig({ TRUSTED_PROXIES }).trustedProxies;
    expect(loadConfig({}).trustedProxies).toBeUndefined();
    expect(proxiesOf("2")).toBe(2);
    expect(proxiesOf("10.0.0.0/8, ::1,fd00::/8")).toEqual(["10.0.0.0/8", "::1", "fd00::/8"]);
    for (const bad of ["0", "11", "true", "proxy.example", "10.0.0.0/33", "::1/129", "10.0.0.1,", "10.0.0.0/8/8"]) {
      expect([bad, ...problems({ TRUSTED_PROXIES: bad })]).toEqual([
        bad,
        expect.stringMatching(/^TRUSTED_PROXIES must be the number/),
      ]);
    }
  });

  test("accepts paths below which another site serves us, with or without a trailing slash", () => {
    const { dashboard, search } = loadConfig({ DASHBOARD_PATH: "/tools/reembed/", SEARCH_PATH: "/search" });
    expect([dashboard.basePath, search.basePath]).toEqual(["/tools/reembed", "/search"]);
    expect(loadConfig({}).dashboard.basePath).toBe("");
    for (const bad of ["reembed", "/", "//elsewhere", "/a b", "/a?b", "https://host/reembed", "/..", "/./x"]) {
      expect([bad, ...problems({ DASHBOARD_PATH: bad })]).toEqual([bad, expect.stringMatching(/must be a path like/)]);
    }
    for (const [name, bad] of [
      ["SEARCH_PATH", "/v1"],
      ["DASHBOARD_PATH", "/board/x"],
    ] as const) {
      expect(problems({ [name]: bad })).toEqual([expect.stringMatching(/must not begin with a path of the pages/)]);
    }
  });

  test("with a Redis also needs a database", () => {
    const redis = { REDIS_URL: "redis://host" };
    expect(problems(redis)).toEqual([expect.stringContaining("REDIS_URL is set without DATABASE_URL")]);
    expect(loadConfig({ ...redis, DATABASE_URL: "postgresql://host/db" }).redisUrl).toBe("redis://host");
  });

  test("may have a schema of its own in a database, whose name leaves room for what begins with it", () => {
    const DATABASE_URL = "postgresql://u@db/corpus";
    expect(loadConfig({ DATABASE_URL }).schema).toBe("reembed");
    expect(loadConfig({ DATABASE_URL, REEMBED_SCHEMA: "reembed_notes_2" }).schema).toBe("reembed_notes_2");
    const longest = `reembed_${"a".repeat(32)}`;
    expect(loadConfig({ DATABASE_URL, REEMBED_SCHEMA: longest }).schema).toBe(longest);
    for (const bad of ["notes", "Reembed_notes", "reembed_", "reembed-notes", "reembed_old_notes", "reembed_a_new"]) {
      expect(problems({ DATABASE_URL, REEMBED_SCHEMA: bad })).toEqual([
        expect.stringMatching(/^REEMBED_SCHEMA must be a name like reembed_pages, .* not /),
      ]);
    }
    expect(problems({ DATABASE_URL, REEMBED_SCHEMA: `${longest}a` })).toHaveLength(1);
    expect(problems({ REEMBED_SCHEMA: "reembed_notes" })).toEqual([
      expect.stringMatching(/^REEMBED_SCHEMA is set without DATABASE_URL/),
    ]);
  });

  test("may name a webhook with the secret that signs for it, and neither alone", () => {
    const [url, secret] = ["https://hooks.example/reembed?key=hunter2", `whsec_${Buffer.alloc(24).toString("base64")}`];
    expect(loadConfig({ WEBHOOK_URL: url, WEBHOOK_SECRET: secret }).webhook).toEqual({ url, secret });
    expect(problems({ WEBHOOK_URL: url })).toEqual([
      "WEBHOOK_URL is set without WEBHOOK_SECRET: its receiver could not tell who sends",
    ]);
    expect(problems({ WEBHOOK_SECRET: secret })).toEqual([
      "WEBHOOK_SECRET is set without WEBHOOK_URL: nothing would be sent",
    ]);
    const short = `whsec_${Buffer.alloc(23).toString("base64")}`;
    for (const bad of ["hunter2", short, `${secret}=`, secret.slice("whsec_".length)]) {
      expect(problems({ WEBHOOK_URL: "ftp://user:hunter2@host", WEBHOOK_SECRET: bad })).toEqual([
        "WEBHOOK_URL must be an address like https://hooks.example/reembed, without user and password",
        "WEBHOOK_SECRET must be whsec_ and 24 to 64 random bytes in base64",
      ]);
    }
  });

  test("may name a server that embeds for the candidate", () => {
    const settings = { EMBEDDING_ENDPOINT: "http://tei:8080/v1", EMBEDDING_REQUEST_TEXTS: "16" };
    const server = {
      ...{ variables: "EMBEDDING", endpoint: "http://tei:8080/v1", apiKey: undefined, servedModel: undefined },
      ...{ price: undefined, traced: false },
      ...{ requestTexts: 16, requestsInFlight: 4, tokensPerMinute: undefined, requestsPerMinute: undefined },
    };
    expect(loadConfig(settings).embeddingServers.candidate).toEqual(server);
    const named = { EMBEDDING_API_KEY: "sk-1", EMBEDDING_ENDPOINT_MODEL: "bge-m3", EMBEDDING_PRICE: "0.02" };
    const traced = { EMBEDDING_TRACEPARENT: "true", BASELINE_EMBEDDING_TRACEPARENT: "false" };
    expect(loadConfig({ ...settings, ...named }).embeddingServers.candidate).toEqual({
      ...{ ...server, apiKey: "sk-1", servedModel: "bge-m3", price: 0.02 },
    });
    expect(loadConfig({ ...settings, ...traced }).embeddingServers).toMatchObject({
      ...{ candidate: { ...server, traced: true }, baseline: { traced: false } },
    });
    const limits = { EMBEDDING_TOKENS_PER_MINUTE: "1000000", EMBEDDING_REQUESTS_PER_MINUTE: "3000" };
    expect(loadConfig({ ...settings, ...limits }).embeddingServers.candidate).toEqual({
      ...{ ...server, tokensPerMinute: 1_000_000, requestsPerMinute: 3_000 },
    });
    expect(loadConfig({}).embeddingServers).toMatchObject({
      ...{ candidate: { endpoint: undefined }, baseline: { endpoint: undefined } },
    });
    expect(problems({ EMBEDDING_ENDPOINT: "tei:8080" })).toEqual([
      "EMBEDDING_ENDPOINT must be an address like http://tei:8080/v1, without user and password",
    ]);
  });

  test("may name a server that embeds for the baseline, with a key of its own", () => {
    const settings = { BASELINE_EMBEDDING_ENDPOINT: "https://api.openai.com/v1", EMBEDDING_API_KEY: "sk-other" };
    const { baseline, candidate } = loadConfig({ ...settings, BASELINE_EMBEDDING_API_KEY: "sk-1" }).embeddingServers;
    expect(baseline).toMatchObject({ variables: "BASELINE_EMBEDDING", apiKey: "sk-1" });
    expect(candidate.endpoint).toBeUndefined();
    expect(loadConfig(settings).embeddingServers.baseline.apiKey).toBeUndefined();
  });

  test("overrides a command's defaults, which override the usual defaults", () => {
    const config = loadConfig({ LOG_LEVEL: "debug", BATCH_SIZE: "" }, { LOG_LEVEL: "warn", BATCH_SIZE: "7" });
    expect(config).toMatchObject({ logLevel: "debug", producer: { batchSize: 7 } });
  });

  test("gives locks in the embedded database more time, because PGlite blocks, unless it sets the time", () => {
    const lockOf = (variables: NodeJS.ProcessEnv) => loadConfig(variables).worker.lockDurationMs;
    expect(lockOf({})).toBe(60_000);
    expect(lockOf({ DATABASE_URL: "postgresql://host/db" })).toBe(8_000);
    expect(lockOf({ LOCK_SECONDS: "0.5" })).toBe(500);
  });
});

describe("the migration plan's variables", () => {
  test("refuse dimensions that the model does not have, and models that are not registered", () => {
    expect(problems({ EMBEDDING_MODEL: "cointegrated/rubert-tiny2", EMBEDDING_DIMENSION: "1024" })).toEqual([
      "EMBEDDING_DIMENSION is 1024, but cointegrated/rubert-tiny2 has 312 dimensions",
    ]);
    expect(() => withProfiles(loadConfig({ EMBEDDING_MODEL: "BAAI/bge-m4" }))).toThrow(
      /^EMBEDDING_MODEL is BAAI\/bge-m4, and no profile has that model$/,
    );
  });

  test("make another profile if the chunking differs, and the same one if it does not", () => {
    const candidateOf = (variables: NodeJS.ProcessEnv) => withProfiles(loadConfig(variables)).candidate;
    const rechunked = candidateOf({ MAX_CHUNK_SIZE: "3000" });
    expect(rechunked.name).toBe("bge-m3-3000-300");
    expect(chunkingName(rechunked.chunking)).toBe("3000-300");
    expect(candidateOf({ CHUNK_OVERLAP: "0" }).name).toBe("bge-m3-6000-0");
    expect(candidateOf({ MAX_CHUNK_SIZE: "6000", CHUNK_OVERLAP: "300" }).name).toBe("bge-m3");
    expect(problems({ MAX_CHUNK_SIZE: "500" })).toEqual([
      "CHUNK_OVERLAP is 300, more than half of MAX_CHUNK_SIZE, which is 500",
    ]);
  });

  test("change the candidate's search settings, but not the baseline's and not the candidate's name", () => {
    const search = { SEARCH_LIMIT: "7", SIMILARITY_THRESHOLD: "-0.5" };
    const { baseline, candidate } = withProfiles(loadConfig(search));
    expect(candidate).toMatchObject({ name: "bge-m3", limit: 7, threshold: -0.5 });
    expect(baseline).toMatchObject({ limit: 25, threshold: 0.4 });
    expect(withProfiles(loadConfig({ SIMILARITY_THRESHOLD: "0" })).candidate.threshold).toBe(0);
    expect(problems({ SIMILARITY_THRESHOLD: "1.5" })).toEqual([
      "SIMILARITY_THRESHOLD must be a number from -1 to 1, not 1.5",
    ]);
  });
});
