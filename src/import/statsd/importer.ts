import type { Importer } from '../importer.ts';
import { readInput } from '../input.ts';
import { interval, keys, log } from './general.ts';
import { CODE } from './left.ts';
import { listening } from './listening.ts';
import { readConfig } from './literal.ts';
import { backends, console, graphite, repeater, server } from './sending.ts';
import { Settings } from './settings.ts';

/**
 * statsd's configuration. statsd goes on counting for applications. What is carried over is where a
 * host's own metrics can go: to the same Carbon, or through this statsd; and where the collector push
 * would listen in its place.
 */
export const statsd: Importer = {
  name: 'statsd',
  title: 'statsd',
  takes: 'a configuration file of statsd',
  words: 1,
  draft([file = ''], draft) {
    const { members, more } = readConfig(file, readInput(file));
    for (const it of more) draft.leave(draft.line(file, it.line, it.text), CODE);
    draft.note(
      [],
      'Leave statsd running for what applications send to it: this configuration has a host’s own metrics sent to ' +
        'where statsd sends. The collector push can take its place: docs/push.md.',
    );
    const it = new Settings(draft, file, members);
    interval(it);
    log(it);
    const names = backends(it);
    const sends = names.some((each) => /(?:^|\/)graphite$/.test(each)) && graphite(it);
    const repeats = repeater(it);
    server(it, !sends && !repeats && !names.some((each) => /console$/.test(each)));
    if (names.some((each) => /(?:^|\/)console$/.test(each))) console(it);
    draft.note(
      ['handlers'],
      sends
        ? 'To send through statsd instead (as stats.gauges.…, aggregated anew), enable statsd and disable graphite.'
        : 'Nothing is known of a Graphite that statsd would send to.',
    );
    listening(it);
    keys(it);
  },
};
