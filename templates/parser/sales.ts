/**
 * What was sold.
 *
 * Format  `2026-11-18T10:26:40Z order paid 17.50`: when, what became of an order, and its amount.
 * Units   Orders, and their amounts as they stand, since the report before.
 */
import { count, defineParser, delta, type Line, z } from 'cullinan/plugin';

const options = z.strictObject({
  least: z.number().min(0).default(0).describe('Orders of a smaller amount are not counted.'),
});

const metrics = {
  orders: delta('sales.orders', { unit: 'count', labels: ['state'], help: 'Orders by state.' }),
  amounts: delta('sales.amount', {
    unit: 'count',
    labels: ['state'],
    help: 'What they add up to.',
  }),
};

// The states are listed: lines must never be able to name series as they like.
const LINE = /^\S+ order (placed|paid|cancelled) (\d{1,9}\.\d\d)$/;

export default defineParser({
  api: '1.0',
  name: 'sales',
  summary: 'What was sold.',
  source: 'the log of a shop',
  options,
  metrics: () => Object.values(metrics),
  open({ least }) {
    const sums = new Map<string, { orders: number; amount: number }>();
    return {
      parse({ text }: Line) {
        const [, state, digits] = LINE.exec(text) ?? [];
        if (state === undefined) return false;
        const amount = Number(digits);
        if (amount < least) return true;
        const sum = sums.get(state) ?? { orders: 0, amount: 0 };
        sums.set(state, { orders: sum.orders + 1, amount: sum.amount + amount });
        return true;
      },
      timeOf({ text }: Line) {
        const time = Date.parse(text.slice(0, 20)) / 1000;
        return Number.isNaN(time) ? undefined : time;
      },
      *report() {
        for (const [state, { orders, amount }] of sums) {
          yield metrics.orders.observe(count(orders), { state });
          yield metrics.amounts.observe(count(amount), { state });
        }
        sums.clear();
      },
    };
  },
});
