/**
 * Session settings that our statements and the parsing of their answers rely on. They are set explicitly because a role,
 * a database or a server may have other defaults: the format of dates, bytes and floats, the time zone, no timeout that
 * ends a statement or an idle connection, and an isolation level at which a statement sees what was committed before it.
 */
export const sessionSettings: Readonly<Record<string, string>> = {
  DateStyle: "ISO, MDY",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  client_encoding: "UTF8",
  bytea_output: "hex",
  extra_float_digits: "1",
  standard_conforming_strings: "on",
  array_nulls: "on",
  quote_all_identifiers: "off",
  statement_timeout: "0",
  lock_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  // Exists since PostgreSQL 17.
  transaction_timeout: "0",
  default_transaction_isolation: "read committed",
};

/**
 * Runs once on every new connection. These are not startup parameters, because poolers refuse most of them. Only
 * settings that differ are set: a pooler passes sessions on, and the next client should find nothing changed.
 */
export const prepareSessionStatement = `
  select set_config(name, wanted, false)
  from (values ${Object.entries(sessionSettings)
    .map(([name, wanted]) => `('${name}', '${wanted}')`)
    .join(", ")}) as settings (name, wanted)
  where current_setting(name, true) <> wanted`;
