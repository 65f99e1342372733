// Generated from the files in parsers/ by `npm run generate`. Do not edit.
import access from '../../parsers/access.ts';
import apacheError from '../../parsers/apache-error.ts';
import auth from '../../parsers/auth.ts';
import errorLogLogster from '../../parsers/error-log-logster.ts';
import haproxy from '../../parsers/haproxy.ts';
import journald from '../../parsers/journald.ts';
import jsonLines from '../../parsers/json-lines.ts';
import jsonLogster from '../../parsers/json-logster.ts';
import log4j from '../../parsers/log4j.ts';
import log4jLogster from '../../parsers/log4j-logster.ts';
import logfmt from '../../parsers/logfmt.ts';
import metricLogster from '../../parsers/metric-logster.ts';
import nginxError from '../../parsers/nginx-error.ts';
import postfix from '../../parsers/postfix.ts';
import postfixLogster from '../../parsers/postfix-logster.ts';
import regex from '../../parsers/regex.ts';
import sampleLogster from '../../parsers/sample-logster.ts';
import squid from '../../parsers/squid.ts';
import squidLogster from '../../parsers/squid-logster.ts';
import syslog from '../../parsers/syslog.ts';
import type { Parser } from '../plugin/index.ts';

export const builtin: readonly Parser[] = [
  access,
  apacheError,
  auth,
  errorLogLogster,
  haproxy,
  journald,
  jsonLines,
  jsonLogster,
  log4j,
  log4jLogster,
  logfmt,
  metricLogster,
  nginxError,
  postfix,
  postfixLogster,
  regex,
  sampleLogster,
  squid,
  squidLogster,
  syslog,
];
