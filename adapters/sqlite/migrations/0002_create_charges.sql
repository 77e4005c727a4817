-- Units that a client spent in a window of its quota. A row goes some time after its window ends
-- (purge_at; null = never).
CREATE TABLE quotas (
  client_id TEXT    NOT NULL,
  window    TEXT    NOT NULL,
  used      INTEGER NOT NULL,
  purge_at  INTEGER,
  PRIMARY KEY (client_id, window)
) STRICT;
CREATE INDEX quotas_purge_at ON quotas (purge_at) WHERE purge_at IS NOT NULL;

-- Decisions that a retry of the same call repeats without paying again.
CREATE TABLE retries (
  key         TEXT    NOT NULL PRIMARY KEY,
  decision_id TEXT    NOT NULL,
  quota_used  INTEGER,
  uses        INTEGER,
  expires_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX retries_expires_at ON retries (expires_at);
