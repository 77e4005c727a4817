-- X-Api-Keys of clients. `digest` is that of the value that works, `previous_digest` that of the value
-- before the last rotation.
CREATE TABLE api_keys (
  id              TEXT    NOT NULL PRIMARY KEY,
  client_id       TEXT    NOT NULL,
  alias           TEXT    NOT NULL,
  digest          TEXT    NOT NULL UNIQUE,
  previous_digest TEXT,
  created_at      INTEGER NOT NULL,
  expires_at      INTEGER NOT NULL,
  search          TEXT    NOT NULL,
  UNIQUE (client_id, alias)
) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_previous_digest ON api_keys (previous_digest)
  WHERE previous_digest IS NOT NULL;
CREATE INDEX api_keys_alias ON api_keys (alias);
CREATE INDEX api_keys_created_at ON api_keys (created_at);
CREATE INDEX api_keys_expires_at ON api_keys (expires_at);
