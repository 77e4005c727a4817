-- Who uses what: holdings also tell which clients name a user in their allowlist, and which keys have
-- an API group.
INSERT OR IGNORE INTO holdings (held_kind, held_id, holder_kind, holder_id)
SELECT 'allowed_user', named.value, 'client', d.id
FROM documents d, json_each(d.document, '$.userAllowlist') named WHERE d.kind = 'client';
INSERT OR IGNORE INTO holdings (held_kind, held_id, holder_kind, holder_id)
SELECT 'key_api_group', named.value, 'api key', d.id
FROM documents d, json_each(d.document, '$.apiGroups') named WHERE d.kind = 'api key';

-- By this the clients at a level are found and counted.
CREATE INDEX clients_security_level ON clients (security_level);
