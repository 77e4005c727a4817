-- What became of mails; never their text. Lists of addresses are JSON.
CREATE TABLE mails (
  mail_id         TEXT    NOT NULL PRIMARY KEY,
  at              INTEGER NOT NULL,
  recipients      TEXT    NOT NULL,
  pending         TEXT    NOT NULL,
  subject         TEXT    NOT NULL,
  template        TEXT    NOT NULL,
  object_kind     TEXT,
  object_id       TEXT,
  state           TEXT    NOT NULL,
  attempts        INTEGER NOT NULL,
  next_attempt_at INTEGER,
  error           TEXT,
  updated_at      INTEGER NOT NULL,
  expires_at      INTEGER NOT NULL,
  search          TEXT    NOT NULL
) STRICT;
CREATE INDEX mails_at ON mails (at, mail_id);
CREATE INDEX mails_state ON mails (state, at);
CREATE INDEX mails_object ON mails (object_kind, object_id, at);
CREATE INDEX mails_expires_at ON mails (expires_at);
