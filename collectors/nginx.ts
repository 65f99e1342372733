/**
 * nginx: connections by state, and the requests it has handled.
 *
 * Source  Its page of ngx_http_stub_status_module, which the configuration has to show this host:
 *         `location /nginx_status { stub_status; allow 127.0.0.1; allow ::1; deny all; }`.
 * Units   Connections and requests.
 * Access  HTTP, with a login where the server wants one.
 */
import { checkHttp, pageOptions, readPage } from 'cullinan/net';
import { count, counter, defineCollector, gauge, ParseError, z } from 'cullinan/plugin';

const options = z.strictObject(pageOptions('http://localhost/nginx_status')).superRefine(checkHttp);

const metrics = {
  connections: gauge('nginx.connections.active', {
    unit: 'count',
    help: 'Open connections, those that wait among them.',
  }),
  current: gauge('nginx.connections.current', {
    unit: 'count',
    labels: ['state'],
    help: 'Connections by what they do: reading, writing, waiting.',
  }),
  accepted: counter('nginx.connections.accepted', { unit: 'count', help: 'Connections accepted.' }),
  handled: counter('nginx.connections.handled', {
    unit: 'count',
    help: 'Connections served; fewer than accepted where there were too many.',
  }),
  requests: counter('nginx.requests', { unit: 'count', help: 'Requests.' }),
};

const PAGE =
  /^Active connections: +(\d{1,15}) *\r?\nserver accepts handled requests[^\n]*\n +(\d{1,15}) +(\d{1,15}) +(\d{1,15})[^\n]*\nReading: +(\d{1,15}) +Writing: +(\d{1,15}) +Waiting: +(\d{1,15})/;

export function parse(text: string) {
  const match = PAGE.exec(text);
  if (match === null) {
    const line = text.split('\n', 1)[0]?.slice(0, 80) ?? '';
    throw new ParseError(`the page begins "${line}", and is not that of stub_status. Check "url".`);
  }
  const [active, accepted, handled, requests, reading, writing, waiting] = match
    .slice(1)
    .map(Number) as [number, number, number, number, number, number, number];
  return { active, accepted, handled, requests, states: { reading, writing, waiting } };
}

export default defineCollector({
  name: 'nginx',
  summary: 'nginx: connections by state, and requests.',
  source: 'its page of stub_status, over HTTP',
  enabled: false,
  options,
  metrics,
  async collect({ options, signal }) {
    const page = parse(await readPage(options, signal));
    return [
      metrics.connections.observe(count(page.active)),
      ...Object.entries(page.states).map(([state, number]) =>
        metrics.current.observe(count(number), { state }),
      ),
      metrics.accepted.observe(count(page.accepted)),
      metrics.handled.observe(count(page.handled)),
      metrics.requests.observe(count(page.requests)),
    ];
  },
});
