import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeFrame, FrameReader, type StompFrame } from '../../src/wire/stomp.ts';
import { freePort } from './carbon.ts';
import { withUs } from './with-us.ts';

const JAVA = '/usr/share/java';
const LIBRARIES = [
  ...['/usr/share/activemq/lib/*', '/usr/share/activemq/lib/optional/*'],
  ...['xstream', 'jettison', 'jolokia-core', 'json-simple', 'servlet-api'].map(
    (name) => `${JAVA}/${name}.jar`,
  ),
  ...['server', 'servlet', 'http', 'io', 'util', 'security', 'util-ajax'].map(
    (name) => `${JAVA}/jetty9-${name}.jar`,
  ),
];

interface Ports {
  readonly http: number;
  readonly stomp: number;
}

/** As activemq.xml of Debian's package, with Jolokia's servlet in the broker, as ActiveMQ's console has it. */
const configuration = (folder: string, ports: Ports, plugins: string) => `
<beans xmlns="http://www.springframework.org/schema/beans"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.springframework.org/schema/beans
    http://www.springframework.org/schema/beans/spring-beans-2.0.xsd
    http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
  <broker xmlns="http://activemq.apache.org/schema/core" brokerName="localhost" useJmx="true"
    dataDirectory="${folder}/data">
    <managementContext><managementContext createConnector="false"/></managementContext>
    <plugins>${plugins}
      <simpleAuthenticationPlugin><users>
        <authenticationUser username="agent" password="secret" groups="users,admins"/>
      </users></simpleAuthenticationPlugin>
    </plugins>
    <persistenceAdapter><kahaDB directory="${folder}/data" journalMaxFileLength="1mb"/></persistenceAdapter>
    <systemUsage><systemUsage>
      <memoryUsage><memoryUsage limit="1 mb"/></memoryUsage>
      <storeUsage><storeUsage limit="8 mb"/></storeUsage>
      <tempUsage><tempUsage limit="8 mb"/></tempUsage>
    </systemUsage></systemUsage>
    <transportConnectors>
      <transportConnector name="stomp" uri="stomp://127.0.0.1:${ports.stomp}"/>
    </transportConnectors>
  </broker>
  <bean id="api" class="org.eclipse.jetty.servlet.ServletContextHandler">
    <property name="contextPath" value="/api"/>
    <property name="servletHandler"><bean class="org.eclipse.jetty.servlet.ServletHandler">
      <property name="servlets"><bean class="org.eclipse.jetty.servlet.ServletHolder">
        <property name="name" value="jolokia"/>
        <property name="className" value="org.jolokia.http.AgentServlet"/>
      </bean></property>
      <property name="servletMappings"><bean class="org.eclipse.jetty.servlet.ServletMapping">
        <property name="servletName" value="jolokia"/>
        <property name="pathSpec" value="/jolokia/*"/>
      </bean></property>
    </bean></property>
  </bean>
  <bean class="org.eclipse.jetty.server.Server" init-method="start" destroy-method="stop">
    <constructor-arg><bean class="java.net.InetSocketAddress">
      <constructor-arg value="127.0.0.1"/><constructor-arg value="${ports.http}"/>
    </bean></constructor-arg>
    <property name="handler" ref="api"/>
  </bean>
</beans>
`;

/** A real ActiveMQ with Jolokia and STOMP, where `agent` with the password `secret` may do everything. */
export class ActiveMq implements AsyncDisposable {
  readonly jolokia: string;
  readonly stomp: string;
  readonly #stompPort: number;
  readonly #folder: string;
  readonly #child: ChildProcess;
  #said = '';

  private constructor(folder: string, ports: Ports, child: ChildProcess) {
    this.jolokia = `http://127.0.0.1:${ports.http}/api/jolokia`;
    this.stomp = `stomp://127.0.0.1:${ports.stomp}`;
    this.#stompPort = ports.stomp;
    this.#folder = folder;
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#said = (this.#said + text).slice(-4000);
      });
    }
  }

  /** @param plugins XML of those that it has. */
  static async start(plugins = '<statisticsBrokerPlugin/>'): Promise<ActiveMq> {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-activemq-'));
    const [http = 0, stomp = 0] = await Promise.all([freePort(), freePort()]);
    const ports = { http, stomp };
    for (const name of ['conf', 'data', 'tmp']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'conf/activemq.xml'), configuration(folder, ports, plugins));
    const words = [
      ...[
        '-Xmx128m',
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        `-Djava.io.tmpdir=${folder}/tmp`,
      ],
      ...[
        `-Dactivemq.home=${folder}`,
        `-Dactivemq.base=${folder}`,
        `-Dactivemq.data=${folder}/data`,
      ],
      ...['-cp', [join(folder, 'conf'), ...LIBRARIES].join(':')],
      ...['org.apache.activemq.console.Main', 'start', 'xbean:activemq.xml'],
    ];
    const child = spawn(...withUs('/usr/bin/java', words), { stdio: ['ignore', 'pipe', 'pipe'] });
    const broker = new ActiveMq(folder, ports, child);
    try {
      await broker.#up();
    } catch (error) {
      await broker[Symbol.asyncDispose]();
      throw error;
    }
    return broker;
  }

  async #up(): Promise<void> {
    for (let i = 0; i < 600; i += 1) {
      if (this.#child.exitCode !== null) break;
      // Its last bean to be started, when all else is up.
      const answer = await fetch(`${this.jolokia}/version`).catch(() => undefined);
      if (answer?.ok) return;
      await sleep(50);
    }
    throw new Error(`ActiveMQ does not come up: ${this.#said}`);
  }

  /** What an MBean has for an attribute, by Jolokia's GET. @param bean the name's part behind brokerName. */
  async attribute(bean: string, name: string): Promise<unknown> {
    const mbean = `org.apache.activemq:type=Broker,brokerName=localhost${bean}`;
    const answer = await fetch(`${this.jolokia}/read/${mbean}/${name}`);
    return ((await answer.json()) as { readonly value: unknown }).value;
  }

  async client(): Promise<Client> {
    const socket = connect(this.#stompPort, '127.0.0.1');
    const client = new Client(socket);
    await client.say('CONNECT', { 'accept-version': '1.2', login: 'agent', passcode: 'secret' });
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Whoever sends messages and takes them. */
class Client implements Disposable {
  readonly messages: StompFrame[] = [];
  readonly #socket: Socket;
  readonly #receipts = new Set<string>();
  #count = 0;

  constructor(socket: Socket) {
    const reader = new FrameReader();
    this.#socket = socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      for (const frame of reader.push(bytes)) {
        if (frame.command === 'MESSAGE') this.messages.push(frame);
        this.#receipts.add(frame.headers.get('receipt-id') ?? frame.command);
      }
    });
  }

  /** Says something, and waits until the broker has done it. */
  async say(command: string, headers: Record<string, string>, body = ''): Promise<void> {
    this.#count += 1;
    const receipt = command === 'CONNECT' ? 'CONNECTED' : `${this.#count}`;
    const asked = command === 'CONNECT' ? headers : { ...headers, receipt };
    this.#socket.write(encodeFrame(command, asked, body));
    await this.#until(() => this.#receipts.has(receipt), command);
  }

  async got(count: number): Promise<void> {
    await this.#until(() => this.messages.length >= count, `${count} messages`);
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    for (let i = 0; i < 500; i += 1) {
      if (holds()) return;
      if (this.#receipts.has('ERROR')) break;
      await sleep(10);
    }
    throw new Error(`ActiveMQ: no ${what}`);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
