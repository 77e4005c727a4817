/** Replaces the engine's comparison of client secrets by ours: hashed secrets, IP bindings, lockout. */
import { Provider } from 'oidc-provider';
import { authenticateClient } from '../domain/clients/authenticate-client.ts';
import type { Services } from '../domain/services.ts';
import { stateOf } from './request.ts';

/** Gives the provider's clients a `compareClientSecret` that knows hashed secrets. */
export function useHashedSecrets(provider: Provider, services: Services): void {
  provider.Client.prototype.compareClientSecret = async function compareClientSecret(presented) {
    const state = stateOf(Provider.ctx);
    const client = await services.directory.client(this.clientId);
    if (client === null) return false;
    const failure = await authenticateClient(
      services,
      client,
      state.presentedSecrets ?? [presented],
      state.address,
    );
    if (failure === null) return true;
    state.reason = failure;
    return false;
  };
}
