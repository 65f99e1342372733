/**
 * Stands for something until more is asked of it than what is known: most plugins of a folder are off, and
 * nobody asks more of them than whether they are.
 *
 * @param known is part of what is made.
 */
export function whenAsked<T extends object>(known: Partial<T>, make: () => T): T {
  let made: T | undefined;
  let maker: (() => T) | undefined = make;
  const whole = (): T => {
    made ??= (maker as () => T)();
    // What it was made with may go.
    maker = undefined;
    return made;
  };
  return new Proxy(known as T, {
    get: (_, key) => Reflect.get(made === undefined && key in known ? known : whole(), key),
    has: (_, key) => key in known || key in whole(),
    // For who copies it.
    ownKeys: () => Reflect.ownKeys(whole()),
    getOwnPropertyDescriptor(_, key) {
      const own = Reflect.getOwnPropertyDescriptor(whole(), key);
      return own && { ...own, configurable: true };
    },
  });
}
