-- Figures up to which an account counts as spent should the machine stop, told to the disk ahead of the
-- charges. `owner` is the process that charges, `boot` the start of its machine; `id` is the client of a
-- quota, or the token whose uses are meant, which have no window (empty).
CREATE TABLE reserves (
  owner      TEXT    NOT NULL,
  boot       TEXT    NOT NULL,
  kind       TEXT    NOT NULL CHECK (kind IN ('quota', 'uses')),
  id         TEXT    NOT NULL,
  window     TEXT    NOT NULL,
  figure     INTEGER NOT NULL,
  expires_at INTEGER,
  PRIMARY KEY (owner, kind, id, window)
) STRICT;
CREATE INDEX reserves_expires_at ON reserves (expires_at) WHERE expires_at IS NOT NULL;
