import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A sample as Ceilometer's notification agent hands it to its pipeline. */
export interface TakenSample {
  readonly name: string;
  readonly type: string;
  readonly unit: string;
  readonly volume: number;
  readonly resource_id: string;
  readonly project_id: string | null;
  readonly user_id: string | null;
  readonly timestamp: string;
  readonly resource_metadata: Readonly<Record<string, unknown>>;
}

/** A notification as it came from the bus: what its signatures are worth, and what became of it. */
export interface Taken {
  readonly event: string;
  readonly signed: readonly boolean[];
  readonly samples: readonly TakenSample[];
}

/**
 * Listens as ceilometer-agent-notification does, with its listener, its endpoint and its verification;
 * only the pipeline behind them prints what it is given. With a second word it also publishes a sample
 * of its own as ceilometer-polling does.
 */
const SCRIPT = `
import json, sys
from oslo_config import cfg
import oslo_messaging
from ceilometer import messaging, opts, sample
from ceilometer.compute.pollsters import util
from ceilometer.publisher import utils
from ceilometer.telemetry import notifications

url, secret, publishes = sys.argv[1:]
conf = cfg.ConfigOpts()
for group, options in opts.list_opts():
    conf.register_opts(list(options), group=None if group == 'DEFAULT' else group)
conf([], project='ceilometer', default_config_files=[])
messaging.setup()
conf.set_override('telemetry_secret', secret, group='publisher')

class Pipeline(object):
    def __enter__(self):
        self.samples = []
        return self.samples.extend
    def __exit__(self, *_):
        pass

pipeline = Pipeline()
taken = notifications.TelemetryIpc(conf, pipeline)

class Endpoint(object):
    filter_rule = taken.filter_rule
    def sample(self, messages):
        taken.sample(messages)
        for message in messages:
            print(json.dumps({
                'event': message['event_type'],
                'signed': [utils.verify_signature(it, secret) for it in message['payload']['samples']],
                'samples': [it.as_dict() for it in pipeline.samples],
            }), flush=True)

transport = messaging.get_transport(conf, url)
listener = messaging.get_batch_notification_listener(
    transport, [oslo_messaging.Target(topic='notifications', exchange='ceilometer')], [Endpoint()],
    batch_size=1)
listener.start()
if publishes:
    class Instance(object):
        id = publishes
        name = 'web'
        user_id = 'u'
        tenant_id = 'p'
        hostId = 'h'
        status = 'ACTIVE'
        flavor = {'id': 'f', 'name': 'm1.small', 'vcpus': 2, 'ram': 2048, 'disk': 20, 'ephemeral': 0}
        image = {'id': 'i'}
        metadata = {}
    one = util.make_sample_from_instance(
        conf, Instance(), 'cpu', sample.TYPE_CUMULATIVE, 'ns', 6235344000,
        additional_metadata={'cpu_number': 2}, monotonic_time=12.5)
    one.set_timestamp('2026-11-21T10:00:00.123456')
    notifier = oslo_messaging.Notifier(
        transport, driver=conf.publisher_notifier.telemetry_driver, publisher_id='ceilometer.polling')
    notifier.sample({}, 'telemetry.polling',
                    {'samples': [utils.meter_message_from_counter(one, secret)]})
print(json.dumps('listening'), flush=True)
listener.wait()
`;

/** Ceilometer's notification agent, as far as a sample comes before its pipelines. */
export class Ceilometer implements AsyncDisposable {
  readonly taken: Taken[] = [];
  readonly #child;
  #listens = false;

  /** @param publishes a guest's UUID, of which it publishes a sample itself. */
  static async start(url: string, secret: string, publishes = ''): Promise<Ceilometer> {
    const agent = new Ceilometer(url, secret, publishes);
    const child = agent.#child;
    while (!agent.#listens) {
      if (child.exitCode !== null) throw new Error('the notification agent did not come up');
      await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    }
    return agent;
  }

  private constructor(url: string, secret: string, publishes: string) {
    // Debian's own Python, which sees Debian's packages.
    this.#child = spawn('/usr/bin/python3', ['-c', SCRIPT, url, secret, publishes], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let rest = '';
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const said = JSON.parse(line);
        if (said === 'listening') this.#listens = true;
        else this.taken.push(said as Taken);
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}
