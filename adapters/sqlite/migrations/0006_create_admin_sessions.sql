-- Sessions of the console, and what guards the sign-in of admins. A guard exists once it holds something.
CREATE TABLE admin_sessions (
  session_id   TEXT    NOT NULL PRIMARY KEY,
  admin_id     TEXT    NOT NULL,
  digest       TEXT    NOT NULL UNIQUE,
  standing     TEXT    NOT NULL,
  created_at   INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  verified_at  INTEGER NOT NULL,
  address      TEXT,
  user_agent   TEXT    NOT NULL,
  expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX admin_sessions_admin_id ON admin_sessions (admin_id, last_seen_at);
CREATE INDEX admin_sessions_expires_at ON admin_sessions (expires_at);

CREATE TABLE admin_guards (
  admin_id            TEXT    NOT NULL PRIMARY KEY,
  failed_logins       INTEGER NOT NULL DEFAULT 0,
  locked_at           INTEGER,
  totp_step           INTEGER NOT NULL DEFAULT 0,
  pending_totp_secret TEXT,
  -- A JSON list of keyed digests.
  recovery_codes      TEXT    NOT NULL DEFAULT '[]'
) STRICT, WITHOUT ROWID;
