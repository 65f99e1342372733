import apacheError from '../../parsers/apache-error.ts';
import nginxError from '../../parsers/nginx-error.ts';
import { describeParser } from '../support/parsers.ts';

describeParser(apacheError);
describeParser(nginxError);
