/** Load of `npm run bench`, in a process of its own: prints requests a second, latencies and statuses as JSON. */
import autocannon from 'autocannon';

const [url = '', authorization = '', body = '', seconds = '3', connections = '16', type = ''] =
  process.argv.slice(2);
const result = await autocannon({
  url,
  method: 'POST',
  headers: { authorization, 'content-type': type },
  body,
  connections: Number(connections),
  duration: Number(seconds),
});
const { requests, latency, non2xx, errors } = result;
process.stdout.write(
  JSON.stringify({
    perSecond: requests.average,
    p50: latency.p50,
    p99: latency.p99,
    non2xx,
    errors,
  }),
);
