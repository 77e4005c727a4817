-- Instants are milliseconds since 1970. Table names are plural nouns; an index is named after its
-- table and columns.

-- Governed records, whole, as JSON. A table of its own keeps the tables that lists scan narrow.
CREATE TABLE documents (
  kind     TEXT    NOT NULL,
  id       TEXT    NOT NULL,
  version  INTEGER NOT NULL,
  document TEXT    NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT;

-- What each noun is unique by, filtered by, sorted by and searched in.
CREATE TABLE clients (
  id             TEXT    NOT NULL PRIMARY KEY,
  client_name    TEXT    NOT NULL UNIQUE,
  display_name   TEXT    NOT NULL UNIQUE,
  created_at     INTEGER NOT NULL,
  starts_at      INTEGER NOT NULL,
  expires_at     INTEGER NOT NULL,
  status         TEXT    NOT NULL,
  audience       TEXT    NOT NULL,
  security_level TEXT    NOT NULL,
  environment    TEXT    NOT NULL,
  kind           TEXT    NOT NULL,
  search         TEXT    NOT NULL,
  failed_logins  INTEGER NOT NULL,
  locked_at      INTEGER,
  failures       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX clients_created_at ON clients (created_at);
CREATE INDEX clients_expires_at ON clients (expires_at);
CREATE INDEX clients_display_name ON clients (display_name COLLATE NOCASE);

-- Ids of deleted clients are never given again.
CREATE TABLE deleted_clients (
  id TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  id            TEXT    NOT NULL PRIMARY KEY,
  user_name     TEXT    NOT NULL UNIQUE,
  email         TEXT    UNIQUE,
  created_at    INTEGER NOT NULL,
  status        TEXT    NOT NULL,
  search        TEXT    NOT NULL,
  failed_logins INTEGER NOT NULL,
  locked_at     INTEGER,
  failures      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX users_created_at ON users (created_at);

CREATE TABLE apis (
  id         TEXT    NOT NULL PRIMARY KEY,
  method     TEXT    NOT NULL,
  path       TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  search     TEXT    NOT NULL,
  UNIQUE (method, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX apis_path ON apis (path);
CREATE INDEX apis_created_at ON apis (created_at);

CREATE TABLE api_groups (
  id         TEXT    NOT NULL PRIMARY KEY,
  created_at INTEGER NOT NULL,
  search     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_scopes (
  id         TEXT    NOT NULL PRIMARY KEY,
  created_at INTEGER NOT NULL,
  search     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE security_levels (
  id     TEXT    NOT NULL PRIMARY KEY,
  rank   INTEGER NOT NULL UNIQUE,
  search TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE admins (
  id         TEXT    NOT NULL PRIMARY KEY,
  user_name  TEXT    NOT NULL UNIQUE,
  role       TEXT    NOT NULL,
  status     TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  search     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE personal_access_tokens (
  id         TEXT    NOT NULL PRIMARY KEY,
  admin_id   TEXT    NOT NULL,
  digest     TEXT    NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  search     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX personal_access_tokens_admin_id ON personal_access_tokens (admin_id);
CREATE INDEX personal_access_tokens_created_at ON personal_access_tokens (created_at);

-- Which record names which: a client its groups, a group its APIs. Answers "in use by".
CREATE TABLE holdings (
  held_kind   TEXT NOT NULL,
  held_id     TEXT NOT NULL,
  holder_kind TEXT NOT NULL,
  holder_id   TEXT NOT NULL,
  PRIMARY KEY (held_kind, held_id, holder_kind, holder_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX holdings_holder ON holdings (holder_kind, holder_id);

-- The change feed; positions have no gaps, so that a reader knows when it has missed something.
CREATE TABLE changes (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  kind     TEXT NOT NULL,
  id       TEXT NOT NULL
) STRICT;

CREATE TABLE audit_events (
  position      INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id      TEXT    NOT NULL UNIQUE,
  at            INTEGER NOT NULL,
  actor_kind    TEXT    NOT NULL,
  actor_id      TEXT    NOT NULL,
  actor_address TEXT,
  action        TEXT    NOT NULL,
  object_kind   TEXT    NOT NULL,
  object_id     TEXT    NOT NULL,
  changes       TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_events_at ON audit_events (at);
CREATE INDEX audit_events_object ON audit_events (object_kind, object_id, at);
CREATE INDEX audit_events_actor ON audit_events (actor_id, at);
CREATE INDEX audit_events_action ON audit_events (action, at);

-- Access tokens and refresh-token families. Their ids are random, so this table keeps its rowid: one
-- in the order of the ids would dirty a page of whole rows for each new token. A family stays until
-- purge_at, the last expiry of the family and its access tokens, because its revocation is theirs.
CREATE TABLE tokens (
  token_id       TEXT    NOT NULL PRIMARY KEY,
  kind           TEXT    NOT NULL,
  client_id      TEXT    NOT NULL,
  user_id        TEXT,
  grant_type     TEXT    NOT NULL,
  scopes         TEXT    NOT NULL,
  issued_at      INTEGER NOT NULL,
  expires_at     INTEGER NOT NULL,
  revoked_at     INTEGER,
  max_uses       INTEGER NOT NULL,
  uses           INTEGER NOT NULL,
  family_id      TEXT,
  current_digest TEXT,
  rotated_at     INTEGER,
  purge_at       INTEGER NOT NULL
) STRICT;
-- Wide enough to count and page an owner's live tokens without reading the tokens.
CREATE INDEX tokens_client
  ON tokens (client_id, issued_at, expires_at, revoked_at, family_id, token_id);
CREATE INDEX tokens_user
  ON tokens (user_id, issued_at, expires_at, revoked_at, family_id, token_id)
  WHERE user_id IS NOT NULL;
CREATE INDEX tokens_family ON tokens (family_id) WHERE family_id IS NOT NULL;
CREATE INDEX tokens_purge_at ON tokens (purge_at);

CREATE TABLE artifacts (
  model      TEXT    NOT NULL,
  digest     TEXT    NOT NULL,
  payload    TEXT    NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (model, digest)
) STRICT;
CREATE INDEX artifacts_expires_at ON artifacts (expires_at);

CREATE TABLE one_time_links (
  digest     TEXT    NOT NULL PRIMARY KEY,
  purpose    TEXT    NOT NULL,
  subject_id TEXT    NOT NULL,
  expires_at INTEGER NOT NULL,
  UNIQUE (purpose, subject_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX one_time_links_expires_at ON one_time_links (expires_at);

CREATE TABLE signing_keys (
  key_id        TEXT    NOT NULL PRIMARY KEY,
  encrypted_jwk TEXT    NOT NULL,
  created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE last_uses (
  subject TEXT    NOT NULL PRIMARY KEY,
  at      INTEGER NOT NULL,
  address TEXT
) STRICT, WITHOUT ROWID;
