/** nginx with docs/gateways/nginx.conf in front of an API. */
import { gatewayFor } from '../../support/gateways/gateway.ts';
import { describeGateway } from './scenarios.ts';

describeGateway('nginx', await gatewayFor('test/gateway/proxies/nginx.test.ts', 'nginx'));
