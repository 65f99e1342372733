// Generated from the files in parsers/ by `npm run generate`. Do not edit.
import access from '../../parsers/access.ts';
import apacheError from '../../parsers/apache-error.ts';
import errorLogLogster from '../../parsers/error-log-logster.ts';
import jsonLogster from '../../parsers/json-logster.ts';
import log4jLogster from '../../parsers/log4j-logster.ts';
import metricLogster from '../../parsers/metric-logster.ts';
import nginxError from '../../parsers/nginx-error.ts';
import postfix from '../../parsers/postfix.ts';
import postfixLogster from '../../parsers/postfix-logster.ts';
import sampleLogster from '../../parsers/sample-logster.ts';
import squidLogster from '../../parsers/squid-logster.ts';
import type { Parser } from '../plugin/index.ts';

export const builtin: readonly Parser[] = [
  access,
  apacheError,
  errorLogLogster,
  jsonLogster,
  log4jLogster,
  metricLogster,
  nginxError,
  postfix,
  postfixLogster,
  sampleLogster,
  squidLogster,
];
