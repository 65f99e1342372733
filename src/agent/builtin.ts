// Generated from the files in collectors/ and handlers/ by `npm run generate`. Do not edit.
import activemq from '../../collectors/activemq.ts';
import agent from '../../collectors/agent.ts';
import apache from '../../collectors/apache.ts';
import batteries from '../../collectors/batteries.ts';
import cgroups from '../../collectors/cgroups.ts';
import chrony from '../../collectors/chrony.ts';
import conntrack from '../../collectors/conntrack.ts';
import cpu from '../../collectors/cpu.ts';
import disk from '../../collectors/disk.ts';
import exec from '../../collectors/exec.ts';
import files from '../../collectors/files.ts';
import filesystem from '../../collectors/filesystem.ts';
import host from '../../collectors/host.ts';
import http from '../../collectors/http.ts';
import interrupts from '../../collectors/interrupts.ts';
import libvirt from '../../collectors/libvirt.ts';
import load from '../../collectors/load.ts';
import logs from '../../collectors/logs.ts';
import mdstat from '../../collectors/mdstat.ts';
import memory from '../../collectors/memory.ts';
import mountstats from '../../collectors/mountstats.ts';
import network from '../../collectors/network.ts';
import nfs from '../../collectors/nfs.ts';
import nginx from '../../collectors/nginx.ts';
import ntpd from '../../collectors/ntpd.ts';
import paging from '../../collectors/paging.ts';
import ping from '../../collectors/ping.ts';
import pressure from '../../collectors/pressure.ts';
import process from '../../collectors/process.ts';
import processes from '../../collectors/processes.ts';
import push from '../../collectors/push.ts';
import rabbitmq from '../../collectors/rabbitmq.ts';
import redis from '../../collectors/redis.ts';
import sensors from '../../collectors/sensors.ts';
import smart from '../../collectors/smart.ts';
import sockets from '../../collectors/sockets.ts';
import systemd from '../../collectors/systemd.ts';
import tcp from '../../collectors/tcp.ts';
import textfile from '../../collectors/textfile.ts';
import thermal from '../../collectors/thermal.ts';
import uptime from '../../collectors/uptime.ts';
import users from '../../collectors/users.ts';
import amqp from '../../handlers/amqp.ts';
import console from '../../handlers/console.ts';
import execHandler from '../../handlers/exec.ts';
import file from '../../handlers/file.ts';
import ganglia from '../../handlers/ganglia.ts';
import gnocchi from '../../handlers/gnocchi.ts';
import graphite from '../../handlers/graphite.ts';
import httpHandler from '../../handlers/http.ts';
import live from '../../handlers/live.ts';
import mqtt from '../../handlers/mqtt.ts';
import otlp from '../../handlers/otlp.ts';
import prometheus from '../../handlers/prometheus.ts';
import riemann from '../../handlers/riemann.ts';
import statsd from '../../handlers/statsd.ts';
import syslog from '../../handlers/syslog.ts';
import zeromq from '../../handlers/zeromq.ts';
import type { Collector, Handler } from '../plugin/index.ts';

export const collectors: readonly Collector[] = [
  activemq,
  agent,
  apache,
  batteries,
  cgroups,
  chrony,
  conntrack,
  cpu,
  disk,
  exec,
  files,
  filesystem,
  host,
  http,
  interrupts,
  libvirt,
  load,
  logs,
  mdstat,
  memory,
  mountstats,
  network,
  nfs,
  nginx,
  ntpd,
  paging,
  ping,
  pressure,
  process,
  processes,
  push,
  rabbitmq,
  redis,
  sensors,
  smart,
  sockets,
  systemd,
  tcp,
  textfile,
  thermal,
  uptime,
  users,
];
export const handlers: readonly Handler[] = [
  amqp,
  console,
  execHandler,
  file,
  ganglia,
  gnocchi,
  graphite,
  httpHandler,
  live,
  mqtt,
  otlp,
  prometheus,
  riemann,
  statsd,
  syslog,
  zeromq,
];
