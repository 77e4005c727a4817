/**
 * The flood of `npm run bench`: wrong secrets at a steady rate, for many clients, from many addresses
 * (the benchmark's server trusts loopback as a proxy). Prints how each was answered as JSON.
 */
import { Agent, request } from 'node:http';

const [url = '', perSecond = '200', seconds = '3', victims = '100'] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const statuses: Record<string, number> = {};
let sent = 0;

function sendOne(): void {
  const id = `victim-${sent % Number(victims)}`;
  const address = `198.51.${sent % 100}.${(sent * 7) % 250}`;
  sent += 1;
  const sending = request(
    url,
    {
      method: 'POST',
      agent,
      headers: {
        authorization: `Basic ${Buffer.from(`${id}:wrong-${sent}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
        'x-forwarded-for': address,
      },
    },
    (response) => {
      statuses[String(response.statusCode)] = (statuses[String(response.statusCode)] ?? 0) + 1;
      response.resume();
    },
  );
  sending.on('error', () => undefined);
  sending.end('grant_type=client_credentials');
}

const timer = setInterval(sendOne, 1000 / Number(perSecond));
setTimeout(() => {
  clearInterval(timer);
  process.stdout.write(JSON.stringify({ sent, statuses }));
  process.exit(0);
}, Number(seconds) * 1000);
