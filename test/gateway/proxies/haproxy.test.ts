/** HAProxy with haproxy.cfg and tollgate.lua of docs/gateways in front of an API. */
import { gatewayFor } from '../../support/gateways/gateway.ts';
import { describeGateway } from './scenarios.ts';

describeGateway('haproxy', await gatewayFor('test/gateway/proxies/haproxy.test.ts', 'haproxy'));
