/** Caddy with docs/gateways/Caddyfile in front of an API. */
import { gatewayFor } from '../../support/gateways/gateway.ts';
import { describeGateway } from './scenarios.ts';

describeGateway('caddy', await gatewayFor('test/gateway/proxies/caddy.test.ts', 'caddy'));
