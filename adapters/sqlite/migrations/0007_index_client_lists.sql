-- Lists of clients among a hundred thousand. Rows get a number, by which the index of trigrams names
-- them; `last_used_at` is the beginning of time for those never used; host names are searched, too.
CREATE TABLE numbered_clients (
  number         INTEGER PRIMARY KEY,
  id             TEXT    NOT NULL UNIQUE,
  client_name    TEXT    NOT NULL UNIQUE,
  display_name   TEXT    NOT NULL UNIQUE,
  created_at     INTEGER NOT NULL,
  starts_at      INTEGER NOT NULL,
  expires_at     INTEGER NOT NULL,
  last_used_at   INTEGER NOT NULL DEFAULT -8640000000000000,
  status         TEXT    NOT NULL,
  audience       TEXT    NOT NULL,
  security_level TEXT    NOT NULL,
  environment    TEXT    NOT NULL,
  kind           TEXT    NOT NULL,
  search         TEXT    NOT NULL,
  failed_logins  INTEGER NOT NULL,
  locked_at      INTEGER,
  failures       TEXT    NOT NULL
) STRICT;
INSERT INTO numbered_clients (
  id, client_name, display_name, created_at, starts_at, expires_at, last_used_at, status, audience,
  security_level, environment, kind, search, failed_logins, locked_at, failures)
SELECT
  c.id, client_name, display_name, created_at, starts_at, expires_at,
  coalesce((SELECT at FROM last_uses WHERE subject = 'client:' || c.id), -8640000000000000),
  status, audience, security_level, environment, kind,
  search || coalesce(
    (SELECT group_concat(char(10) || lower(value ->> 'hostName'), '')
     FROM documents d, json_each(d.document, '$.ipBindings')
     WHERE d.kind = 'client' AND d.id = c.id),
    ''),
  failed_logins, locked_at, failures
FROM clients c ORDER BY created_at, c.id;
DROP TABLE clients;
ALTER TABLE numbered_clients RENAME TO clients;

-- One for each sort, the id last, so that a page is read from either end without sorting.
CREATE INDEX clients_created_at ON clients (created_at, id);
CREATE INDEX clients_client_name ON clients (client_name, id);
CREATE INDEX clients_display_name ON clients (display_name COLLATE NOCASE, id);
CREATE INDEX clients_expires_at ON clients (expires_at, id);
CREATE INDEX clients_last_used_at ON clients (last_used_at, id);
-- By these the few clients that are not enabled are counted without passing over all the others.
CREATE INDEX clients_status ON clients (status, locked_at, expires_at, starts_at);
CREATE INDEX clients_starts_at ON clients (starts_at);

-- Any three characters that follow one another in the searched text, and where. The text is folded
-- already; its own copy stands in `clients`.
CREATE VIRTUAL TABLE clients_search USING fts5 (
  search, content = 'clients', content_rowid = 'number', tokenize = 'trigram case_sensitive 1'
);
INSERT INTO clients_search (clients_search) VALUES ('rebuild');
CREATE TRIGGER clients_search_insert AFTER INSERT ON clients BEGIN
  INSERT INTO clients_search (rowid, search) VALUES (new.number, new.search);
END;
CREATE TRIGGER clients_search_delete AFTER DELETE ON clients BEGIN
  INSERT INTO clients_search (clients_search, rowid, search) VALUES ('delete', old.number, old.search);
END;
CREATE TRIGGER clients_search_update AFTER UPDATE OF search ON clients WHEN new.search <> old.search BEGIN
  INSERT INTO clients_search (clients_search, rowid, search) VALUES ('delete', old.number, old.search);
  INSERT INTO clients_search (rowid, search) VALUES (new.number, new.search);
END;

-- APIs are found by their id, too.
UPDATE apis SET search = search || char(10) || lower(id);
-- Keys are found by their id and the last four characters of their value, too.
UPDATE api_keys SET search = search || char(10) || lower(id) || char(10) || lower(
  (SELECT d.document ->> '$.current.lastFour' FROM documents d
   WHERE d.kind = 'api key' AND d.id = api_keys.id));
