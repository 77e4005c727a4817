-- Recorded decisions: columns for what lists filter and sort by, the rest as JSON. Lists read an index
-- in its order and stop at the end of the page; counts need nothing but the index. A null reason is a
-- sample of the calls that were allowed.
CREATE TABLE decisions (
  decision_id TEXT    NOT NULL PRIMARY KEY,
  at          INTEGER NOT NULL,
  reason      TEXT,
  client_id   TEXT,
  address     TEXT,
  expires_at  INTEGER NOT NULL,
  document    TEXT    NOT NULL
) STRICT;
CREATE INDEX decisions_at ON decisions (at, decision_id, expires_at, reason)
  WHERE reason IS NOT NULL;
CREATE INDEX decisions_client ON decisions (client_id, at, decision_id, expires_at, reason)
  WHERE reason IS NOT NULL;
CREATE INDEX decisions_address ON decisions (address, at, decision_id, expires_at, reason)
  WHERE reason IS NOT NULL;
-- These two serve the allowed ones as well.
CREATE INDEX decisions_reason ON decisions (reason, at, decision_id, expires_at);
CREATE INDEX decisions_client_reason ON decisions (client_id, reason, at, decision_id, expires_at);
CREATE INDEX decisions_expires_at ON decisions (expires_at);

-- Calls of a client to an API within the hour that starts then. An empty api_id is no API: columns of a
-- primary key cannot be null. What is purged is known by its hour.
CREATE TABLE usage_counts (
  client_id TEXT    NOT NULL,
  hour      INTEGER NOT NULL,
  api_id    TEXT    NOT NULL,
  outcome   TEXT    NOT NULL,
  calls     INTEGER NOT NULL,
  PRIMARY KEY (client_id, hour, api_id, outcome)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_counts_hour ON usage_counts (hour, client_id, api_id, outcome);
