-- What admins have typed into the wizard that creates a client. Steps are a JSON object of lists of names and values.
CREATE TABLE client_drafts (
  draft_id   TEXT    NOT NULL PRIMARY KEY,
  admin_id   TEXT    NOT NULL,
  steps      TEXT    NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX client_drafts_expires_at ON client_drafts (expires_at);
