/**
 * What our statements and the parsing of their answers rely on, whatever a role, a database or a server has for default:
 * how dates, bytes and floats are written, the time zone, that nothing ends a statement or an idle connection by itself,
 * and that a statement sees what was committed before it.
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
  // Of PostgreSQL 17.
  transaction_timeout: "0",
  default_transaction_isolation: "read committed",
};

/**
 * To be run once on every new connection. It is no startup parameter, most of which a pooler refuses; and it sets only
 * what differs, so that through a pooler, which hands sessions on, nothing is left in them for the next client.
 */
export const prepareSessionStatement = `
  select set_config(name, wanted, false)
  from (values ${Object.entries(sessionSettings)
    .map(([name, wanted]) => `('${name}', '${wanted}')`)
    .join(", ")}) as settings (name, wanted)
  where current_setting(name, true) <> wanted`;
