/** Envoy with docs/gateways/envoy.yaml in front of an API. */
import { gatewayFor } from '../../support/gateways/gateway.ts';
import { describeGateway } from './scenarios.ts';

describeGateway('envoy', await gatewayFor('test/gateway/proxies/envoy.test.ts', 'envoy'));
