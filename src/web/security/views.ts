/** The views of the security tabs and their locals. */
import type { ApiKeyNewLocals } from './api-key-new.ts';
import type { ApiKeysLocals } from './api-keys.ts';
import type { ConfirmLocals } from './confirm.ts';
import type { HoldingsLocals } from './holdings.ts';
import type { HoldingsAddLocals } from './holdings-add.ts';
import type { IssuedLocals } from './issued.ts';
import type { LevelLocals } from './level.ts';
import type { PasswordLocals } from './password.ts';
import type { RotationLocals } from './rotation.ts';
import type { SecretNewLocals } from './secret-new.ts';
import type { SecretsLocals } from './secrets.ts';
import type { StatusLocals } from './status.ts';
import type { TokenSettingsLocals } from './token-settings.ts';

/** View name → its locals. */
export interface SecurityViews {
  'admin/security/api-key-new': ApiKeyNewLocals;
  'admin/security/api-keys': ApiKeysLocals;
  'admin/security/confirm': ConfirmLocals;
  'admin/security/holdings': HoldingsLocals;
  'admin/security/holdings-add': HoldingsAddLocals;
  'admin/security/issued': IssuedLocals;
  'admin/security/level': LevelLocals;
  'admin/security/password': PasswordLocals;
  'admin/security/rotation': RotationLocals;
  'admin/security/secret-new': SecretNewLocals;
  'admin/security/secrets': SecretsLocals;
  'admin/security/status': StatusLocals;
  'admin/security/token-settings': TokenSettingsLocals;
}
